# Two commands matter: `make demo` runs the main job, `make test` the tests. Each makes what it needs.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
# An environment without torch for each Python, and one with the newest of everything
LIGHT := .venv-light-$(notdir $(PYTHON))
LATEST := .venv-latest
LIGHT_TESTS := $(addprefix tests/,clips data diversity hub metrics mixtures rendering sources video test_package.py test_registration.py)

.PHONY: setup demo miniature base test test-light test-slow check check-latest fix bench learn clean

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
		$(if $(LONG_QA),--long_qa '$(LONG_QA)') $(if $(VIDEOS),--videos '$(VIDEOS)') \
		$(if $(MODEL),--model '$(MODEL)') $(if $(PUSH),--push '$(PUSH)') \
		$(if $(MAX_DOCUMENTS),--max_documents '$(MAX_DOCUMENTS)')

# The experiment in miniature (recipes/miniature): is a third of the rows as drawn text worth what video is?
# QUICK=1: one base, two seeds, and no arm of all the video. MINI is where its data and bases go, as its YAML files say.
MINI := out/miniature
BASE_SEEDS ?= 0 1 2

miniature: setup $(MINI)/world/gate $(if $(QUICK),,$(MINI)/base-1 $(MINI)/base-2)
	$(BIN)/python recipes/experiment.py --config recipes/miniature/experiment.yaml $(if $(QUICK),--quick)

# Its bases from nothing, 15 minutes of a core each; base 0 is the one of recipes/miniature/base.
base: $(addprefix $(MINI)/base-,$(BASE_SEEDS))

$(MINI)/base-%: | setup $(MINI)/world/gate
	$(BIN)/python recipes/miniature/make_model.py --output $(MINI)/untrained-$* --seed $*
	OMP_NUM_THREADS=1 $(BIN)/python recipes/sft.py --config recipes/miniature/base.yaml --seed $* --mixture_seed $* \
		--model_name_or_path $(MINI)/untrained-$* --output_dir $(MINI)/trained-$* --overwrite_output_dir true
	$(BIN)/python recipes/miniature/halve.py --checkpoint $(MINI)/trained-$* --output $@

# The gate is what is written last.
$(MINI)/world/gate: | setup
	$(BIN)/python recipes/miniature/make_world.py --output $(MINI)/world

# A process on each processor: what most tests do is too small for threads of its own.
test: setup
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses auto --dist worksteal

# What needs no torch, where there is none: make test-light PYTHON=python3.13
test-light:
	@test -x $(LIGHT)/bin/python || $(PYTHON) -m venv $(LIGHT)
	$(LIGHT)/bin/python -m pip install --quiet --editable '.[fonts,video,test_light]'
	$(LIGHT)/bin/python -m pytest $(LIGHT_TESTS)

test-slow: setup
	$(BIN)/python -m pytest -m slow

check: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --config setup.cfg

# All tests with the newest of each dependency: the upper bounds of setup.cfg are taken out in a copy.
check-latest:
	rm -rf $(LATEST)
	$(PYTHON) -m venv $(LATEST)
	mkdir $(LATEST)/source
	git ls-files -co --exclude-standard | tar -cf - -T - | tar -xf - -C $(LATEST)/source
	sed -E -i.bak 's/, *< *[0-9.]+$$//; s/^( +[a-z0-9]+) < [0-9.]+$$/\1/' $(LATEST)/source/setup.cfg
	$(LATEST)/bin/python -m pip install '$(LATEST)/source[all,test]'
	$(LATEST)/bin/python -m pytest

# What a machine can mend
fix: $(VENV)/.installed-dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/python .github/architecture.py
	$(BIN)/python .github/loops.py

bench: setup
	@for bench in render builder decode cost packing collate train; do $(BIN)/python tests/benchmarks/bench_$$bench.py || exit 1; done

# A model reads a number off a page after minutes of training from nothing. PASSIVE: threads sleep while they wait
# and do not spin on a processor that another process could have.
learn: setup
	OMP_WAIT_POLICY=PASSIVE $(BIN)/python tests/benchmarks/learn.py

clean:
	rm -rf out
