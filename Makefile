# Two commands do everything: `make run` and `make test`. `make` alone lists all of them.
# Needed before: Python 3.11 or newer, git, make. Everything else is installed into .venv with exact pins.

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL:
.PHONY: help run test test-compose check static loops demo openapi clients fuzz lock clean

VENV ?= .venv
BIN := $(VENV)/bin
# The pins were resolved for 3.11; newer ones serve too. `make PYTHON=/path/to/python` chooses one.
CANDIDATES := $(or $(PYTHON),python3.11 python3.12 python3.13 python3.14 python3)
ARGS ?=
# Tests run on all cores, each file of them in one process, in the order of their folders: files with few tests, which are
# the longest here, would come last otherwise, and leave cores idle.
TESTS = $(BIN)/python -m pytest --numprocesses auto --dist loadfile --no-loadscope-reorder
# OpenMP's threads wait asleep: where anything else runs too, waiting awake makes torch up to ten times slower.
export OMP_WAIT_POLICY ?= PASSIVE

help: ## List the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: $(VENV)/.standalone ## Start Valkey, worker and gateway on port 8000; Ctrl-C stops them (ARGS="--port 9000 ...")
	@$(BIN)/python -m merging
	@$(BIN)/python -m standalone $(ARGS)

test: $(VENV)/.dev static loops ## Run everything that CI runs: format, lint, types, import contracts, all tests
	@$(TESTS) $(ARGS)

check: $(VENV)/.dev static loops ## The same with the fast tests only, for every save
	@$(TESTS) -q -m "not slow" $(ARGS)

static: $(VENV)/.dev
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

# Once for all processes of the tests, which would each wait for their own otherwise.
loops: $(VENV)/.dev
	@$(BIN)/python -m merging

demo: $(VENV)/.dev ## Train small CLIP models, merge them one by one through the service, and plot what came of it
	@$(BIN)/python -m examples.demo $(ARGS)

test-compose: $(VENV)/.dev ## Build the images and try the composition on this machine's Docker engine (CPU)
	@$(BIN)/python docker/test_compose.py $(ARGS)

openapi: $(VENV)/.dev ## Write docs/openapi.json anew, after a change of a route
	@$(BIN)/python -m service.export_openapi

clients: openapi ## Write docs/openapi.json and the generated parts of the clients anew, after a change of a route
	@$(BIN)/python clients/python/generate.py
	@cd clients/typescript && npm ci --silent --ignore-scripts && npm run --silent generate

fuzz: $(VENV)/.dev ## Change safetensors headers at random for ten minutes and look at what the parser says
	@$(BIN)/python -m tests.unit.registry.header_fuzz --seconds 600 $(ARGS)

lock: $(VENV)/.dev ## Resolve requirements/*.in anew into the pinned *.txt (takes minutes; ARGS=--upgrade raises pins)
	@CUSTOM_COMPILE_COMMAND="make lock" $(BIN)/pip-compile --quiet --allow-unsafe --generate-hashes --strip-extras \
		--no-emit-index-url --no-emit-find-links --no-emit-trusted-host \
		--output-file requirements/dev.txt $(ARGS) requirements/dev.in
	@$(BIN)/python requirements/lock.py

clean: ## Remove .venv and all caches; .data, what the service keeps, stays
	@rm -rf $(VENV) .cache .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The environment. A stamp says that a lock is installed; it is older than the lock once that has changed. While pip
# works there is a second mark, `.unfinished`: found at the start, it tells of a set-up that was cut off, which may
# have left half a package, so the environment is made anew.
$(VENV)/.%: requirements/%.txt
	@if [ -e $(VENV)/.unfinished ]; then echo "The last set-up was cut off: starting it anew."; rm -rf $(VENV); fi
	@if ! $(BIN)/python -m pip --version >/dev/null 2>&1; then \
		found=; for each in $(CANDIDATES); do \
			if "$$each" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then found="$$each"; break; fi; \
		done; \
		if [ -z "$$found" ]; then echo "Python 3.11 or newer is needed; tried: $(CANDIDATES). Name yours with make PYTHON=..." >&2; exit 1; fi; \
		echo "Making $(VENV) with $$("$$found" --version)."; \
		"$$found" -m venv --clear $(VENV); \
	fi
	@touch $(VENV)/.unfinished
	@echo "Installing requirements/$*.txt: the first time takes minutes and several GB."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $<
	@rm $(VENV)/.unfinished
	@touch $@
