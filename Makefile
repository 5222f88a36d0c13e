# The project's commands. `make` alone lists them. Plain pip and jupyter-book lines are in README.md.
.POSIX:
# There is a folder called book, so targets that are not files are named here.
.PHONY: help book pdf test test-all lint unit chapters pages bench lab notebooks update clean
# The steps of `make test` go from fast to slow and use both cores themselves.
.NOTPARALLEL:

PYTHON = python3
JOBS = 2
# One thread for each test process: more threads than cores wait for each other.
ALONE = OMP_NUM_THREADS=1
# Relative, so that a folder with spaces in its name works.
BIN = .venv/bin
PIP = $(BIN)/python -m pip install --quiet --disable-pip-version-check
# The newest versions that requirements.txt allows; lowest-direct are the oldest. UPGRADE= keeps those that still fit.
RESOLUTION = highest
UPGRADE = --upgrade
# One version of each package for every system and Python, with the sha256 of its files. Wheels only, because
# building a source package runs its code.
COMPILE = $(BIN)/python -m uv pip compile --quiet --no-header --generate-hashes --universal --python-version 3.11 \
  --only-binary :all: --emit-build-options --annotation-style line
# --all: Sphinx repeats no warning of a page that it does not rebuild, so a second strict build would
# pass for the wrong reason; and a changed widget script has to reach every page.
# Warnings still show: they go to stderr.
BUILD = echo 'Building the pages ...' && $(BIN)/jupyter-book build . --all -n -W --keep-going --quiet >/dev/null

help:
	@echo 'make book       build the pages into _build/html (needs no torch)'
	@echo 'make pdf        print the book into _build/reading-alexnet.pdf (needs a Chromium)'
	@echo 'make test       check style, code, chapters and pages, in about six minutes'
	@echo 'make test-all   the same with the slow tests; CI runs it every night'
	@echo 'make bench      measure speed against named baselines'
	@echo 'make lab        open the chapters in JupyterLab'
	@echo 'make notebooks  run all chapters again and store what they print'
	@echo 'make update     lock the newest versions of all packages that requirements.txt allows'
	@echo 'make clean      remove the built pages and the caches; .venv stays'
	@echo 'PYTHON=python3.12 chooses the Python that .venv is made with.'

book: .venv/.reading
	@$(BUILD)
	@echo 'The book is in _build/html. Open this file in a browser (double click, or xdg-open, or open on a Mac):'
	@echo "$$PWD/_build/html/index.html"

pdf: .venv/.everything
	@$(BUILD)
	$(BIN)/python tools/pdf.py

test: lint unit chapters pages
	@echo 'make test: style, code, chapters and pages passed.'

# The slow tests run too. Not `make -j`: each step uses both cores.
test-all:
	@$(MAKE) test QUICK=

# What the two tiers differ in: tests marked `slow` take long and rarely fail.
QUICK = and not slow

lint: .venv/.everything
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/codespell

unit: .venv/.everything
	$(ALONE) $(BIN)/python -m pytest -q -n $(JOBS) --dist worksteal -m 'not browser $(QUICK)'

# Every cell of every chapter runs, and what it prints, warnings included, is compared with what is stored.
chapters: .venv/.everything
	$(ALONE) $(BIN)/python -m pytest -q -n $(JOBS) --dist loadfile \
	  --nbval --nbval-sanitize-with tests/nbval_sanitize.cfg --nbval-cell-timeout 120 book

# Without a Chromium the browser tests are skipped, and one line says how to get one (-r fE: not one for each file).
pages: .venv/.everything
	@$(BUILD)
	$(BIN)/python -m pytest -q -n $(JOBS) --dist loadgroup -r fE -m 'browser $(QUICK)'

bench: .venv/.everything
	$(BIN)/python benchmarks/speed.py

lab: .venv/.everything
	cd book && ../$(BIN)/jupyter lab

notebooks: .venv/.everything
	$(ALONE) $(BIN)/python tools/notebooks.py store

update: .venv/.everything
	cat locks/everything.txt locks/torch.txt >locks/all.txt
	$(COMPILE) requirements.txt $(UPGRADE) --resolution $(RESOLUTION) -o locks/all.txt
	printf 'jupyter-book\nmath-core\n' | $(COMPILE) - -c locks/all.txt -o locks/reading.txt
	# torch in a file of its own: it may come from another address (TORCH_INDEX), where its files have other sums.
	awk 'BEGIN { torch = "locks/torch.txt"; rest = "locks/everything.txt"; file = rest } \
	  /^--/ { print >torch } \
	  /^[a-z]/ { file = /^(torch|torchvision|triton|(cuda|nvidia)-[a-z0-9-]+)==/ ? torch : rest } \
	  { print >file }' locks/all.txt
	@rm locks/all.txt
	@echo 'The locks are new and untried. Now: make test-all'

clean:
	rm -rf _build .pytest_cache .ruff_cache .hypothesis

$(BIN)/python:
	@$(PYTHON) -c 'import sys; (3, 11) <= sys.version_info < (3, 14) or sys.exit( \
	  "Python 3.11, 3.12 or 3.13 is needed; this is %d.%d. Try: make book PYTHON=python3.12" % sys.version_info[:2])'
	$(PYTHON) -m venv .venv

# A stamp file stands for a finished install, which is repeated only when its list changes. --require-hashes: pip
# takes no file whose sha256 is not in the list. --no-deps: the list is complete.
.venv/.reading: $(BIN)/python locks/reading.txt
	@echo 'Installing what the pages need ...'
	@$(PIP) --no-deps --require-hashes -r locks/reading.txt
	@touch $@

# TORCH_INDEX is the address of another build of torch. Its files have other sums, so only the versions are held.
.venv/.everything: $(BIN)/python locks/everything.txt locks/torch.txt pyproject.toml
	@echo 'Installing everything (torch is the large part) ...'
	@if test -z "$(TORCH_INDEX)"; then \
	  $(PIP) --no-deps --require-hashes -r locks/everything.txt -r locks/torch.txt; \
	else \
	  $(PIP) --no-deps --require-hashes -r locks/everything.txt && \
	  $(PIP) --no-deps --index-url "$(TORCH_INDEX)" \
	    `sed -n 's/^\(torch[a-z]*==[^ ]*\).*/\1/p' locks/torch.txt`; \
	fi
	@$(PIP) --no-deps --no-build-isolation -e .
	@touch $@ .venv/.reading
