# One paper, built from its data.  `make` alone shows what can be done.
SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.ONESHELL:
.DEFAULT_GOAL := help

PYTHON ?= python3
CORES  ?= 2
TRIAL  ?=
DRAFT  ?=

export PATH := $(CURDIR)/.venv/bin:$(PATH)
# what the shell around says of Python must not reach the book's own environment
unexport PYTHONPATH PYTHONHOME PYTHONDONTWRITEBYTECODE

PYTEST = OPENBLAS_NUM_THREADS=1 pytest --numprocesses $(CORES) --dist loadfile --no-loadscope-reorder
PIP = .venv/bin/python -m pip --quiet --disable-pip-version-check install
# whose book, and how; the engine knows the rest
export TRIAL
OF = $(if $(TRIAL),--trial "$$TRIAL") $(if $(DRAFT),--draft) --cores $(CORES)
# installs what a lock holds: by uv, which is several times as fast, or by pip where uv is not to be had
install = { uv pip install --quiet --python .venv/bin/python --require-hashes --compile-bytecode --requirement $(1) 2> .venv/uv.log \
	|| $(PIP) --require-hashes --requirement $(1); }
# shows that a silent command is at work: `$(call busy,command)`
busy = $(1) & while kill -0 $$! 2> /dev/null; do printf .; sleep 2; done; echo; wait $$!

.PHONY: help
help:  ## Show this list
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: book
book: .venv/.book  ## Build the book, set-up included (TRIAL=folder: of another trial; DRAFT=1: show what it lacks)
	@trialbook build $(OF)

.PHONY: diff
diff: .venv/.book  ## Tell which numbers and sentences changed since the numbers were accepted
	@trialbook diff $(OF)

.PHONY: accept
accept: .venv/.book  ## Accept the numbers of the book as they are now, in the numbers lock
	@trialbook accept $(OF)

.PHONY: verify
verify: .venv/.book  ## Compute the paper anew from its data, compare its numbers with the lock, write a receipt
	@trialbook verify $(OF)

.PHONY: mutate
mutate: .venv/.book  ## Find the numbers of the results that no change of the data moves
	@trialbook mutate $(OF)

.PHONY: draws
draws: .venv/.book  ## Draw the synthetic data many times, and write how far the results vary (takes a quarter of an hour)
	@trialbook draws --cores $(CORES)

.PHONY: pdf
pdf: .venv/.book  ## Build the paper as PDF (needs XeTeX and latexmk)
	@trialbook pdf $(OF)

.PHONY: docx
docx: .venv/.book  ## Build the paper as a Word document (needs pandoc and rsvg-convert)
	@trialbook docx $(OF)

.PHONY: jats
jats: .venv/.book  ## Build the paper as JATS, in an archive with its figures (needs pandoc)
	@trialbook jats $(OF)

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
serve: .venv/.book  ## Show the book in the browser, rebuilt and reloaded while it is edited
	@trialbook serve $(OF)

.PHONY: lab
lab: .venv/.book  ## Open the notebooks in JupyterLab
	@jupyter lab notebooks

.PHONY: lint
lint: .venv/.test  ## Check style and spelling, as the commit hook does, types, and who imports whom
	@check() { said=$$("$$@" 2>&1) || { echo "$$said"; return 1; }; }
	for linter in mypy lint-imports "ruff check ." "ruff format --check ." codespell; do check $$linter & jobs+=" $$!"; done
	for job in $$jobs; do wait $$job; done

.PHONY: lock
lock: .venv/.test  ## Lock the dependencies anew, with hashes
	@lock="uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-strip-extras --no-emit-index-url"
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

ifneq ($(shell cat .venv/.book 2> /dev/null),$(CURDIR))  # its programs name the folder, and do not run where it was moved
.PHONY: .venv/.book
endif
.venv/.book: requirements.txt
	@echo "· making the environment in .venv (once; half a minute, or a few minutes without uv) …"
	start=$$SECONDS
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or later is needed: make book PYTHON=python3.11")'
	$(PYTHON) -m venv --clear .venv
	sed -n '/^uv==/,/[^\\]$$/p' requirements-test.txt > .venv/uv.txt
	command -v uv > /dev/null || $(PIP) --require-hashes --requirement .venv/uv.txt || true
	$(call busy,$(call install,requirements.txt))
	$(PIP) --no-deps --no-build-isolation --editable .
	pwd > $@
	echo "✓ made the environment ($$((SECONDS - start)) s)"

.venv/.test: .venv/.book requirements-test.txt
	@echo "· adding the test tools …"
	$(call busy,$(call install,requirements-test.txt))
	touch $@
