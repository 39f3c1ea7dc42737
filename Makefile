# Everything works in .venv, which is made here.  `make demo` and `make test` are all that a fresh machine needs.
PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip install --disable-pip-version-check --quiet

.PHONY: demo test check test-gym test-load test-vllm lock clean

.venv/run.stamp: locks/run.txt pyproject.toml
	$(PYTHON) -m venv .venv
	@echo "installing starbeam into .venv; this takes a minute or two, once"
	$(PIP) -r locks/run.txt
	$(PIP) --no-deps --editable .
	@touch $@

.venv/dev.stamp: .venv/run.stamp locks/dev.txt
	@echo "installing the tests' tools into .venv, once"
	$(PIP) -r locks/dev.txt
	@touch $@

.venv/gym.stamp: .venv/dev.stamp locks/gym.txt
	@echo "installing reasoning-gym into .venv, once; it compiles C"
	$(PIP) -r locks/gym.txt
	@touch $@

demo: .venv/run.stamp  ## build the embedded default into runs/demo and show what it built
	$(BIN)/starbeam build recipes/demo.toml --out runs/demo
	$(BIN)/starbeam show runs/demo --rows 1 --source arithmetic --label self_correction

test: .venv/dev.stamp  ## the fast suite
	$(BIN)/python -m pytest -n 2 --dist worksteal -m "not gym and not load and not vllm"

test-gym: .venv/gym.stamp  ## every task of the optional reasoning-gym library
	$(BIN)/python -m pytest -m gym

test-load: .venv/dev.stamp  ## whole runs against a server that is slow, faulty, hostile or gone; minutes
	$(BIN)/python -m pytest -m load

# An environment of its own: vLLM's pins and locks/run.txt do not agree.  Status 3 of its maker: no build for this machine.
test-vllm:  ## real vLLM on the CPU, in the process and as a server; minutes
	@PYTHON=$(PYTHON) .ci/vllm-environment || { status=$$?; test $$status -eq 3 || exit $$status; }
	@test ! -f .venv-vllm/stamp || .venv-vllm/bin/python -m pytest -m vllm tests/vllm

check: .venv/dev.stamp  ## style, types, imports, file sizes
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest -q tests/test_file_sizes.py

# Needs uv.  The three files agree: each is compiled with the one before as its constraint.
lock:
	uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --upgrade -o locks/run.txt
	uv pip compile pyproject.toml --group dev --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --upgrade -c locks/run.txt -o locks/dev.txt
	uv pip compile pyproject.toml --group dev --extra gym --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --upgrade -c locks/dev.txt -o locks/gym.txt

clean:
	rm -rf .venv .venv-vllm build runs *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
