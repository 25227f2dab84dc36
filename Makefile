# metachron: everything a newcomer or CI needs starts here. `make demo`, then `make test`.
PYTHON_VERSION ?= 3.12
VENV ?= .venv
TOOLS := .tools
UV := $(TOOLS)/bin/uv
BIN := $(VENV)/bin
STAN := .venv-bench
export UV_PYTHON_PREFERENCE ?= system
export UV_NO_PROGRESS ?= 1
export MPLBACKEND ?= agg

.PHONY: demo test test-slow lint docs bench bench-full lock clean

demo: $(VENV)/.core            ## install the core, forecast two example patients, fit a simulated trial: demo/*.html
	mkdir -p demo
	$(BIN)/metachron forecast examples/patients/mcrc --reference mcrc-ffcd --out demo/colorectal-start.html
	$(BIN)/metachron forecast examples/patients/mcrc --reference mcrc-ffcd --landmark-day 120 --horizon-day 485 --out demo/colorectal-later.html
	$(BIN)/metachron forecast examples/patients/nsclc --reference nsclc-2l-oak --out demo/lung-start.html
	$(BIN)/metachron demo --out demo

test: $(VENV)/.dev             ## the tests: under 12 minutes on 2 cores
	$(BIN)/pytest -n 2 --dist loadfile -m "not slow" tests

test-slow: $(VENV)/.dev        ## statistical checks: each says how long it takes
	$(BIN)/pytest -m slow -rs --durations=0 tests

lint: $(VENV)/.dev             ## style, types, room contract, spelling
	$(BIN)/ruff check . && $(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(BIN)/codespell

docs: $(VENV)/.dev             ## the documentation, tutorial executed
	$(BIN)/sphinx-build -W --keep-going -b html docs docs/_build/html

bench: $(VENV)/.dev $(STAN)/.installed       ## Stan and both engines, answers checked first: at most an hour on 2 cores
	$(BIN)/python -m benchmarks

bench-full: $(VENV)/.dev $(STAN)/.installed  ## the same and larger: hours; stopped, it goes on where it was
	$(BIN)/python -m benchmarks --full

lock:                          ## refresh the hashed locks (no registry address in them)
	$(MAKE) $(UV)
	$(UV) pip compile pyproject.toml --group test --group lint --group docs --universal --python-version 3.12 --generate-hashes --no-header --no-annotate -o requirements-lock.txt
	$(UV) pip compile pyproject.toml -c requirements-lock.txt --universal --python-version 3.12 --generate-hashes --no-header --no-annotate -o requirements-core-lock.txt
	$(UV) pip compile --group bench --no-deps --universal --python-version 3.12 --generate-hashes --no-header --no-annotate -o requirements-bench-lock.txt

clean:
	rm -rf $(VENV) $(STAN) $(TOOLS) demo docs/_build

$(UV):
	python3 -m venv $(TOOLS)
	$(TOOLS)/bin/python -m pip install --quiet --disable-pip-version-check uv

$(VENV)/bin/python: | $(UV)
	$(UV) venv --quiet --python $(PYTHON_VERSION) $(VENV)

$(VENV)/.core: requirements-core-lock.txt pyproject.toml | $(VENV)/bin/python
	$(UV) pip install --quiet --python $(BIN)/python --require-hashes -r requirements-core-lock.txt
	$(UV) pip install --quiet --python $(BIN)/python --no-deps --editable .
	touch $@

$(VENV)/.dev: requirements-lock.txt pyproject.toml | $(VENV)/bin/python
	$(UV) pip install --quiet --python $(BIN)/python --require-hashes -r requirements-lock.txt
	$(UV) pip install --quiet --python $(BIN)/python --no-deps --editable .
	touch $@ $(VENV)/.core

$(STAN)/.installed: requirements-bench-lock.txt | $(UV)
	$(UV) venv --quiet --clear --python $(PYTHON_VERSION) $(STAN)
	$(UV) pip install --quiet --python $(STAN)/bin/python --no-deps --require-hashes -r requirements-bench-lock.txt
	touch $@
