# Each target sets up what it needs: a fresh Debian or Ubuntu with Python 3.11, make and apt is enough.
SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.PHONY: help demo app test test-all check bench clean

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
SYSTEM := $(VENV)/.system

# What the Qt wheels load from the system, and a display for machines without one.
PACKAGES := libdbus-1-3 libegl1 libfontconfig1 libgl1 libglib2.0-0 libopengl0 libxcb-cursor0 libxcb-icccm4 \
	libxcb-image0 libxcb-keysyms1 libxcb-render-util0 libxcb-shape0 libxcb-xinerama0 libxkbcommon-x11-0 xauth xvfb

# A window needs a display: the one that is there, or one made for the run. macOS always has its own.
DISPLAYED = $(if $(or $(DISPLAY),$(WAYLAND_DISPLAY),$(filter Darwin,$(shell uname))),,xvfb-run -a)

# Install those of the named Debian packages that are missing.
define install
	missing=; \
	if ! command -v apt-get >/dev/null; then \
		echo "no apt-get here; if a library is missing later, install what your system calls: $(1)" >&2; exit 0; \
	fi; \
	for name in $(1); do \
		dpkg -s "$$name" 2>/dev/null | grep '^Status: .* installed$$' >/dev/null || missing="$$missing $$name"; \
	done; \
	if [ -z "$$missing" ]; then exit 0; fi; \
	if [ "$$(id -u)" = 0 ]; then as_root=; \
	elif command -v sudo >/dev/null; then as_root=sudo; \
	else echo "these packages are needed; install them as root: apt-get install$$missing" >&2; exit 1; fi; \
	$$as_root apt-get update -q; \
	$$as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $$missing
endef

help:  ## what can be made
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

demo: $(READY)  ## the main job end to end, with pictures, in ./demo; needs no data
	$(BIN)/medsynth demo --overwrite

app: $(READY) $(SYSTEM)  ## napari with a made scan and the Tumors panel
	@$(BIN)/python -c "import napari; \
	viewer = napari.Viewer(); \
	viewer.open_sample('napari-medsynth', 'thorax'); \
	viewer.window.add_plugin_dock_widget('napari-medsynth', 'Tumors'); \
	napari.run()"

test: $(READY) $(SYSTEM)  ## the tests, without the slow ones
	$(DISPLAYED) $(BIN)/python -m pytest -m "not slow"

test-all: $(READY) $(SYSTEM)  ## all tests
	$(DISPLAYED) $(BIN)/python -m pytest

check: $(READY)  ## lint, format, types, import contracts, plugin manifest
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/npe2 validate src/napari_medsynth/napari.yaml

bench: $(READY)  ## every benchmark in turn; each prints a table
	@for script in $$(grep -l __main__ benchmarks/*.py); do echo "== $$script"; $(BIN)/python "$$script"; done

clean:  ## remove the environment, caches and what the demo made
	rm -rf $(VENV) demo build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find src tests benchmarks -name __pycache__ -prune -exec rm -rf {} +

$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "Python 3.11 or newer is needed; $(PYTHON) is $$($(PYTHON) --version 2>&1);" \
			"name another one with: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 1; }
	@if ! $(PYTHON) -c 'import ensurepip' 2>/dev/null; then \
		$(call install,$(shell $(PYTHON) -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')); fi
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -q --disable-pip-version-check -c constraints.txt -e ".[all,dev]"
	@touch $@

$(SYSTEM): $(READY) Makefile
	@$(call install,$(PACKAGES))
	@touch $@
