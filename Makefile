# Kvark in two words: `make run` serves on 127.0.0.1:6379 with its data in ./data, `make test` runs every test.
# Everything lives in .venv and target/; a stamp file stands for each step, so nothing is built twice.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
CARGO_TARGET_DIR ?= target
export CARGO_TARGET_DIR
export VIRTUAL_ENV := $(CURDIR)/$(VENV)
unexport CONDA_PREFIX

RUST_SOURCES := $(shell find crates -name '*.rs' -o -name Cargo.toml) Cargo.toml Cargo.lock pyproject.toml
PYTHON_CHECKED := python bench tests examples

.PHONY: run test test-rust test-python check bench long fuzz lock clean

run: $(VENV)/.built
	@$(BIN)/python -m kvark serve --dir ./data

test: test-rust test-python

test-rust:
	cargo test --workspace --locked

test-python: $(VENV)/.built
	$(BIN)/python -m pytest

check: $(VENV)/.built
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- -D warnings
	$(BIN)/ruff format --check $(PYTHON_CHECKED)
	$(BIN)/ruff check $(PYTHON_CHECKED)
	$(BIN)/mypy --strict python/kvark
	$(BIN)/python -m mypy.stubtest kvark

# PEERS='--peer valkey=/path/to/valkey-server' adds servers to Debian's redis-server.
bench: $(VENV)/.built $(VENV)/.bench
	$(BIN)/python -m bench.wire $(PEERS)
	$(BIN)/python -m bench.embedded
	$(BIN)/python -m bench.inside

# The same tests with the counts of a long night.
long: export KVARK_LONG := 1
long: test

# Only the seeded and the fuzzing tests, for long.
fuzz: export KVARK_LONG := 1
fuzz:
	cargo test --locked --release -p kvark-protocol-resp -p kvark-rdb -p kvark-log-files -p kvark-keyspace -p kvark-tier-fjall -p kvark-sim

# Writes the pinned requirements again from the dependency groups of pyproject.toml.
lock: $(VENV)/.dev
	$(BIN)/pip install --quiet --disable-pip-version-check uv
	for group in dev bench; do \
		$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --no-annotate \
			--custom-compile-command 'make lock' --group $$group --output-file requirements/$$group.txt; \
	done

clean:
	rm -rf $(VENV) target bench/results .pytest_cache .mypy_cache .ruff_cache .hypothesis python/kvark/*.so
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/.dev: requirements/dev.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check -r requirements/dev.txt
	touch $@

$(VENV)/.bench: requirements/bench.txt $(VENV)/.dev
	$(BIN)/pip install --quiet --disable-pip-version-check -r requirements/bench.txt
	touch $@

$(VENV)/.built: $(VENV)/.dev $(RUST_SOURCES)
	$(BIN)/maturin develop --release --locked
	touch $@
