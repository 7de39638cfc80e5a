# `make` lists the targets. Whatever takes more than a line or two is in scripts/.
.DEFAULT_GOAL := help
SHELL := /bin/sh
PORT ?= 8420
DATA ?= var/dev
python := .venv/bin/python

.PHONY: help
help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: setup
setup: ## everything for working on Bursar, into .venv
	@scripts/setup dev

.PHONY: run
run: ## Bursar with a bank simulator, on SQLite (PORT=8420 DATA=var/dev)
	@scripts/setup run
	@exec .venv/bin/bursar dev --port "$(PORT)" --data "$(DATA)"

.PHONY: test
test: ## the whole suite, against real servers
	@scripts/test

.PHONY: test-fast
test-fast: ## the suite without any server
	@scripts/setup dev
	@env -u CI $(python) -m pytest -m "not slow"

.PHONY: lint
lint: ## style, types and layers
	@scripts/setup dev
	.venv/bin/ruff check
	.venv/bin/ruff format --check
	.venv/bin/mypy
	.venv/bin/mypy scripts/service_kit
	.venv/bin/lint-imports

.PHONY: format
format: ## put the code into shape
	@scripts/setup dev
	.venv/bin/ruff check --fix
	.venv/bin/ruff format

.PHONY: bench
bench: ## measure Bursar beside pgbench
	@scripts/setup dev
	@$(python) scripts/services tools wrk pgbench
	@$(python) scripts/services run postgresql -- $(python) -m bench

.PHONY: faults
faults: ## the long form of the fault tests: crashes, lost replies
	@scripts/test -n 0 -m slow tests/faults

.PHONY: fuzz
fuzz: ## the long form of the fuzz tests
	@scripts/test -n 0 -m slow tests/fuzz

.PHONY: lock
lock: ## write requirements/*.lock anew (UPGRADE=1: with the newest versions)
	@scripts/setup dev
	@scripts/lock $(if $(UPGRADE),--upgrade)

.PHONY: clean
clean: ## stop the servers; remove .venv, var and every cache
	-@python3 scripts/services down
	rm -rf .venv var dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .coverage
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
