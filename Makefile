# The two commands of the README are `make reproduce` and `make test`; `make help` explains them all.
# PYTHON=python3.12 picks the Python. Without it .venv keeps the one that it has.

# The Pythons of pyproject.toml, for which there are wheels of what constraints.txt names.
PYTHONS := 3.11 3.12 3.13 3.14 3.15
ADVICE = wanted $(firstword $(PYTHONS)) to $(lastword $(PYTHONS)): make env PYTHON=python3.12, for one

ifeq ($(origin PYTHON),undefined)
PYTHON := $(shell .venv/bin/python -c '' 2>/dev/null && echo .venv/bin/python || echo python3)
endif
# Behind a virtual environment the Python that it was made with: the environment may be made anew.
BASE := $(shell "$(PYTHON)" -c 'import sys; print(getattr(sys, "_base_executable", sys.executable))' 2>/dev/null)
VERSION := $(shell "$(PYTHON)" -c 'import sys; print("%d.%d.%d" % sys.version_info[:3])' 2>/dev/null)
MINOR := $(basename $(VERSION))
# Of two Pythons of a version, and of a checkout that was moved or copied, each has its own .venv.
PLACES := $(shell "$(PYTHON)" -c 'import os, sys, zlib; \
  places = os.path.realpath(sys.base_prefix) + os.getcwd(); \
  print("%08x" % (zlib.crc32(places.encode("utf-8", "replace")) & 0xFFFFFFFF))' 2>/dev/null)

# Asked only before .venv is made: is it too old, and are there wheels for one that is not listed?
OLD = $(shell "$(BASE)" -c 'import sys; print("old" * (sys.version_info < (3, 11)))')
WHEELS = $(shell "$(BASE)" -m pip install --dry-run --no-deps --ignore-installed --only-binary :all: \
  -c constraints.txt numpy scipy matplotlib >/dev/null 2>&1 && echo wheels)

BIN := .venv/bin
# Empty files say what has been done: which Python .venv has, which extras are installed.
MARK := .venv/.made-by-make
MADE := .venv/.python-$(VERSION)-$(PLACES)
READY := $(addprefix .venv/.ready-,notebooks test training site)
export SITE ?= site

# What a user has set for other programs is not for these.
unexport PYTHONPATH PYTHONHOME PYTHONSTARTUP PYTHONOPTIMIZE PYTHONINSPECT PYTHONWARNINGS PYTHONUSERBASE
unexport PYTEST_ADDOPTS PYTEST_PLUGINS PYTEST_DISABLE_PLUGIN_AUTOLOAD MYPYPATH
# Of pip's settings those that would install something else, or elsewhere, are emptied in .venv.
SETTINGS := USER TARGET PREFIX ROOT PYTHON DRY_RUN NO_DEPS CONSTRAINT REQUIREMENT EDITABLE REQUIRE_HASHES
unexport $(SETTINGS:%=PIP_%)
INSTALL := -m pip install --quiet --disable-pip-version-check
EMPTIED := for part in global install; do echo "[$$part]"; printf '%s =\n' $(SETTINGS) | tr A-Z_ a-z-; done

.PHONY: help env torch reproduce test test-all notebooks site bench mutants zoo clean
.NOTPARALLEL:

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' Makefile

env: .venv/.ready-notebooks ## .venv with what the notebooks need, the versions of constraints.txt

torch: .venv/.ready-training ## PyTorch into .venv, and what else notebook 10 needs

$(MADE):
	$(if $(VERSION),,$(error there is no $(PYTHON); $(ADVICE)))
	$(if $(OLD),$(error $(PYTHON) is Python $(VERSION), too old; $(ADVICE)))
	$(if $(or $(filter $(MINOR),$(PYTHONS)),$(WHEELS)),,\
	  $(error no wheels of NumPy, SciPy and matplotlib for Python $(VERSION) here; $(ADVICE)))
	$(if $(wildcard .venv),$(if $(wildcard $(MARK)),,\
	  $(error make did not make the .venv that stands here; move it away and try again)))
	@echo "Making .venv with Python $(VERSION) ..."
	@rm -rf .venv
	@mkdir .venv
	@touch $(MARK)
	@"$(BASE)" -m venv .venv
	@$(EMPTIED) > .venv/pip.conf
	@touch $@

$(READY): .venv/.ready-%: $(MADE) pyproject.toml constraints.txt
	@echo "Installing what [$*] asks for into .venv (up to two minutes) ..."
	@$(BIN)/python $(INSTALL) -c constraints.txt -e '.[notebooks,$*]'
	@touch $@

reproduce: .venv/.ready-notebooks ## run every notebook, write figures/ and build/, print the claims with their verdicts
	@$(BIN)/python -m convreg.companion.reproduce

# Several BLAS threads in each of several processes would fight for the cores.
test test-all: export OPENBLAS_NUM_THREADS := 1
test test-all: export OMP_NUM_THREADS := 1
test test-all: export MKL_NUM_THREADS := 1
# The tests themselves read UTF-8 in any locale; what convreg opens has its encoding named.
test test-all: export PYTHONUTF8 := 1
PYTEST := $(BIN)/python -m pytest -q -n 2 --dist loadfile

define STATIC
$(BIN)/python -m ruff check
$(BIN)/python -m ruff format --check
$(BIN)/python -m mypy
$(BIN)/lint-imports --no-cache --no-logo
endef

