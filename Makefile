# Two commands are all a newcomer needs: `make demo` and `make test`.
# Each does its own set-up: a virtual environment from the hash-locked requirements, and, for the
# tests, the system packages that real parts need (a browser, Chinese fonts, PostGIS).

PY ?= python3
VENV := .venv
BIN := $(VENV)/bin
UV := $(BIN)/uv
STAMP := $(VENV)/.locked
OUT ?= out
VIEWER := maps/viewer/dist/index.html

.PHONY: demo viewer test serve lint bench soak docs pictures lock clean

demo: $(STAMP)
	$(BIN)/wangge demo -o $(OUT)/demo

test: $(STAMP) $(VIEWER) system-packages
	$(BIN)/python -m pytest -q -n 2 --dist worksteal

serve: demo $(VIEWER)
	$(BIN)/wangge serve $(OUT)/demo/town.gpkg $(OUT)/demo/plan.gpkg $(OUT)/demo/coverage.gpkg

viewer: $(VIEWER)

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(STAMP)
	$(UV) pip install -q --compile-bytecode --python $(BIN)/python --group bench
	for name in grids_town grids_prefecture grids_cut grids_edit grids_redraw grids_peers walking siting whatif serving households reading; do $(BIN)/python benchmarks/$$name.py || exit 1; done
	$(BIN)/python benchmarks/serving.py --database postgis

soak: $(STAMP) $(VIEWER) system-packages
	$(BIN)/python -m pytest -q -m soak -o addopts="--strict-markers"

# Renew the pictures of the READMEs after a change of the page.
pictures: $(STAMP) $(VIEWER) system-packages
	WANGGE_PICTURES=1 $(BIN)/python -m pytest -q tests/project/test_wheel.py -k picture

docs: $(STAMP)
	$(BIN)/python -m pytest -q tests/project/test_docs.py

# For maintainers: resolve the dependencies anew.  The lock holds names, versions and hashes, no address.
lock: $(STAMP)
	$(UV) pip compile --universal --no-header --generate-hashes --python-version 3.11 \
	  --group dev --upgrade pyproject.toml -o requirements.lock

$(STAMP): requirements.lock pyproject.toml
	@$(PY) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Wangge needs Python 3.11 or later; $(PY) is older. Set PY=python3.12 or similar."; exit 1; }
	test -x $(BIN)/python || $(PY) -m venv $(VENV)
	test -x $(UV) || $(BIN)/python -m pip install -q uv==0.13.9
	$(UV) pip sync -q --python $(BIN)/python --require-hashes --compile-bytecode requirements.lock
	$(UV) pip install -q --python $(BIN)/python --no-deps --no-build-isolation -e .
	touch $@

# The web page is built by the Node.js that the environment brings along.
$(VIEWER): $(STAMP) $(wildcard maps/viewer/src/* maps/symbols/*.svg) maps/frame.css $(addprefix maps/viewer/,index.html package-lock.json vite.config.ts tsconfig.json) maps/tokens.css
	$(BIN)/python maps/viewer/build.py

.PHONY: system-packages
system-packages:
	@./.ci/system-packages

clean:
	rm -rf $(OUT) .pytest_cache .mypy_cache .ruff_cache .hypothesis
