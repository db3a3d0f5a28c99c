# One paper, built from its data.  `make` alone shows what can be done.
SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.ONESHELL:
.DEFAULT_GOAL := help

PYTHON ?= python3
CORES  ?= 2
TRIAL  ?= data/nk_inr
DRAFT  ?=

export PATH := $(CURDIR)/.venv/bin:$(PATH)
# what the shell around says of Python must not reach the book's own environment
unexport PYTHONPATH PYTHONHOME PYTHONDONTWRITEBYTECODE

WORKFLOW = snakemake --cores $(CORES) --quiet all --rerun-incomplete --config trial='$(TRIAL)' draft=$(DRAFT)
PYTEST = OPENBLAS_NUM_THREADS=1 pytest --numprocesses $(CORES) --dist loadfile --no-loadscope-reorder
PIP = .venv/bin/python -m pip --quiet --disable-pip-version-check install
# what belongs to the trial: `$$out`, where its book is built, and `$$lock`, the numbers that were accepted
OF_TRIAL = folder=$$(cd "$(TRIAL)" && pwd -P); out=_build/trials/$$(basename "$$folder"); lock=$$folder/numbers.lock.json; \
  if [ "$$folder" = "$$(pwd -P)/data/nk_inr" ]; then out=_build; lock=book/numbers.lock.json; fi
# shows that a silent command is at work: `$(call busy,command)`
busy = $(1) & while kill -0 $$! 2> /dev/null; do printf .; sleep 2; done; echo; wait $$!

.PHONY: help
help:  ## Show this list
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: book
book: .venv/.book  ## Build the book, set-up included (TRIAL=folder: of another trial; DRAFT=1: show what it lacks)
	@start=$$SECONDS
	$(WORKFLOW)
	$(OF_TRIAL)
	echo "The book is $(CURDIR)/$$out/html/index.html ($$((SECONDS - start)) s)"

.PHONY: diff
diff: book  ## Tell which numbers and sentences changed since the numbers were accepted
	@$(OF_TRIAL)
	trialbook diff "$$lock" "$$out/html/results.json" --output "$$out"

.PHONY: accept
accept: book  ## Accept the numbers of the book as they are now, in the numbers lock
	@$(OF_TRIAL)
	trialbook accept "$(TRIAL)" "$$out/html" "$$lock"

.PHONY: verify
verify: .venv/.book  ## Compute the paper anew from its data, compare its numbers with the lock, write a receipt
	@$(OF_TRIAL)
	trialbook verify "$(TRIAL)" "$$lock" "$$out" $(if $(DRAFT),--draft)

.PHONY: mutate
mutate: book  ## Find the numbers of the results that no change of the data moves
	@$(OF_TRIAL)
	trialbook mutate "$(TRIAL)" "$$out/html" --cores $(CORES)

.PHONY: pdf
pdf: book  ## Build the paper as PDF (needs XeTeX and latexmk)
	@trialbook book . _build/latex --builder latex
	cd _build/latex
	latexmk -xelatex -interaction=batchmode -halt-on-error -silent paper.tex
	echo "The paper is $(CURDIR)/_build/latex/paper.pdf"

.PHONY: docx
docx: book  ## Build the paper as a Word document (needs pandoc and rsvg-convert)
	@trialbook word . _build/paper.docx
	echo "The paper is $(CURDIR)/_build/paper.docx"

.PHONY: check
check: lint  ## Check style, types and imports, and run the tests that need no built book
	@$(PYTEST) -m 'unit or sphinx'

.PHONY: test
test: lint docs  ## Build the documentation, and run all tests but the long ones
	@$(PYTEST) -m 'not long and not network'

.PHONY: test-long
test-long: .venv/.test  ## Run the long tests, and those with random examples on many more
	@$(PYTEST) -m 'long or network or hypothesis' --hypothesis-profile thorough

.PHONY: docs
docs: .venv/.book  ## Build the documentation of the engine
	@sphinx-build -qnEW --keep-going docs _build/docs
	echo "The documentation is $(CURDIR)/_build/docs/index.html"

.PHONY: serve
serve: book  ## Show the book in the browser, rebuilt and reloaded while it is edited
	@mkdir -p _build/.serve
	touch _build/.serve/index.rst
	sphinx-autobuild -q -C -b dummy -d _build/.serve/doctrees --pre-build "$(WORKFLOW)" --open-browser \
	  $(foreach path,book data notebooks src _toc.yml _config.yml,--watch $(path)) _build/.serve _build/html

.PHONY: lab
lab: .venv/.book  ## Open the notebooks in JupyterLab
	@jupyter lab notebooks

.PHONY: lint
lint: .venv/.test  ## Check style and spelling, as the commit hook does, types, and who imports whom
	@ruff check .
	ruff format --check .
	codespell
	mypy
	lint-imports

.PHONY: lock
lock: .venv/.test  ## Lock the dependencies anew, with hashes
	@lock="uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-emit-index-url"
	export UV_CUSTOM_COMPILE_COMMAND="make lock"
	$$lock --no-annotate pyproject.toml --output-file requirements.txt
	$$lock --no-annotate pyproject.toml --extra test --constraint requirements.txt --output-file .venv/all.txt > /dev/null
	python - <<'END'
	import re
	from pathlib import Path
	book, all = (re.findall(r"^\w.*(?:\n .*)*", Path(name).read_text(), re.M) for name in ("requirements.txt", ".venv/all.txt"))
	added = [package for package in all if package not in book]
	Path("requirements-test.txt").write_text("\n".join(["# what the tests need besides requirements.txt: make lock", *added, ""]))
	END

.PHONY: clean
clean:  ## Remove all that a build made (the environment stays)
	@rm -rf _build executed .snakemake

.venv/.book: requirements.txt
	@echo "· making the environment in .venv (once; a minute or two) …"
	start=$$SECONDS
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or later is needed: make book PYTHON=python3.11")'
	$(PYTHON) -m venv --clear .venv
	$(call busy,$(PIP) --require-hashes --requirement requirements.txt)
	$(PIP) --no-deps --no-build-isolation --editable .
	touch $@
	echo "✓ made the environment ($$((SECONDS - start)) s)"

.venv/.test: .venv/.book requirements-test.txt
	@echo "· adding the test tools …"
	$(call busy,$(PIP) --require-hashes --requirement requirements-test.txt)
	touch $@
