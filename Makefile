# The commands of the README, `make demo`, `make test` and `make docs`, and what they stand on.

.DEFAULT_GOAL := help
.SHELLFLAGS := -eu -o pipefail -c
SHELL := bash
MAKEFLAGS += --no-print-directory

VENV := .venv
BIN := $(VENV)/bin
# Packages that the checkout holds; the applications besides the library run from here, and what makes the documents.
PACKAGES := $(patsubst %/,%,$(sort $(dir $(wildcard wallpaper/*.py serving/*.py tune/*.py dashboard/*.py benchmarks/*.py docs/*.py))))

.PHONY: help demo test docs env clean

help: ## list the commands
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "make %-6s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(VENV)/.apps-stamp ## from nothing to transitions you can look at: data, training, GIFs, a registered model
	@$(BIN)/wallpaper demo

test: $(VENV)/.dev-stamp ## format, lint, types, import layers, tests and doctests
	@echo "==> format (ruff format)"
	@$(BIN)/ruff format --check .
	@echo "==> lint (ruff check)"
	@$(BIN)/ruff check .
	@echo "==> types (mypy $(PACKAGES))"
	@$(BIN)/mypy -n 2 $(PACKAGES)
	@echo "==> import layers (lint-imports)"
	@$(BIN)/lint-imports
	@echo "==> tests and doctests (pytest)"
	@$(BIN)/python -m pytest -n $$($(BIN)/python -c 'import os; print(os.cpu_count() + 1)') # many wait for servers

docs: $(VENV)/.dev-stamp ## the documentation's site, into site/; warnings are errors
	@$(BIN)/python -m mkdocs build --strict
	@echo "Open site/index.html"

env: $(VENV)/.dev-stamp ## the environment for work on the code
	@echo "Ready: $(BIN)/python, $(BIN)/wallpaper"

clean: ## remove the environment and caches; datasets, runs and results stay
	rm -rf $(VENV) build dist site *.egg-info .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find $(PACKAGES) tests -name __pycache__ -type d -prune -exec rm -rf {} +

# ---- the environment: a stamp says which extras are installed for these very pins

# First the pip that is pinned: the one that Python brings may be years old and slow. Then the project;
# shows which package pip is at, without its other lines; errors and warnings come through.
PIP = $(BIN)/python -m pip install --no-input --disable-pip-version-check -c constraints.txt
INSTALL = $(PIP) --quiet pip && $(PIP) -e ".[$(1)]" \
	| awk '/^Collecting|^ *Downloading .*[MG]B|^Successfully/ {print substr($$0, 1, 78); fflush()}'

$(VENV)/bin/pip:
	@for python in python3.11 python3.12 python3.13 python3.14 python3 python; do \
		if $$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
			echo "==> making $(VENV) with $$($$python --version)"; \
			exec $$python -m venv --clear $(VENV); \
		fi; \
	done; \
	echo "Python 3.11 or newer is needed, but none was found on the PATH; install it and try again." >&2; exit 1

$(VENV)/.apps-stamp: pyproject.toml constraints.txt | $(VENV)/bin/pip
	@echo "==> installing the library and its applications into $(VENV) (a few minutes the first time)"
	@$(call INSTALL,apps)
	@touch $@

$(VENV)/.dev-stamp: pyproject.toml constraints.txt | $(VENV)/bin/pip
	@echo "==> installing the library, its applications and what the tests need into $(VENV) (a few minutes the first time)"
	@$(call INSTALL,apps$(comma)dev$(comma)docs)
	@touch $@ $(VENV)/.apps-stamp

comma := ,