test: .venv/.ready-test ## style, types, contracts, the quick tests, each notebook against its committed outputs
	$(STATIC)
	$(PYTEST) -m "not kernel and not browser and not network"
	$(PYTEST) --nbval -p no:cacheprovider notebooks
	@echo "Left out: tests with a kernel, Dask, a browser or the network, the notebooks with other parameters: make test-all"
	@$(BIN)/python -c 'import torch' 2>/dev/null || echo "Left out: what needs PyTorch: make torch"

test-all: .venv/.ready-test .venv/.ready-site ## all of that, the slow tests, the pages in a browser, other parameters
	$(STATIC)
	$(PYTEST)
	$(PYTEST) --nbval -p no:cacheprovider notebooks
	$(BIN)/python -m convreg.companion.reproduce --parameters tests/other_parameters.yml --figures build/other/figures --build build/other
	@$(BIN)/python -c 'import torch' 2>/dev/null || echo "Left out: what needs PyTorch: make torch"

notebooks: .venv/.ready-notebooks ## execute the committed notebooks in their places, metadata stripped
	@$(BIN)/python -m convreg.companion.reproduce --rewrite

# $(call begun,FOLDER): an empty one for make's own work, if make made what stands there.
define begun
@test ! -e $1 -a ! -L $1 || test -f $1/.made-by-make || { echo "make did not make $1: move it away and try again"; exit 1; }
@rm -rf $1
@mkdir -p $1
@touch $1/.made-by-make
endef

# Succeeds where SITE is no link and holds no file but those of the list that make left in it.
OURS = test ! -L "$${SITE%/}" && { test ! -e "$$SITE" || rmdir -- "$$SITE" 2>/dev/null || { test -f "$$SITE/.made-by-make" \
  && test -z "$$(cd -- "$$SITE" && find . ! -type d | LC_ALL=C sort | LC_ALL=C comm -23 - .made-by-make)"; }; }
OTHERS = { echo "make did not make all that is in $$SITE: name another folder, as in make site SITE=pages"; exit 1; }

site: .venv/.ready-site ## the pages for a browser in site/ (SITE=folder), of docs/, the notebooks and the docstrings
	@test -n "$$SITE" || { echo "SITE: wanted a folder, got ''"; exit 1; }
	@$(OURS) || $(OTHERS)
	$(call begun,build/site)
	@mkdir build/site/docs
	@cp -r docs/. benchmarks figures *.md build/site/docs
	@cp notebooks/*.ipynb build/site/docs/notebooks
	@$(BIN)/python -m sphinx -W --keep-going -q build/site/docs build/site/html -d build/site/doctrees
	@cd build/site/html && touch .made-by-make && find . ! -type d | LC_ALL=C sort > ../files && mv ../files .made-by-make
	@$(OURS) || $(OTHERS)
	@rm -rf -- "$$SITE"
	@mkdir -p -- "$$SITE"
	@rmdir -- "$$SITE"
	@mv -- build/site/html "$$SITE"

bench: .venv/.ready-notebooks ## the benchmarks; PyTorch is compared with where it is installed: make torch
	@$(BIN)/python benchmarks/bench_core.py
	@$(BIN)/python benchmarks/bench_layers.py
	@$(BIN)/python benchmarks/bench_bounds.py
	@$(BIN)/python benchmarks/bench_extremes.py
	@$(BIN)/python benchmarks/square.py
	@$(BIN)/python benchmarks/bench_torch.py
	@$(BIN)/python benchmarks/bench_reproduce.py

mutants: .venv/.ready-test ## plant faults in the mathematics, one at a time: the tests still catch those that they caught
	@$(BIN)/python benchmarks/mutants.py -n 2 --faults benchmarks/mutants.json

build/zoo/.ready: pyproject.toml benchmarks/zoo.txt
	@echo "Making build/zoo with torchvision, timm and a PyTorch of its own (up to 6 GB) ..."
	$(call begun,build/zoo)
	@"$(BASE)" -m venv build/zoo
	@$(EMPTIED) > build/zoo/pip.conf
	@build/zoo/bin/python $(INSTALL) -e . -r benchmarks/zoo.txt
	@touch $@

zoo: export OMP_NUM_THREADS := 1
zoo: build/zoo/.ready ## which layers of the networks of torchvision and timm have a penalty: benchmarks/coverage.md
	@build/zoo/bin/python benchmarks/zoo.py
	@build/zoo/bin/python -m pytest -q --noconftest -p no:cacheprovider tests/torch/test_zoo.py

EXECUTED := $(wildcard notebooks/*.ipynb)
DRAWN := $(wildcard figures/*)

clean: ## remove .venv, build/ and site/, as far as make made them
	@test ! -e $(MARK) || rm -rf .venv
	@test ! -e "$$SITE" || { $(OURS) && rm -rf -- "$$SITE"; } || echo "$$SITE has files that make did not make"
	@for own in site zoo; do test ! -e build/$$own/.made-by-make || rm -rf build/$$own; done
	@rm -f $(EXECUTED:notebooks/%=build/%) $(EXECUTED:notebooks/%=build/other/%) $(DRAWN:%=build/other/%)
	@for own in build/other/figures build/other build; do test ! -d $$own || rmdir $$own 2>/dev/null || true; done
	@test ! -d build || echo "build/ has files that make did not make"
