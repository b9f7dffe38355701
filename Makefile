# Every target sets up what it needs; `make help` lists them.
#
#   make PYTHON=/path/to/python3.12 test     another interpreter than the newest that is found (on a new or cleaned checkout)
#   make PYTEST_ARGS="-k slice" test-fast    other arguments for pytest than two processes

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.ONESHELL:
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules --no-print-directory

VENV := .venv
BIN := $(VENV)/bin
UV_VERSION := $(shell sed -n 's/^uv==//p' requirements.lock)
UV := $(BIN)/uv
# Three stamps: the tool that installs, the few packages of the demo, everything of the lock.
TOOL := $(VENV)/.uv-$(UV_VERSION)
DEMO := $(VENV)/.demo
FULL := $(VENV)/.full
# The JupyterLab extension: its packages, and what it is built into. Node is one of the environment's packages.
NODE_PACKAGES := labextension/node_modules/.package-lock.json
PANEL := mlmagic/labextension/package.json
PANEL_SOURCES := $(shell find labextension/src labextension/style labextension/schema -type f) labextension/tsconfig.json
NPM = PATH="$(CURDIR)/$(BIN):$$PATH" npm --prefix labextension
TUTORIAL := notebooks/01-from-a-cell-to-a-prediction.ipynb
# Tests of one file share what is slow to set up, so they stay in one process; the files come in the order of conftest.py.
PYTEST_ARGS ?= -n 2 --dist loadfile --no-loadscope-reorder

FAST_TESTS ?= $(wildcard $(addprefix tests/,spec filters statistics evaluation panels house tools source workspace tuning monitoring)) tests/test_session.py

# Tests of processes that are killed, stopped and timed share two cores with one another. What failed has one more try, alone,
# and both results are printed: what passes only then is a race, ours or the test's, and is to be mended.
AGAIN = { echo "Again, alone, what failed:"; $(BIN)/python -m pytest -n 0 --last-failed --last-failed-no-failures none; }

# TensorFlow's modules load three times faster from bytecode.
unexport PYTHONDONTWRITEBYTECODE
# uv trusts the certificates that the machine trusts, as pip does.
export UV_SYSTEM_CERTS := 1
export UV_PYTHON_DOWNLOADS := never

.PHONY: demo test test-fast test-quick coverage soak lab panel screenshots lint type bench build lock clean help

demo: $(if $(wildcard $(FULL)),$(FULL),$(DEMO)) ## run tutorial 1 from a cell to a prediction, without a browser
	$(BIN)/python -m tools.demo $(TUTORIAL)

test: $(PANEL) ## run all tests
	$(BIN)/python -m pytest $(PYTEST_ARGS) || $(AGAIN)

test-fast: $(PANEL) ## run the tests that start no server and no job: under two minutes
	$(BIN)/python -m pytest -m "not slow" $(PYTEST_ARGS) $(FAST_TESTS)

test-quick: $(PANEL) ## run all tests but the slow tier
	$(BIN)/python -m pytest -m "not slow" $(PYTEST_ARGS)

# Of all tests, and of the processes that they start: it takes a fifth more time than the tests alone.
coverage: $(PANEL) ## run all tests and tell what they cover; it must be 90 % of the lines of mlmagic
	rm -rf build/coverage && mkdir -p build/coverage
	$(BIN)/coverage run -m pytest $(PYTEST_ARGS)
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report --skip-covered --fail-under=90

soak: $(FULL) ## ten minutes of jobs while everything around them is killed, stopped and filled
	MLMAGIC_SOAK_SECONDS=600 $(BIN)/python -m pytest -n 0 -s tests/soak

lab: $(PANEL) ## open JupyterLab on tutorial 1
	$(BIN)/jupyter lab $(TUTORIAL)

panel: $(PANEL) ## build the JupyterLab extension

screenshots: $(PANEL) ## make the pictures of docs/images anew, from the real thing
	$(BIN)/python -m tools.screenshots

lint: $(FULL) $(NODE_PACKAGES) ## check style, types, import layers and the house rules; all of them are run
	@failed=0
	$(BIN)/ruff check || failed=1
	$(BIN)/ruff format --check || failed=1
	$(BIN)/mypy || failed=1
	$(BIN)/lint-imports --no-logo || failed=1
	$(BIN)/python -m tools.house || failed=1
	$(NPM) run --silent check || failed=1
	exit $$failed

type: $(FULL) ## check types
	$(BIN)/mypy

bench: $(FULL) ## measure what must stay fast, beside its peers
	$(BIN)/python -m benchmarks

build: $(FULL) $(NODE_PACKAGES) ## make the wheel, with the built JupyterLab extension, and the sdist in dist/
	rm -rf dist mlmagic/labextension
	$(MAKE) panel
	$(BIN)/hatchling build

lock: $(TOOL) ## choose the exact versions of requirements.lock anew
	$(UV) pip compile --python $(BIN)/python --quiet --upgrade --universal --python-version 3.11 --extra dev \
		--no-annotate --no-header --no-emit-index-url --no-emit-find-links pyproject.toml -o requirements.lock

clean: ## remove what make made, the environment included
	rm -rf $(VENV) build dist mlmagic/labextension labextension/lib labextension/node_modules .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 18

$(TOOL):
	@if ! $(BIN)/python -m pip --version >/dev/null 2>&1; then
		python="$$(PYTHON='$(PYTHON)' tools/find_python)"
		echo "Making the environment $(VENV) with $$python"
		"$$python" -m venv --clear $(VENV)
	fi
	$(BIN)/python -m pip install --quiet --disable-pip-version-check "uv==$(UV_VERSION)"
	rm -f $(VENV)/.uv-* && touch $@

$(DEMO): $(TOOL) pyproject.toml requirements.lock
	$(UV) pip install --python $(BIN)/python --compile-bytecode -c requirements.lock -e '.[cpu,tutorial]'
	touch $@

$(FULL): $(TOOL) pyproject.toml requirements.lock $(wildcard jupyter-config/*/*)
	$(UV) pip sync --python $(BIN)/python --compile-bytecode requirements.lock
	$(UV) pip install --python $(BIN)/python --no-deps --no-build-isolation -e .
	touch $@

$(NODE_PACKAGES): $(FULL) labextension/package.json labextension/package-lock.json
	$(NPM) ci --no-progress
	touch $@

$(PANEL): $(NODE_PACKAGES) $(PANEL_SOURCES)
	$(NPM) run build
	mkdir -p $(VENV)/share/jupyter/labextensions
	ln -sfn $(CURDIR)/mlmagic/labextension $(VENV)/share/jupyter/labextensions/mlmagic
	touch $@
