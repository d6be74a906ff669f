# Two commands matter: `make demo` runs the main job, `make test` the tests. Each makes what it needs.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin

.PHONY: setup demo test test-slow check bench learn clean

setup: $(VENV)/.installed

$(VENV)/.installed: setup.cfg pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --editable '.[all,test]'
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.installed
	$(BIN)/python -m pip install --quiet --editable '.[dev]'
	@touch $@

# Options: LONG_QA=file VIDEOS=folder MODEL=checkpoint PUSH=user/name MAX_DOCUMENTS=n
demo: setup
	@$(BIN)/python recipes/demo.py \
		$(if $(LONG_QA),--long-qa '$(LONG_QA)') $(if $(VIDEOS),--videos '$(VIDEOS)') \
		$(if $(MODEL),--model '$(MODEL)') $(if $(PUSH),--push '$(PUSH)') \
		$(if $(MAX_DOCUMENTS),--max-documents '$(MAX_DOCUMENTS)')

test: setup
	$(BIN)/python -m pytest

test-slow: setup
	$(BIN)/python -m pytest -m slow

check: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --config setup.cfg

bench: setup
	@for bench in render builder decode cost packing collate train; do $(BIN)/python tests/benchmarks/bench_$$bench.py || exit 1; done

# A model reads a number off a page after minutes of training from nothing. PASSIVE: threads sleep while they wait
# and do not spin on a processor that another process could have.
learn: setup
	OMP_WAIT_POLICY=PASSIVE $(BIN)/python tests/benchmarks/learn.py

clean:
	rm -rf out
