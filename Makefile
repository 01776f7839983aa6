# Everything one does with this repository; `make help` lists it. PYTHON=… chooses the Python that .venv is made of.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

ARGS ?=
SEEDS ?= 1000
BIN := .venv/bin
PRODUCT := schemas kpis streams agents tenure
AUDIT := build/audit/stamp
LOCKS := requirements/installer.txt requirements/run.txt requirements/dev.txt
EXTRAS := $(addprefix --extra ,parquet avro duckdb gateway postgres mcp risk boards)
SBOM := --output-reproducible --output-format JSON --spec-version 1.6 --pyproject pyproject.toml requirements/run.txt
NATIVE := tools/build-native $(wildcard kpis/native/*.p*)
RUN := .venv/run.stamp
VENV := .venv/all.stamp
DEV := .venv/dev.stamp
# Where tests are that need the machine to themselves, marked `alone`. All others run side by side.
ALONE := tests/integration tests/chaos
CHECKS := check-lint check-format check-types check-layers check-spelling check-dependencies check-documents check-tidy

.PHONY: help demo test check $(CHECKS) test-fast test-serial chaos soak fuzz mutants simulate up down bench rivals wheel sbom audit format documents site services bands lock clean

help: ## Print this list.
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 26

demo: $(RUN) ## Run the stream on an invented company, with live KPIs and /metrics; ARGS="--help" lists its options.
	@$(BIN)/tenure demo $(ARGS) || [ $$? -eq 130 ] # Ctrl-C is how it ends, not how it fails.

test: services $(DEV) ## Install real Kafka, Redis and Prometheus where missing, then run all checks and all tests.
	@$(MAKE) check
	@$(MAKE) test-fast
	@$(MAKE) test-serial

check: $(DEV) ## Lint (with docstrings), format, types, layers, spelling, dependencies, generated documents, the code's own rules.
	@$(MAKE) -j2 --keep-going --output-sync=target $(CHECKS)

check-lint: $(DEV) ## Check the code with ruff.
	@$(BIN)/ruff check --quiet .

check-format: $(DEV) ## Check the code's format.
	@$(BIN)/ruff format --quiet --check . || { echo 'run: make format'; exit 1; }

check-types: $(DEV) ## Check the types of product and tests.
	@$(BIN)/mypy --no-error-summary $(PRODUCT) docgen services devstack monitoring tests docs/images/terminal.py

check-layers: $(DEV) ## Check that each room imports only the rooms to its right.
	@PYTHONPATH=. $(BIN)/lint-imports --no-cache >build/layers.log || { cat build/layers.log; exit 1; }

check-spelling: $(DEV) ## Check the spelling.
	@$(BIN)/codespell

check-dependencies: $(DEV) ## Check that what is imported is declared, and the other way round.
	@$(BIN)/deptry . >build/dependencies.log 2>&1 || { cat build/dependencies.log; exit 1; }

check-documents: $(DEV) ## Check that generated documents are those that the code would generate.
	@$(BIN)/python -m docgen --check
	@$(BIN)/python -m monitoring.rules --check
	@$(BIN)/python -m monitoring.dashboards --check

check-tidy: $(DEV) ## Check the code's own rules, and the files of the deployment.
	@$(BIN)/pytest -q --no-header tests/tidy

test-fast: services $(DEV) ## Run the tests that may run side by side.
	@$(BIN)/pytest -q --no-header -n 2 --dist worksteal -m "not alone" --ignore=tests/tidy $(ARGS)

test-serial: services $(DEV) ## Run the tests that need the machine to themselves.
	@$(BIN)/pytest -q --no-header -m alone $(ALONE) $(ARGS)

chaos: services $(DEV) ## Break 100 things on three brokers and a Redis Cluster under load, and hold the numbers against a recount; ARGS="--help".
	@exec $(BIN)/python -m tests.chaos.run $(ARGS)

soak: services $(DEV) ## Run two hours at half the load with a kill a minute, and see that memory stays flat; ARGS="--minutes 5".
	@exec $(BIN)/python -m tests.chaos.soak $(ARGS)

fuzz: $(DEV) ## Read millions of hostile records, guided by coverage, and the native part under sanitizers; ARGS="--help".
	@tools/fuzz $(ARGS)

mutants: services $(DEV) ## Try the tests with a sample of mutants of the fold and of the commit path; ARGS="--help". It takes long.
	@$(BIN)/python tools/mutants.py $(ARGS)

simulate: $(DEV) ## Run the product under faults, simulated, from SEEDS seeds (1000) that no test tries, on all cores; ARGS="--help".
	@$(BIN)/python -m tests.simulation --seeds $(SEEDS) $(ARGS)

up: services $(DEV) ## Run Kafka, Redis, two workers, Prometheus, Alertmanager and an invented company until Ctrl-C; ARGS="--help".
	@exec $(BIN)/python -m devstack $(ARGS)

down: $(DEV) ## End what `make up` runs, from another terminal; ARGS="--folder PATH" if it has one of its own.
	@$(BIN)/python -m devstack --down $(ARGS)

bench: services $(DEV) ## Measure the reference job beside its peers, in one run.
	@exec $(BIN)/python -m bench $(ARGS)

rivals: services $(DEV) ## Measure the worker beside Kafka Streams, Flink and Bytewax, which are installed first; ARGS="--help".
	@tools/install-rivals
	@exec $(BIN)/python -m bench.rivals $(ARGS)

wheel: $(DEV) ## Build the wheel into build/wheel: the same sources and compiler make the same bytes.
	@$(BIN)/python -m hatchling build -t wheel -d build/wheel

sbom: $(AUDIT) ## Write build/sbom.json, the bill of materials of the product's locked requirements (CycloneDX).
	@build/audit/bin/cyclonedx-py requirements $(SBOM) -o build/sbom.json 2>build/sbom.log || { cat build/sbom.log; exit 1; }
	@build/audit/bin/cyclonedx-py requirements $(SBOM) 2>/dev/null | cmp - build/sbom.json # made twice, it is the same

audit: $(AUDIT) ## Look for known vulnerabilities in the locked requirements; needs the network: it asks an advisory database.
	@build/audit/bin/pip-audit --strict --progress-spinner off --disable-pip --require-hashes -r requirements/run.txt -r requirements/native.txt

format: $(DEV) ## Format the code and mend what ruff can mend.
	@$(BIN)/ruff format --quiet .
	@$(BIN)/ruff check --quiet --fix .

documents: $(DEV) ## Generate the generated documents anew.
	@$(BIN)/python -m docgen
	@$(BIN)/python -m monitoring.rules --write
	@$(BIN)/python -m monitoring.dashboards --write

site: $(DEV) ## Build the documentation site into build/site, strictly, and follow its links.
	@$(BIN)/python -m docgen.site $(ARGS)

services: ## Install the real servers that the tests need, where missing.
	@tools/install-services

bands: $(DEV) ## Simulate 40 noisy years of a company, and print how often bands call for nothing, or miss a shift.
	@$(BIN)/python -m tests.monitoring.band_years $(ARGS)

lock: $(DEV) ## Choose the newest versions that pyproject.toml allows, for all machines.
	@echo uv | $(BIN)/uv pip compile --quiet --upgrade --generate-hashes --no-header --no-annotate - -o requirements/installer.txt
	@$(BIN)/uv pip compile --quiet --upgrade --universal --generate-hashes --no-header $(EXTRAS) pyproject.toml -o requirements/run.txt
	@$(BIN)/uv pip compile --quiet --upgrade --universal --generate-hashes --no-header --group native -o requirements/native.txt
	@$(BIN)/uv pip compile --quiet --upgrade --universal --generate-hashes --no-header --group audit -o requirements/audit.txt
	@$(BIN)/uv pip compile --quiet --upgrade --universal --generate-hashes --no-header --group fuzz -o requirements/fuzz.txt
	@$(BIN)/uv pip compile --quiet --upgrade --universal --generate-hashes --no-header $(EXTRAS) --group dev -c requirements/run.txt pyproject.toml -o requirements/dev.txt

clean: ## Remove what the other targets made.
	@rm -rf .venv build .mypy_cache .ruff_cache .pytest_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(AUDIT): requirements/audit.txt
	@$(or $(PYTHON),python3) -m venv --clear build/audit
	@build/audit/bin/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements/audit.txt
	@touch $@

$(RUN): $(LOCKS) pyproject.toml tools/make-venv
	@tools/make-venv run
	@touch $@

$(VENV): $(LOCKS) pyproject.toml tools/make-venv
	@tools/make-venv dev
	@mkdir -p build
	@touch $(RUN) $@

# The environment and, where its sources are newer, the compiled fold.
$(DEV): $(VENV) $(NATIVE)
	@tools/build-native
	@touch $@
