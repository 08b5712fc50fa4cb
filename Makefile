# The two commands of the README are `make reproduce` and `make test`; `make help` explains every target.
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready

.PHONY: help env torch reproduce test notebooks site bench clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' Makefile

env: $(READY) ## .venv with the pinned packages of constraints.txt (PYTHON=python3.12 picks the Python)

$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "convreg wants Python 3.11 or newer, $(PYTHON) is " + sys.version.split()[0])'
	@echo "Installing the pinned packages into .venv (a minute or two) ..."
	@$(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[test,site]'
	@touch $(READY)

torch: $(READY) ## PyTorch into .venv, for convreg.torch and notebook 10
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[torch]'

reproduce: $(READY) ## run every notebook, write figures/ and build/, print the claims with their verdicts
	@$(BIN)/python -m convreg.companion.reproduce

test: $(READY) ## unit tests, then the notebooks against their committed outputs, then with other parameters
	$(BIN)/python -m ruff check
	$(BIN)/python -m ruff format --check
	$(BIN)/python -m mypy
	$(BIN)/python -m pytest -q
	$(BIN)/python -m pytest -q --nbval -p no:cacheprovider notebooks
	$(BIN)/python -m convreg.companion.reproduce --parameters tests/other_parameters.yml --figures build/other/figures --build build/other

notebooks: $(READY) ## execute the committed notebooks in their places, metadata stripped
	@$(BIN)/python -m convreg.companion.reproduce --rewrite

SITE ?= site

site: $(READY) ## the pages for a browser in site/ (SITE=folder), of docs/, the notebooks and the docstrings
	@rm -rf build/docs build/html && mkdir -p build/docs
	@cp -r docs/. benchmarks figures $(wildcard *.md) build/docs
	@cp notebooks/*.ipynb build/docs/notebooks
	@$(BIN)/python -m sphinx -W --keep-going -q build/docs build/html
	@rm -rf $(SITE) && mv build/html $(SITE)

bench: $(READY) ## the benchmarks; PyTorch is compared with where it is installed: make torch
	@$(BIN)/python benchmarks/bench_core.py
	@$(BIN)/python benchmarks/bench_layers.py
	@$(BIN)/python benchmarks/bench_torch.py
	@$(BIN)/python benchmarks/bench_reproduce.py

clean: ## remove .venv, build and site
	rm -rf .venv build site
