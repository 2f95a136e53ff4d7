# `make demo` and `make test` set everything up by themselves; they need python3 and make.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed

.PHONY: demo test torture lint clean

demo: $(INSTALLED)
	$(BIN)/autogan demo

test: $(INSTALLED)
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses auto --maxprocesses 4 --dist worksteal

torture: $(INSTALLED)
	$(BIN)/python -m pip install --quiet --editable '.[dev,ray]'
	OMP_NUM_THREADS=1 AUTOGAN_TORTURE=1 $(BIN)/python -m pytest tests/faults tests/verify tests/trials tests/method/test_side_by_side.py --torture --timeout=1800

lint: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

$(INSTALLED): pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "autogan needs Python 3.11 or newer; set PYTHON=python3.12, say.")'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --editable '.[dev]'
	touch $(INSTALLED)

clean:
	rm -rf $(VENV)
