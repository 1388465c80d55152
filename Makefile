# Everything that this project does, from a clean clone, with Python 3.11 or newer, pip and make.
#
#   make demo        train real models with one added line, and look at the runs
#   make demo-torch  the same with a PyTorch loop and a Lightning module (installs torch: gigabytes, where pip brings CUDA)
#   make test        the test suite
#   make coverage    the same, and which lines it ran: half as long again
#   make lint        format, lint, types, layers
#   make bench       every promise of speed, measured beside its floor (run it alone on the machine)
#   make bench-ui    what the web pages cost in a browser, beside their budgets
#   make clean       remove what the other targets made

# The first interpreter that is new enough; `make PYTHON=/path/to/python` overrules it.
PYTHON ?= $(shell for p in python3.11 python3 python3.12 python3.13 python; do \
	command -v $$p >/dev/null 2>&1 && $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
VENV := .venv
BIN := $(VENV)/bin
PIP_INSTALL := $(BIN)/python -m pip install --disable-pip-version-check --quiet --quiet
# Tests and benchmarks start subprocesses: they must meet this environment's Python and `autotrack` first.
RUN := PATH="$(CURDIR)/$(BIN):$$PATH"
WORKERS ?= 2
# The PyTorch of the demo and of the tests; another one with: make demo-torch TORCH=torch
TORCH ?= torch==2.13.0
# More arguments for pytest: make test ARGS="tests/unit -k journal"
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help demo demo-torch test coverage lint format bench bench-ui clean

help:
	@sed -n 's/^#   //p' Makefile

demo: $(VENV)/.installed
	@$(RUN) $(BIN)/autotrack demo
	@echo && echo "autotrack is installed in $(VENV): type \`. $(BIN)/activate\` once, and the lines above work as they stand."

demo-torch: $(VENV)/.installed-torch
	@$(RUN) $(BIN)/autotrack demo --torch
	@echo && echo "autotrack is installed in $(VENV): type \`. $(BIN)/activate\` once, and the lines above work as they stand."

test: $(VENV)/.installed-dev
	$(RUN) $(BIN)/python -m pytest -n $(WORKERS) -m "not bench" $(ARGS)

coverage: $(VENV)/.installed-dev
	$(RUN) $(BIN)/python -m pytest -n $(WORKERS) -m "not bench" --cov --cov-report=term $(ARGS)

lint: $(VENV)/.installed-dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(VENV)/.installed-dev
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(VENV)/.installed-dev
	@$(RUN) $(BIN)/python -m tests.bench $(ARGS)

bench-ui: $(VENV)/.installed-dev
	@$(RUN) $(BIN)/python -m tests.ui.bench_pages $(ARGS)

# The stamps hold what an environment was made from: a second call costs nothing, a changed pyproject.toml reinstalls.
# An environment with the development tools has all that the demo needs.
$(VENV)/.installed: $(VENV)/.made pyproject.toml
	@if [ -e $(VENV)/.installed-dev ]; then $(MAKE) --no-print-directory $(VENV)/.installed-dev; \
	else echo "installing autotrack with scikit-learn and XGBoost (a minute)"; $(PIP_INSTALL) -e '.[demo]'; fi
	@touch $@

$(VENV)/.installed-torch: $(VENV)/.made pyproject.toml
	@if [ -e $(VENV)/.installed-dev ]; then $(MAKE) --no-print-directory $(VENV)/.installed-dev; \
	else echo "installing autotrack with PyTorch and Lightning (some minutes)"; $(PIP_INSTALL) -e '.[demo-torch]' '$(TORCH)'; fi
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.made pyproject.toml
	@echo "installing autotrack with its development tools (a few minutes)"
	@$(PIP_INSTALL) -e '.[dev]'
	@touch $@ $(VENV)/.installed

# Some distributions ship Python without ensurepip: pip then fills the environment from outside.
$(VENV)/.made:
	@if [ -z "$(PYTHON)" ]; then echo "autotrack needs Python 3.11 or newer: none found; name one with make PYTHON=/path/to/python" >&2; exit 1; fi
	@$(PYTHON) -m venv $(VENV) >/dev/null 2>&1 \
	|| { $(PYTHON) -m venv --clear --without-pip $(VENV) && $(PYTHON) -m pip --python $(BIN)/python install --quiet pip; }
	@touch $@

clean:
	rm -rf $(VENV) build dist .coverage .coverage.* .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name '*.egg-info' -prune -exec rm -rf {} +
	find . -name __pycache__ -prune -exec rm -rf {} +
