# The project's commands. `make` alone lists them. Plain pip and jupyter-book lines are in README.md.
.POSIX:
# There is a folder of the name book; a target that is no file is always made.
.PHONY: help book pdf test lint unit chapters pages bench lab notebooks update clean
# The steps of `make test` go from cheap to dear and use both cores themselves.
.NOTPARALLEL:

PYTHON = python3
JOBS = 2
# One thread for each of them: processes with more threads than there are cores wait for each other, and minutes pass.
ALONE = OMP_NUM_THREADS=1
# Relative, so that a folder with spaces in its name works.
BIN = .venv/bin
PIP = $(BIN)/python -m pip install --quiet --disable-pip-version-check
# The newest versions that requirements.txt allows; lowest-direct are the oldest.
RESOLUTION = highest
# --all: Sphinx repeats no warning of a page that it does not rebuild, so a second strict build would
# pass for the wrong reason; and a changed widget script has to reach every page.
# Warnings still show: they go to stderr.
BUILD = echo 'Building the pages ...' && $(BIN)/jupyter-book build . --all -n -W --keep-going --quiet >/dev/null

help:
	@echo 'make book       build the pages into _build/html (needs no torch)'
	@echo 'make pdf        print the book into _build/reading-alexnet.pdf (needs a Chromium)'
	@echo 'make test       check everything: style, code, chapters, pages'
	@echo 'make bench      measure speed against named peers; alexnet bench NAME for a part'
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

lint: .venv/.everything
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/codespell

unit: .venv/.everything
	$(ALONE) $(BIN)/python -m pytest -q -n $(JOBS) --dist worksteal -m 'not browser'

# Every cell of every chapter runs, and what it prints is compared with what is stored.
# A warning inside a cell is output too, so it fails the comparison.
# A stored cell took under 30 s; a busy machine may take longer to repeat it.
chapters: .venv/.everything
	$(ALONE) $(BIN)/python -m pytest -q -n $(JOBS) --dist loadfile \
	  --nbval --nbval-sanitize-with tests/nbval_sanitize.cfg --nbval-cell-timeout 120 book

# Without a Chromium the browser tests are skipped, and one line says how to get one (-r fE: not one for each file).
pages: .venv/.everything
	@$(BUILD)
	$(BIN)/python -m pytest -q -n $(JOBS) --dist loadgroup -r fE -m browser

bench: .venv/.everything
	$(BIN)/alexnet bench

lab: .venv/.everything
	cd book && ../$(BIN)/jupyter lab

notebooks: .venv/.everything
	$(ALONE) $(BIN)/python tools/notebooks.py store
	$(BIN)/python tools/api.py store

update: .venv/.everything
	$(BIN)/python tools/locks.py --upgrade --resolution $(RESOLUTION)
	@echo 'The locks are new, and nobody has tried what they name. Now: make test'

clean:
	rm -rf _build .pytest_cache .ruff_cache .hypothesis

$(BIN)/python:
	@$(PYTHON) -c 'import sys; (3, 11) <= sys.version_info < (3, 14) or sys.exit( \
	  "Python 3.11, 3.12 or 3.13 is needed; this is %d.%d. Try: make book PYTHON=python3.12" % sys.version_info[:2])'
	$(PYTHON) -m venv .venv

# A stamp file stands for an install that is done, so that it is repeated only when its list changes.
# --require-hashes: pip takes no file whose sha256 is not in the list.
# --no-deps: the list is whole; older pips look for what it names once more, and find other versions of it.
.venv/.reading: $(BIN)/python locks/reading.txt
	@echo 'Installing what the pages need ...'
	@$(PIP) --no-deps --require-hashes -r locks/reading.txt
	@touch $@

# TORCH_INDEX, the address of another build of torch: its files have other sums, so the versions alone are held,
# and nothing but torch and torchvision is taken from there.
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
