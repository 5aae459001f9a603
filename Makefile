# `make demo` and `make test` each work on a fresh clone.
.PHONY: help setup demo test ui clean

PYTHON ?= python3
UV := $(shell command -v uv 2>/dev/null || echo .uv/bin/uv)
BIN := .venv/bin

help: ## what there is to make
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 12

setup: .venv/.ready ## the locked dependencies in .venv

.venv/.ready: pyproject.toml uv.lock
	@test -x "$(UV)" || { $(PYTHON) -m venv .uv && .uv/bin/pip install --quiet uv; }
	@# Loading thousands of modules from source would cost every command some seconds.
	$(UV) sync --frozen --quiet --compile-bytecode
	@touch $@

demo: setup ## two nights of a made-up district over real HTTP, and what they did
	$(BIN)/roster demo

test: setup ## lint, types and all tests
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/pytest --numprocesses auto --dist worksteal

ui: setup ## the Dagster UI on http://127.0.0.1:3000 with the example sources
	$(BIN)/roster sandbox $(BIN)/dagster dev -w workspace.yaml -h 127.0.0.1 -p 3000

clean: ## everything that was produced, sources and their data excepted
	rm -rf .venv .uv .mypy_cache .pytest_cache .ruff_cache .hypothesis
