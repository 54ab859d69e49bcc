# `make run` starts the service, `make test` runs every check. `make` alone lists all commands.
# Requires Python 3.11 or newer, git and make. Everything else is installed into .venv with exact pins.

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL:
.PHONY: help run test test-compose check static loops demo openapi clients fuzz lock clean

VENV ?= .venv
BIN := $(VENV)/bin
# The pins are resolved for Python 3.11 and work with newer versions. `make PYTHON=/path/to/python` selects one.
CANDIDATES := $(or $(PYTHON),python3.11 python3.12 python3.13 python3.14 python3)
ARGS ?=
# Tests run on all cores, each file in one process, in folder order: by default files with few tests, which take longest here,
# would run last and leave cores idle.
TESTS = $(BIN)/python -m pytest --numprocesses auto --dist loadfile --no-loadscope-reorder
# OpenMP threads sleep while they wait: busy waiting makes torch up to ten times slower beside other processes.
export OMP_WAIT_POLICY ?= PASSIVE

help: ## List the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: $(VENV)/.standalone ## Start Valkey, worker and gateway on port 8000; Ctrl-C stops them (ARGS="--port 9000 ...")
	@$(BIN)/python -m merging
	@$(BIN)/python -m standalone $(ARGS)

test: $(VENV)/.dev static loops ## Run everything that CI runs: format, lint, types, import contracts, all tests
	@$(TESTS) $(ARGS)

check: $(VENV)/.dev static loops ## Run the same checks with the fast tests only
	@$(TESTS) -q -m "not slow" $(ARGS)

static: $(VENV)/.dev
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

# Compile once for all test processes; otherwise each would compile for itself.
loops: $(VENV)/.dev
	@$(BIN)/python -m merging

demo: $(VENV)/.dev ## Train small CLIP models, merge them one by one through the service, and plot the result
	@$(BIN)/python -m examples.demo $(ARGS)

test-compose: $(VENV)/.dev ## Build the images and test the Compose deployment on this machine's Docker engine (CPU)
	@$(BIN)/python docker/test_compose.py $(ARGS)

openapi: $(VENV)/.dev ## Regenerate docs/openapi.json after a change of a route
	@$(BIN)/python -m service.export_openapi

clients: openapi ## Regenerate docs/openapi.json and the generated client code after a change of a route
	@$(BIN)/python clients/python/generate.py
	@cd clients/typescript && npm ci --silent --ignore-scripts && npm run --silent generate

fuzz: $(VENV)/.dev ## Fuzz the safetensors header parser for ten minutes
	@$(BIN)/python -m tests.unit.registry.header_fuzz --seconds 600 $(ARGS)

lock: $(VENV)/.dev ## Resolve requirements/*.in into the pinned *.txt (takes minutes; ARGS=--upgrade raises pins)
	@CUSTOM_COMPILE_COMMAND="make lock" $(BIN)/pip-compile --quiet --allow-unsafe --generate-hashes --strip-extras \
		--no-emit-index-url --no-emit-find-links --no-emit-trusted-host \
		--output-file requirements/dev.txt $(ARGS) requirements/dev.in
	@$(BIN)/python requirements/lock.py

clean: ## Remove .venv and all caches; keep .data, the service's data
	@rm -rf $(VENV) .cache .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The environment. A stamp records that a lock file is installed; it is older than the lock after a change. While pip
# runs there is a second file, `.unfinished`. If it exists at the start, the last set-up was interrupted and may have left
# a partially installed package, so the environment is created again.
$(VENV)/.%: requirements/%.txt
	@if [ -e $(VENV)/.unfinished ]; then echo "The last set-up was interrupted; starting again."; rm -rf $(VENV); fi
	@if ! $(BIN)/python -m pip --version >/dev/null 2>&1; then \
		found=; for each in $(CANDIDATES); do \
			if "$$each" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then found="$$each"; break; fi; \
		done; \
		if [ -z "$$found" ]; then echo "Python 3.11 or newer is needed; tried: $(CANDIDATES). Specify one with make PYTHON=..." >&2; exit 1; fi; \
		echo "Creating $(VENV) with $$("$$found" --version)."; \
		"$$found" -m venv --clear $(VENV); \
	fi
	@touch $(VENV)/.unfinished
	@echo "Installing requirements/$*.txt. The first time this takes minutes and several GB."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $<
	@rm $(VENV)/.unfinished
	@touch $@
