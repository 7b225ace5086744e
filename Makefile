# Two commands on a fresh machine: `make run` and `make test`. Both set up .venv by themselves.
.DEFAULT_GOAL := help
.PHONY: help run test browser lint format types contracts check bench proto pythons real local local-runs local-node local-repeats soak clean

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready
# Other interpreters on which one seed must give one digest, where present.
OTHER_PYTHONS := 3.12 3.13

help:        ## this list
	@grep -hE '^[a-z]+: .*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):[^#]*## /  make \1\t/' | expand -t 18

run: $(READY)        ## one trial in simulation, from cluster to verdict
	@$(BIN)/quorate run

test: $(READY)       ## the whole fast test suite
	@$(BIN)/pytest

browser: $(READY)    ## reports and pages in a real browser; needs chromium, chromium-driver
	@$(BIN)/pytest -m browser tests/browser

lint: $(READY)       ## ruff: rules and formatting
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

format: $(READY)     ## rewrite the formatting
	@$(BIN)/ruff check --fix-only --quiet .
	@$(BIN)/ruff format .

types: $(READY)      ## mypy, strict
	@$(BIN)/mypy

contracts: $(READY)  ## which package may import which
	@$(BIN)/lint-imports

check: lint types contracts test  ## all of the above

bench: $(READY)      ## speed and memory, printed as ratios; QUORATE_CORPUS=DIR adds the logs of other tools
	@for benchmark in $(basename $(notdir $(wildcard benchmarks/[a-z]*.py))); do \
	    echo "== $$benchmark"; $(BIN)/python -m benchmarks.$$benchmark || exit 1; done

local: $(READY)      ## tests on real daemons of this machine; needs etcd (quorate fetch-etcd)
	@$(MAKE) --no-print-directory --jobs=2 --output-sync=target local-runs local-node local-repeats

# Side by side, as they mostly wait: for time limits, for elections, for etcd.
REPEATS := tests/local/test_crashes.py tests/local/test_members.py tests/local/test_replay.py

local-runs: $(READY)
	@$(BIN)/pytest -m local tests/local --ignore-glob='*test_our_node*' $(REPEATS:%=--ignore=%)

local-node: $(READY)
	@$(BIN)/pytest -m local tests/local/test_our_node*.py tests/etcd

local-repeats: $(READY)
	@$(BIN)/pytest -m local $(REPEATS)

real: $(READY)       ## tests of every environment and fault for real; needs root, Docker, FUSE, sshd, etcd
	@$(BIN)/pytest -m real tests/real

soak: $(READY)       ## the long-running tests
	@$(BIN)/pytest -m soak

proto: $(READY)      ## regenerate nodeimpl/api/*_pb2 from the .proto files
	@$(BIN)/python -m grpc_tools.protoc -I. --python_out=. --pyi_out=. nodeimpl/api/*.proto

pythons: $(READY)    ## a .venv-3.x for each other Python found, for the digest tests
	@for version in $(OTHER_PYTHONS); do \
	    [ ! -e .venv-$$version/.ready ] || continue; \
	    installed=$$(pyenv versions --bare 2>/dev/null | grep "^$$version\." | tail -1); \
	    if PYENV_VERSION=$$installed python$$version -c 'import venv' 2>/dev/null; then \
	        echo "setting up .venv-$$version"; \
	        PYENV_VERSION=$$installed python$$version -m venv .venv-$$version \
	        && .venv-$$version/bin/python -m pip install --quiet -c constraints.txt -e . \
	        && touch .venv-$$version/.ready || exit 1; \
	    fi; done

clean:       ## remove what the commands above made
	rm -rf .venv .venv-* runs .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

# uv where it is installed, else venv and pip; versions as in constraints.txt either way.
$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	    || { echo "quorate needs Python 3.11 or newer; try: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	@echo "setting up $(VENV) (once)"
	@if command -v uv >/dev/null 2>&1; then \
	    uv venv --quiet --allow-existing --python $(PYTHON) $(VENV) \
	    && uv pip install --quiet --python $(BIN)/python -c constraints.txt -e '.[dev,clients]'; \
	else \
	    $(PYTHON) -m venv $(VENV) \
	    && $(BIN)/python -m pip install --quiet -c constraints.txt -e '.[dev,clients]'; \
	fi
	@touch $(READY)
