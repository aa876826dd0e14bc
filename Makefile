# These are complete on a fresh Debian machine with python3 and make:
#   make demo       sets up, makes demo exposures, removes their cosmic rays
#   make check      sets up, runs every check, and the tests that are quick: no browser, no other
#                   process, no fuzzer, none of more than a second
#   make test       sets up, runs every check and every test
#   make site       sets up, makes the documentation as a site in build/site, and checks it
#   make release-check  sets up, builds what a release hands out, and tries it in clean environments
#   make test-long  the same with the full counts of what is tried at random, for a night
# Tests run on WORKERS processes, each module on one of them; tests/conftest.py says more.

VENV := .venv
BIN := $(VENV)/bin
WORKERS ?= 2
# Two workers whose libraries take two threads each are slower than with one each. What Python
# compiles is kept in the environment, wherever else it may not be: each worker needs all tests.
PYTEST := OPENBLAS_NUM_THREADS=1 PYTHONDONTWRITEBYTECODE= PYTHONPYCACHEPREFIX=$(abspath $(VENV))/compiled \
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadscope --no-loadscope-reorder

.PHONY: demo check test test-long coverage checks docs site release-check bench clean

demo: $(VENV)/installed
	$(BIN)/crmasks demo crmasks-demo --overwrite
	@echo "Look at crmasks-demo/mediancr_identified_cr.pdf and crmasks-demo/diagnostic_mediancr.png"

check: checks
	$(PYTEST) --ignore=tests/browser --ignore=tests/fuzz -m "not process and not slow"

test: checks
	$(PYTEST)

test-long: checks
	CRMASKS_TEST_LONG=1 $(PYTEST)
	@if $(BIN)/python -m pip install --quiet atheris; then \
	    for made in parameters texts frames folders environments; do \
	        $(BIN)/python -m tests.fuzz.guided $$made 3000 || exit 1; done; \
	else echo "atheris does not install for this Python: no cases under its guidance"; fi
	$(BIN)/python -m tests.binder_check

coverage: $(VENV)/installed-for-tests
	$(BIN)/python -m coverage run -m pytest --ignore=tests/browser --ignore=tests/test_notebooks.py
	$(BIN)/python -m coverage report

checks: $(VENV)/installed-for-tests
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/codespell
	$(BIN)/python -m tests.javascript.types

docs: $(VENV)/installed-for-tests
	$(BIN)/python docs/make_parameters.py
	$(BIN)/python docs/make_architecture.py
	$(BIN)/python docs/make_links.py
	$(BIN)/python packaging/conda_recipe.py
	$(BIN)/python docs/make_pictures.py
	$(BIN)/python docs/make_notebooks.py

site: $(VENV)/installed-for-docs
	$(BIN)/python -m sphinx -W --keep-going -q -c docs -b html . build/site
	$(BIN)/python docs/check_site.py build/site

release-check: $(VENV)/installed-for-release
	PATH="$(abspath $(BIN)):$$PATH" $(BIN)/python packaging/release_check.py

bench: $(VENV)/installed-for-tests
	$(BIN)/python -m pytest benchmarks -p no:cacheprovider

$(VENV)/installed: pyproject.toml
	@.ci/need python3-venv
	python3 -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --editable .
	@touch $@

$(VENV)/installed-for-tests: pyproject.toml tests/javascript/package-lock.json
	@.ci/need python3-venv chromium fitsverify
	python3 -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --editable '.[test]'
	$(BIN)/python -m tests.javascript.types install
	@touch $@ $(VENV)/installed

$(VENV)/installed-for-docs: $(VENV)/installed
	$(BIN)/python -m pip install --quiet --editable '.[docs]'
	@touch $@

$(VENV)/installed-for-release: $(VENV)/installed
	$(BIN)/python -m pip install --quiet --editable '.[release]'
	@touch $@

clean:
	rm -rf $(VENV) crmasks-demo build dist docs/generated
