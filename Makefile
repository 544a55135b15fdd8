# The verbs of the project. The text after `##` is what `make` prints.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
SOURCES := llmcc backends training tests docs examples
MAX_LINES := 400

.DEFAULT_GOAL := help
.PHONY: help setup train-setup native demo test check fmt lint type arch golden unit verl-check adversarial \
  torture csmith torture-loops mutants semantics timing-evidence region-time projects bench overhead wheel docs clean

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-15s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

$(BIN)/python:
	@echo "making $(VENV) and installing llmcc into it; this takes a while the first time"
	$(PYTHON) -m venv $(VENV)

# Each stamp is the proof that an install ended well. pip copies the scripts, so they count.
INSTALLED := pyproject.toml $(wildcard llmcc/native/bin/*)
$(VENV)/.run: $(INSTALLED) | $(BIN)/python
	@$(BIN)/python -m pip install -qq -e .
	@touch $@
$(VENV)/.dev: $(INSTALLED) | $(BIN)/python
	@$(BIN)/python -m pip install -qq -e '.[dev]'
	@touch $@ $(VENV)/.run
$(VENV)/.train: $(INSTALLED) | $(BIN)/python
	@$(BIN)/python -m pip install -qq -e '.[dev,train]'
	@touch $@ $(VENV)/.run $(VENV)/.dev

setup: $(VENV)/.dev native ## make .venv with llmcc and the tools of development
train-setup: $(VENV)/.train ## the same with torch and transformers, which training needs

native: $(VENV)/.run ## build launcher and the shim now, not at the first compile
	@$(BIN)/python -m llmcc.native.build

demo: native ## build an example with gcc -O3 and with llmcc -O3, print both times
	@sh examples/demo.sh $(BIN)/llmcc

test: $(VENV)/.train lint type arch golden wheel unit ## everything CI runs; pytest comes last

check: test ## another name for `make test`

fmt: $(VENV)/.dev ## format and fix what can be fixed
	$(BIN)/ruff format $(SOURCES)
	$(BIN)/ruff check --fix $(SOURCES)

lint: $(VENV)/.dev ## ruff, in check mode
	$(BIN)/ruff format --check $(SOURCES)
	$(BIN)/ruff check $(SOURCES)

type: $(VENV)/.train ## mypy --strict (with torch's own types)
	$(BIN)/mypy

arch: $(VENV)/.dev ## import contract and length of files
	$(BIN)/lint-imports
	@find $(SOURCES) -name '*.py' -type f -exec awk -v most=$(MAX_LINES) \
	  'END { if (NR > most) { print FILENAME ": " NR " lines, more than " most; exit 1 } }' {} ';' \
	  | { ! grep . ; }

golden: $(VENV)/.dev ## text in, text out: lit and filecheck on tests/golden
	$(BIN)/lit --allow-empty-runs -q tests/golden

unit: $(VENV)/.train ## pytest, adversarial tests included
	$(BIN)/pytest -m 'not timing'

# pip would bring verl's GPU wheels; what its loader and config import is listed, without them.
$(VENV)/.verl: tests/training/verl-requirements.txt $(VENV)/.train
	@$(BIN)/python -m pip install -qq --no-deps --upgrade --target $(VENV)/verl -r $<
	@touch $@

verl-check: $(VENV)/.verl ## rows, hook and overrides against verl's own loader and config
	VERL_CHECK=$(abspath $(VENV)/verl) $(BIN)/pytest tests/training/test_program_verl.py

adversarial: $(VENV)/.dev ## only the tests with wrong rewrites and hostile programs
	$(BIN)/pytest tests/adversarial

torture: $(VENV)/.dev ## gcc's own tests, csmith, small programs, random loops: gcc against llmcc
	nice $(BIN)/python -m tests.torture.run --report docs/torture.md $(TORTURE)

csmith: $(VENV)/.dev ## only the 300 random programs by csmith
	nice $(BIN)/python -m tests.torture.run csmith

torture-loops: $(VENV)/.dev ## random loops on random arrays: the same bytes from gcc -O0, -O3 and llmcc
	nice $(BIN)/python -m tests.torture.loops

semantics: $(VENV)/.dev ## compare the semantics that proofs rest on with the CPU
	nice $(BIN)/python -m tests.prove.differential

mutants: $(VENV)/.train ## every wrong one-instruction mutant of accepted rewrites must be refused (docs/mutants.md)
	OPENBLAS_NUM_THREADS=1 nice $(BIN)/python -m tests.evidence.mutants $(ARGUMENTS)

timing-evidence: $(VENV)/.dev ## timing decisions on rewrites of known worth (docs/timing-evidence.md); quiet machine
	$(BIN)/python -m tests.evidence.timing $(ARGUMENTS)

region-time: $(VENV)/.dev ## how long verification and timing of one loop take (docs/region-time.md); quiet machine
	$(BIN)/python -m tests.evidence.region_time $(ARGUMENTS)

projects: $(VENV)/.dev ## real projects built by gcc and with CC=llmcc (docs/projects.md); 30 to 40 minutes, quiet machine
	nice $(BIN)/python -m tests.projects $(ARGUMENTS)

bench: $(VENV)/.run ## time and check the kernels: gcc, clang, llmcc
	$(BIN)/llmcc-ctl bench

overhead: $(VENV)/.run ## time what llmcc adds to a compile it has nothing to do in
	$(BIN)/llmcc-ctl overhead

wheel: $(VENV)/.dev ## build the wheel, install it in a fresh venv, use it there
	sh tests/packaging/fresh_install.sh $(BIN)/python

docs: $(VENV)/.dev ## write docs/cli.md and the man pages anew from the commands' own help
	$(BIN)/python docs/write_cli.py
	$(BIN)/python docs/write_man.py

clean: ## remove what the targets made, the venv excepted
	rm -rf build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache tests/golden/Output
