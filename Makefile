# finetui: `make run` opens it, `make test` tests it. Both install what they need, once.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
STAMPS := $(VENV)/.stamps
# Three workers for two cores: tests wait for children and clocks, and a core would be idle meanwhile.
WORKERS ?= -n $(shell $(PYTHON) -c "import os; print(min(8, (os.cpu_count() or 1) * 3 // 2 or 1))") --dist worksteal
SOURCES := pyproject.toml tools/install.py engine/setup/constraints.txt engine/setup/parts.py

# Where bytecode is forbidden every child would compile torch and its kin again.
export PYTHONDONTWRITEBYTECODE :=

.DEFAULT_GOAL := help
.PHONY: help run test test-all lint install install-dev train gpu doctor demo screenshots wheel bench clean

help: ## List what make can do
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

run: $(STAMPS)/first ## Open finetui on the demo workspace; what it lacks is installed meanwhile
	@$(BIN)/python -m tui demo

test: $(STAMPS)/dev ## Install what tests need, and run them (ARGS="-k curate" for some)
	@$(BIN)/python -m pytest $(WORKERS) $(ARGS)

test-all: $(STAMPS)/dev ## The same with what is slow and rarely breaks, as for a release
	@$(BIN)/python -m pytest $(WORKERS) --all $(ARGS)

lint: $(STAMPS)/dev ## ruff, mypy --strict and the import rules
	@$(BIN)/ruff check engine tui tests tools
	@$(BIN)/ruff format --check engine tui tests tools
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache

install: $(STAMPS)/base ## Install all that finetui needs into .venv, and wait for it
install-dev: $(STAMPS)/dev ## The same, and what tests need

train: $(STAMPS)/base ## Add unsloth and bitsandbytes, for a GPU or a CPU
	@$(BIN)/python tools/install.py --extra train

gpu: train ## The same, by its former name

doctor: $(STAMPS)/first ## Say what is installed and what is missing
	@$(BIN)/python -m tui doctor

demo: $(STAMPS)/base ## The whole loop without a terminal, in ./demo-workspace
	@$(BIN)/python -m tui demo --headless demo-workspace

screenshots: $(STAMPS)/dev ## Make the README's screenshots again
	@$(BIN)/python -m tools.screenshots docs/screens

wheel: $(STAMPS)/dev ## Build the wheel into dist/
	@$(BIN)/python -m build --wheel --no-isolation --outdir dist .

bench: $(STAMPS)/dev ## Print the benchmarks
	@for file in tests/bench/bench_*.py; do echo "== $$file"; $(BIN)/python -m tests.bench.$$(basename $$file .py) || exit 1; done

clean: ## Remove what make made, except .venv
	rm -rf dist build .mypy_cache .ruff_cache .pytest_cache .import_linter_cache

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(0 if v >= (3, 11) else f"finetui needs Python 3.11 or newer; {sys.executable} is {v[0]}.{v[1]}. Try: make PYTHON=python3.12 run")'
	@$(PYTHON) -m venv $(VENV) || { echo "python3-venv is missing: on Debian and Ubuntu, apt install python3-venv"; rm -rf $(VENV); exit 1; }

$(STAMPS)/first: $(VENV)/bin/python $(SOURCES)
	@$(BIN)/python tools/install.py --first --stamp $@

$(STAMPS)/base: $(STAMPS)/first
	@$(BIN)/python tools/install.py --stamp $@

$(STAMPS)/dev: $(STAMPS)/base
	@$(BIN)/python tools/install.py --extra dev --stamp $@
