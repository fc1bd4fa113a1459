# SPDX-License-Identifier: Apache-2.0
# Each recipe is a plain command that you could type. `make help` lists the targets.

PYTHON ?= python3
HOST ?= localhost
PORT ?= 8888
JOBS ?= 2
# One page more than cores: a page waits for much of its time.
PAGES ?= 3
CHAPTERS ?=
UV = uv==0.13.9

IN_PAGE = $(shell find napkin chapters/diagrams -name '*.py' -o -name '*.toml' -o -name '*.csv') \
	chapters/site/live/live*.py

# Compiled modules are kept: without them every kernel compiles SymPy again.
unexport PYTHONDONTWRITEBYTECODE

INSTALL = .venv/bin/uv pip install --quiet --compile-bytecode --python .venv/bin/python
COMPILE = .venv/bin/uv pip compile pyproject.toml --quiet --universal --python-version 3.11 \
	--fork-strategy fewest --generate-hashes --no-header
ROOT_USER = $(if $(filter 0,$(shell id -u)),--allow-root)
NO_SCREEN = $(if $(filter Linux,$(shell uname)),$(if $(DISPLAY)$(WAYLAND_DISPLAY),,--no-browser))

help:  ## list the targets
	@grep -E '^[a-z-]+:.*##' Makefile | sed -E 's/:.*## /\t/' | expand -t 16

install: .venv/core  ## make .venv with the minimum that runs the package

read: .venv/book  ## open JupyterLab on the tour (PORT=8888 HOST=localhost)
	.venv/bin/jupyter lab --ip=$(HOST) --port=$(PORT) $(ROOT_USER) $(NO_SCREEN) --log-level=WARN \
		--ServerApp.root_dir=. --LabApp.default_url=/lab/tree/chapters/00-tour.ipynb

test: .venv/tests  ## run the core tests, and every chapter against its stored outputs
	.venv/bin/pytest -n $(JOBS) --dist loadfile --nbval --nbval-cell-timeout=120 --ignore=tests/browser

test-quick: .venv/tests  ## run the core tests that a change most likely breaks, in under a minute
	.venv/bin/pytest -n $(JOBS) -p no:nbval -m "not slow" --ignore=tests/browser \
		--ignore=tests/chapters --ignore=tests/benchmarks tests

lint: .venv/tests  ## check style, types and spelling
	.venv/bin/ruff check
	.venv/bin/ruff format --check
	.venv/bin/mypy
	.venv/bin/codespell

coverage: .venv/tests  ## show the lines and branches that the core tests miss
	.venv/bin/pytest -n $(JOBS) --cov=napkin --ignore=tests/browser tests napkin

chapters: .venv/tests  ## run the text twins into notebooks (CHAPTERS="00-tour" for some), write pages
	.venv/bin/python chapters/execute.py $(CHAPTERS)
	cd chapters && ../.venv/bin/python -m pages

calibrate: .venv/tests  ## fit the constants of calibrated=True again, and say how good they are
	.venv/bin/python -m tests.measured.fit

test-browser: .venv/site site  ## run the explorers, the site and a chapter in Chromium
	.venv/bin/pytest -n $(PAGES) --dist worksteal tests/browser

site: .venv/site _build/katex _build/live  ## build the pages, offline, into _build/site
	rm -rf _build/site _build/jupyter_execute
	.venv/bin/python -m sphinx -qEW --keep-going -c chapters/site -d _build/doctrees chapters _build/site

test-oldest: .venv/core  ## run the tests on the oldest dependencies that we promise
	$(PYTHON) -m venv --clear .venv-oldest
	.venv/bin/uv pip install --quiet --compile-bytecode --python .venv-oldest/bin/python \
		--resolution lowest-direct --requirements pyproject.toml --group book --group test
	.venv/bin/uv pip install --quiet --python .venv-oldest/bin/python --no-deps --editable .
	.venv-oldest/bin/pytest -n $(JOBS) --dist loadfile --nbval-lax --nbval-cell-timeout=120 \
		--ignore=tests/browser

pins: .venv/core  ## pin the newest versions again, with hashes
	$(COMPILE) --upgrade --group book -o binder/requirements.txt
	$(COMPILE) --upgrade --group book --group test -c binder/requirements.txt \
		-o tests/requirements.txt
	$(COMPILE) --upgrade --group book --group test --group site -c tests/requirements.txt \
		-o chapters/site/requirements.txt

clean:  ## remove the environments and all that is generated but the notebooks
	rm -rf .venv .venv-oldest .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage _build dist
	find chapters napkin tests -name __pycache__ -prune -exec rm -rf {} +

# Style and fonts of the KaTeX that typesets the mathematics.
_build/katex: .venv/site
	rm -rf $@ && mkdir -p $@/katex
	cd $@ && npm pack --silent katex@$$(../../.venv/bin/python -c 'from sphinxcontrib import katex; print(katex.katex_version)')
	tar -xzf $@/katex-*.tgz -C $@ package/dist/katex.min.css package/dist/fonts
	mv $@/package/dist/katex.min.css $@/package/dist/fonts $@/katex && rm -r $@/package $@/*.tgz
	find $@ -name '*.ttf' -delete -o -name '*.woff' -delete

# Python in the page: the interpreter with SymPy, once, and this package for it.
_build/pyodide: chapters/site/live/pack.py chapters/site/live/pack.mjs | .venv/site
	.venv/bin/python chapters/site/live/build.py gather $@

_build/live: $(IN_PAGE) chapters/site/live/build.py _build/pyodide | .venv/site
	.venv/bin/python chapters/site/live/build.py pack _build/pyodide $@

# An empty file in .venv stands for each set that is in it.
.venv/bin/uv:
	$(PYTHON) -c 'import sys; sys.exit("Napkin needs Python 3.11 or newer: make PYTHON=python3.12 ..." if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv .venv
	.venv/bin/pip install --quiet --disable-pip-version-check $(UV)

.venv/core: pyproject.toml | .venv/bin/uv
	$(INSTALL) --constraint binder/requirements.txt --requirements pyproject.toml
	$(INSTALL) --no-deps --editable .
	touch $@

.venv/book: .venv/core binder/requirements.txt
	$(INSTALL) --require-hashes --requirements binder/requirements.txt
	.venv/bin/jupyter labextension disable "@jupyterlab/apputils-extension:announcements"
	.venv/bin/python -c "import matplotlib.font_manager"
	touch $@

.venv/tests: .venv/book tests/requirements.txt
	$(INSTALL) --require-hashes --requirements tests/requirements.txt
	touch $@

.venv/site: .venv/tests chapters/site/requirements.txt
	$(INSTALL) --require-hashes --requirements chapters/site/requirements.txt
	touch $@

.PHONY: help install read test test-quick calibrate test-browser site lint coverage chapters test-oldest pins clean
