# Verbs. Each makes the environment .venv first where it is missing or out of date; after that it starts at once.
# PYTHON (or THREATCLIP_PYTHON) names the interpreter. PIP_OPTIONS go to pip: on Linux without a GPU,
# PIP_OPTIONS='--extra-index-url https://download.pytorch.org/whl/cpu' takes the CPU build of torch (2 GB less).
PYTHON ?= $(or $(THREATCLIP_PYTHON),python3)
PIP_OPTIONS ?=
BIN := .venv/bin
READY := .venv/.ready
export OMP_NUM_THREADS ?= 1

.DEFAULT_GOAL := help
.PHONY: help demo test check format lint types docs screenshots bench serve openclip

help: ## list the verbs
	@awk -F':.*## ' '/^[a-z]+:.*## / { printf "make %-11s %s\n", $$1, $$2 }' Makefile

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

docs: $(READY) ## write docs/cli.md and the tables of docs/attacks.md
	$(BIN)/python -m threatclip.cli.reference docs

serve: $(READY) ## answers over HTTP and the page, from the runs in the folder runs
	$(BIN)/threatclip serve --runs runs

screenshots: $(READY) ## take the pictures of docs/page.md anew, of generated samples; needs chromium
	PYTHONPATH=tests/service/pages $(BIN)/python tests/service/pages/screenshots.py docs/screenshots

bench: $(READY) ## speed and memory, each against a named peer
	for script in benchmarks/*.py; do echo "== $$script" && $(BIN)/python $$script || exit 1; done

openclip: .venv-openclip/.ready ## the tests of open_clip towers, in an environment of their own
	PYTHONPATH=tests/encoders .venv-openclip/bin/python -m pytest -p torchvision_ops tests/encoders/test_open_clip.py

# beside the packages of .venv, not among them: torchvision breaks every import of transformers under a CPU build of torch
.venv-openclip/.ready: $(READY)
	$(BIN)/python -m venv .venv-openclip
	$(BIN)/python -c "import sysconfig; print('import site; site.addsitedir(%r)' % sysconfig.get_path('purelib'))" \
		> "$$(echo .venv-openclip/lib/python*/site-packages)/beside.pth"
	.venv-openclip/bin/python -m pip install --quiet --disable-pip-version-check $(PIP_OPTIONS) -c constraints.txt \
		--no-deps open_clip_torch timm torchvision ftfy wcwidth
	@touch $@

$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo 'threatclip needs Python 3.11 or later; name one as in: make test PYTHON=python3.12' >&2; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check $(PIP_OPTIONS) -c constraints.txt -e '.[minilm,dev]'
	@touch $@
