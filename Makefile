# make run: environment, sample if there are no captures, the main job.   make test: environment, all checks and tests.
# make bench: the short form of every benchmark, some minutes; figures and logs in build/benchmarks.

PYTHON ?= python3
BIN := .venv/bin
export DO_NOT_TRACK := 1

.PHONY: run test bench check format viz docs smoke clean
.DEFAULT_GOAL := run

run: .venv/installed # with roots of your own in conf/local/globals.yml no sample is made
	@test -e conf/local/globals.yml || find -L data/01_raw/captures -type f 2>/dev/null | head -1 | grep -q . || $(BIN)/kedro run --pipelines synthesis
	@$(BIN)/kedro run

test: check
	$(BIN)/pytest

bench: .venv/installed
	$(BIN)/python benchmarks/all.py

check: .venv/installed
	$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy && $(BIN)/lint-imports --no-cache

format: .venv/installed
	$(BIN)/ruff check --fix . && $(BIN)/ruff format .

smoke: .venv/installed
	$(BIN)/kedro run --env smoke --pipelines smoke

viz: .venv/installed
	$(BIN)/kedro viz run

docs: .venv/installed
	$(BIN)/kedro viz build

clean:
	rm -rf build .viz .mypy_cache .pytest_cache .ruff_cache .hypothesis

.venv/installed: requirements.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "expected Python 3.11 or newer, got " + sys.version.split()[0] + ": make PYTHON=python3.12 ...")'
	@echo "Making the environment in .venv from requirements.txt (some minutes, once) ..."
	@$(PYTHON) -m venv .venv
	@$(BIN)/pip install --quiet --disable-pip-version-check --requirement requirements.txt
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --editable .
	@touch $@
