# One way to do each thing; `make help` lists them. Everything made lands in .venv and $(BUILD_DIR).
.DEFAULT_GOAL := help
.PHONY: help setup demo test slow chaos check format bench bench-week bench-full bench-code validate build deploy-local lock clean

BUILD_DIR ?= build
export BUILD_DIR
PYTHON_IN_VENV := .venv/bin/python

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-13s %s\n", $$1, $$2}' Makefile

setup: ## Make .venv from requirements.lock (uv if it is on PATH, else venv and pip)
	@sh scripts/setup.sh

demo: setup ## Play a day of traffic through the controller; TRACE=FILE.csv.gz plays a recording
	.venv/bin/icscaler demo --out "$(BUILD_DIR)/demo" $(if $(TRACE),--trace "$(TRACE)")

test: setup ## The one gate: format, lint, types, template lint, all fast tests
	@$(PYTHON_IN_VENV) scripts/gate.py

slow: setup ## The tests that `make test` leaves out: everything end to end on the subprocess runner too
	.venv/bin/pytest --quiet -m slow --numprocesses 2 --dist worksteal

chaos: setup ## Two hours of the demo under each fault switch, then 200 random mixes; resumable, takes hours
	$(PYTHON_IN_VENV) -m tests.chaos $(CHAOS)

check: setup ## The gate without the tests
	@$(PYTHON_IN_VENV) scripts/gate.py --no-tests

format: setup ## Format and fix what can be fixed
	.venv/bin/ruff format .
	.venv/bin/ruff check --fix .

bench: setup ## The claims of docs/benchmarks.md on a reduced grid: 15 minutes at most on 2 cores
	$(PYTHON_IN_VENV) -m benchmarks.sweeps reduced --minutes 14 --results "$(BUILD_DIR)/bench/reduced.jsonl"

bench-week: setup ## The whole week with few settings of each peer: an hour or two; goes on where it was interrupted
	$(PYTHON_IN_VENV) -m benchmarks.sweeps week

bench-full: setup ## The same on the full grid: many hours; goes on where it was interrupted
	$(PYTHON_IN_VENV) -m benchmarks.sweeps full

bench-code: setup ## Measure handlers, looks, decisions and wakes
	$(PYTHON_IN_VENV) -m benchmarks

validate: setup ## What needs more than Python: SAM, ASL, IAM and security checks
	@$(PYTHON_IN_VENV) scripts/validate.py

build: setup ## Package the application for AWS with SAM
	@$(PYTHON_IN_VENV) scripts/validate.py sam-build

deploy-local: setup ## Deploy, upgrade and delete with SAM on an emulator, and compare with the template
	@$(PYTHON_IN_VENV) scripts/deploy_local.py

lock: ## Resolve requirements.lock and the locks of scripts/tools; UPGRADE=1 renews the pins
	@sh scripts/lock.sh $(if $(UPGRADE),--upgrade)

clean: ## Remove everything that was made
	rm -rf .venv "$(BUILD_DIR)" .aws-sam .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name __pycache__ -type d -not -path './.git/*' -prune -exec rm -rf {} +
