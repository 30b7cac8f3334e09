# `make run` and `make test` are all that a newcomer needs; neither wants root, Docker or a Redis.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin

.DEFAULT_GOAL := help
.PHONY: help run test check format bench clean chaos cluster roll

help: ## Show what can be made
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: $(VENV)/.installed ## Serve on 127.0.0.1:6001 with a demo application (ARGS="--port 6002" for options)
	@exec $(BIN)/shoal serve $(ARGS)

test: $(VENV)/.tests-installed ## Run all tests (ARGS="tests/server -k presence" for some)
	@$(BIN)/python -m pytest $(ARGS)

check: $(VENV)/.tests-installed ## Check format, lint and types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

format: $(VENV)/.tests-installed ## Format, and mend what the linter can
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(VENV)/.installed ## Measure, on two cores (ARGS="--only fanout --quick" for less)
	@$(BIN)/python -m bench $(ARGS)

cluster: $(VENV)/.tests-installed ## Three nodes and a Valkey on this machine, to play with
	@$(BIN)/python -m tools.cluster $(ARGS)

chaos: $(VENV)/.tests-installed ## Nodes, a Redis, and faults between them, for long (SEED=1 MINUTES=5)
	@CHAOS_SEED=$(SEED) CHAOS_MINUTES=$(or $(MINUTES),5) $(BIN)/python -m pytest -n 0 -m cluster tests/cluster $(ARGS)

roll: $(VENV)/.tests-installed ## A rolling deploy with real clients, and what it cost them
	@$(BIN)/python -m tests.roll $(ARGS)

clean: ## Remove what was built and installed here
	rm -rf $(VENV) build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis tests/clients/node_modules

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Shoal needs Python 3.11 or later; say which: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	@$(PYTHON) -m venv $(VENV) \
	  || { echo "python3 -m venv failed: on Debian and Ubuntu install the package python3-venv"; exit 1; }

$(VENV)/.installed: pyproject.toml | $(VENV)/bin/python
	@echo "Installing into $(VENV) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	@touch $@

$(VENV)/.tests-installed: pyproject.toml | $(VENV)/.installed
	@echo "Installing what the tests need into $(VENV) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[test]'
	@touch $@
