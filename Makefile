.DEFAULT_GOAL := help
SHELL := /bin/bash

PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

.PHONY: help
help: ## Show this help
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# Stamps make a second run start at once: they are newer than the lock they installed.
$(VENV)/.runtime: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Darkroom needs Python 3.11 or newer; set PYTHON=/path/to/python3.11" >&2; exit 1; }
	@test -x $(BIN)/python || { echo "Making the virtual environment in $(VENV)"; $(PYTHON) -m venv $(VENV); }
	@echo "Installing locked dependencies, which takes some minutes"
	@$(PIP) install --requirement requirements.lock
	@$(PIP) install --no-deps --editable .
	@touch $@

$(VENV)/.dev: requirements-dev.lock $(VENV)/.runtime
	@echo "Installing locked development tools"
	@$(PIP) install --requirement requirements-dev.lock
	@touch $@

.PHONY: setup
setup: $(VENV)/.dev weights ## Install everything for development

.PHONY: weights
weights: $(VENV)/.runtime ## Fetch the default weights that are not there yet
	@$(BIN)/studio weights pull || echo "Going on without them; the tool pages say what is missing." >&2

.PHONY: run
run: $(VENV)/.runtime weights ## Start the studio: web, workers, first admin, sample job
	@$(BIN)/studio up

.PHONY: lint
lint: $(VENV)/.dev ## Check style, types and import directions
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/deptry .

.PHONY: format
format: $(VENV)/.dev ## Rewrite the code in the house style
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# A test file runs whole in one process, as its tests share a studio.
PARALLEL := -n auto --maxprocesses 4 --dist loadfile

# Read in two steps: with its bar, slipcover forgets what the processes of the tests have told.
COVERAGE := .cache/coverage.json

.PHONY: test
test: setup ## Run every test that this machine can run
	@mkdir -p $(dir $(COVERAGE))
	$(BIN)/python -m slipcover --json --out $(COVERAGE) -m pytest $(PARALLEL)
	$(BIN)/python -m slipcover --merge $(COVERAGE) --out $(COVERAGE) --fail-under=90

PATIENT := browser or postgres or redis or rabbitmq or weights or slow

# Only imported, to be left out after all, these would cost every process five seconds.
UNREAD := --ignore=tests/browser --ignore=tests/app/api/test_schema.py

.PHONY: test-fast
test-fast: setup ## Run the tests that need no browser, server, weights or patience
	$(BIN)/python -m pytest $(PARALLEL) -m "not ($(PATIENT))" $(UNREAD)

.PHONY: messages
messages: $(VENV)/.dev ## Gather the sentences of the code into the catalogues
	$(BIN)/python -m tests.messages

.PHONY: chaos
chaos: $(VENV)/.dev ## Take servers away for two minutes, and kill processes, on all set-ups
	$(BIN)/python -m tests.chaos

BENCHES := $(if $(filter bench,$(firstword $(MAKECMDGOALS))),$(wordlist 2,99,$(MAKECMDGOALS)))
.PHONY: bench $(BENCHES)
bench: setup ## Measure the speed bars, ratios in one run; "make bench hostile" measures one
	$(BIN)/python -m bench $(BENCHES)
$(BENCHES): bench
	@true

.PHONY: migrate
migrate: $(VENV)/.runtime ## Bring the database to the current schema
	@$(BIN)/studio migrate

.PHONY: lock
lock: $(VENV)/.dev ## Lock the versions of pyproject.toml anew
	$(BIN)/pip-compile --quiet --strip-extras --no-emit-index-url --no-emit-trusted-host --no-emit-find-links \
		--output-file requirements.lock pyproject.toml
	$(BIN)/pip-compile --quiet --strip-extras --no-emit-index-url --no-emit-trusted-host --no-emit-find-links \
		--extra dev --constraint requirements.lock --output-file requirements-dev.lock pyproject.toml

.PHONY: clean
clean: ## Remove the virtual environment and caches; data and weights stay
	rm -rf $(VENV) .cache .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
