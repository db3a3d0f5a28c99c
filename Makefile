# One paper, built from its data.  `make` alone shows what can be done.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.ONESHELL:

PYTHON ?= python3
CORES  ?= 2
TRIAL  ?= data/nk_inr
DRAFT  ?=
export PATH := $(CURDIR)/.venv/bin:$(PATH)
# what the shell around says of Python must not reach into the book's own environment
unexport PYTHONPATH PYTHONHOME VIRTUAL_ENV
export PYTHONDONTWRITEBYTECODE :=

SNAKEMAKE = snakemake --cores $(CORES) --quiet all --rerun-incomplete --config trial="$(TRIAL)" draft="$(DRAFT)" --

.PHONY: help
help:  ## Show this list
	@awk 'BEGIN {FS = ":.*## "} /^[a-z]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: book
book: .venv/.book  ## Build the book, set-up included (TRIAL=folder: another trial; DRAFT=1: show what it lacks)
	@start=$$SECONDS
	trialbook make "$(TRIAL)" $(if $(filter 1,$(DRAFT)),--draft) --cores $(CORES)

.PHONY: pdf
pdf: book  ## Build the paper as PDF (needs XeTeX)
	@trialbook pdf

.PHONY: test
test: .venv/.test  ## Run all tests
	@pytest -n $(CORES) --dist loadgroup

.PHONY: serve
serve: book  ## Rebuild and reload in the browser while prose is edited
	@trialbook serve

.PHONY: lab
lab: .venv/.book  ## Open the notebooks in JupyterLab
	@jupyter lab notebooks

.PHONY: lint
lint: .venv/.test  ## Check style and spelling as the commit hook does
	@pre-commit run --all-files

.PHONY: lock
lock: .venv/.test  ## Lock the dependencies anew, with hashes
	@for extra in "" test; do
	  uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --upgrade \
	    --custom-compile-command "make lock" pyproject.toml \
	    $${extra:+--extra $$extra --constraint requirements.txt} --output-file requirements$${extra:+-$$extra}.txt
	done

.PHONY: clean
clean:  ## Remove all that a build made (the environment stays)
	@rm -rf _build executed .snakemake

.venv/.book: requirements.txt pyproject.toml
	@echo "· making the environment in .venv (about a minute, once) …"
	start=$$SECONDS
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or later is needed, this is " + sys.version.split()[0] + ": make book PYTHON=python3.12")'
	$(PYTHON) -m venv --clear .venv
	.venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements.txt
	.venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	touch $@
	echo "✓ made the environment ($$((SECONDS - start)) s)"

.venv/.test: .venv/.book requirements-test.txt
	@echo "· adding the test tools …"
	.venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements-test.txt
	touch $@
