# Two commands are complete on a fresh Debian machine with python3 and make:
#   make demo    sets up, makes demo exposures, removes their cosmic rays
#   make test    sets up, runs every check and every test

VENV := .venv
BIN := $(VENV)/bin

.PHONY: demo test test-long coverage checks docs bench clean

demo: $(VENV)/installed
	$(BIN)/crmasks demo crmasks-demo --overwrite
	@echo "Look at crmasks-demo/mediancr_identified_cr.pdf and crmasks-demo/diagnostic_mediancr.png"

test: checks
	$(BIN)/python -m pytest

test-long: checks
	CRMASKS_TEST_LONG=1 $(BIN)/python -m pytest
	$(BIN)/python -m tests.binder_check

coverage: $(VENV)/installed-for-tests
	$(BIN)/python -m coverage run -m pytest --ignore=tests/browser --ignore=tests/test_notebooks.py
	$(BIN)/python -m coverage report

checks: $(VENV)/installed-for-tests
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

docs: $(VENV)/installed-for-tests
	$(BIN)/python docs/make_parameters.py
	$(BIN)/python docs/make_architecture.py
	$(BIN)/python docs/make_links.py
	$(BIN)/python docs/make_pictures.py
	$(BIN)/python docs/make_notebooks.py

bench: $(VENV)/installed-for-tests
	$(BIN)/python -m pytest benchmarks -p no:cacheprovider

$(VENV)/installed: pyproject.toml
	@.ci/need python3-venv
	python3 -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --editable .
	@touch $@

$(VENV)/installed-for-tests: pyproject.toml
	@.ci/need python3-venv chromium
	python3 -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --editable '.[test]'
	@touch $@ $(VENV)/installed

clean:
	rm -rf $(VENV) crmasks-demo
