# The verbs of this project; everything they need they install themselves (deploy/local/install.sh).
SHELL := /bin/bash
BIN := .venv/bin
.DEFAULT_GOAL := help
.PHONY: help install servers demo test faults trial fuzz client check format bench lock compose

help: ## this list
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## (.*)/\1\t\2/' | expand -t 10

install: ## everything into .venv, servers' programs where allowed; starts nothing
	@deploy/local/install.sh

servers: # install, and insist on PostgreSQL and Kafka
	@deploy/local/install.sh --servers

demo: servers ## the whole system with a simulated fleet; Ctrl-C stops it
	@$(BIN)/roadwatch up --demo

test: install ## all tests, on a real Kafka, a real PostGIS and in a real browser that they start themselves
	@deploy/local/install.sh --tests
	@deploy/local/test.sh

faults: servers ## the long fault campaign: a quarter of an hour of kills, zombies and outages under load (SEED=n repeats one)
	@$(BIN)/python -m tests.faults $(if $(SEED),--seed $(SEED))
	@$(BIN)/python -m tests.faults --transactional $(if $(SEED),--seed $(SEED))

trial: servers ## long trials: webhooks (20 kills, 100 endpoints of which three are ill) and streams (200 clients cut, 1,000 listening); a quarter of an hour
	@WEBHOOK_TRIAL=long STREAM_TRIAL=long $(BIN)/pytest -s --timeout 900 tests/api/test_webhook_process.py tests/api/test_stream_process.py

fuzz: servers ## the api asked with 50 generated inputs for each operation, role and mode; a quarter of an hour (SEED=n: others)
	@FUZZ_EXAMPLES=50 FUZZ_TIMEOUT_S=3600 $(if $(SEED),FUZZ_SEED=$(SEED)) $(BIN)/pytest -s tests/api/test_any_input.py

client: install ## a typed Python client of the api, generated from docs/openapi.json into .local/client
	@test -x .local/client-tool/bin/openapi-python-client || (.venv/bin/python -m venv .local/client-tool \
	  && .local/client-tool/bin/pip install -q --require-hashes -r deploy/client.lock)
	@rm -rf .local/client && mkdir -p .local/client
	@.local/client-tool/bin/openapi-python-client generate --path docs/openapi.json --meta none --config deploy/client.yaml --custom-template-path deploy/client-templates \
	  --output-path .local/client/roadwatch_client

check: install ## format, lint, types, import contracts; of the console, too
	@$(BIN)/ruff format --check services tests
	@$(BIN)/ruff check services tests
	@$(BIN)/mypy --strict services tests
	@$(BIN)/lint-imports
	@deploy/local/npm.sh run --silent lint
	@deploy/local/npm.sh run --silent types

format: install ## put the code into the house's format
	@$(BIN)/ruff format services tests
	@$(BIN)/ruff check --fix services tests

bench: servers ## the speed table, each figure beside its bare limit
	@$(BIN)/roadwatch bench

lock: export PATH := $(CURDIR)/$(BIN):$(PATH)
lock: install ## resolve the dependencies anew into requirements.lock
	@uv pip compile -q --upgrade --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links \
	  --no-annotate --no-header --group dev --group demo --group servers --group build pyproject.toml -o requirements.lock
	@uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links \
	  --no-annotate --no-header --group demo --group build -c requirements.lock pyproject.toml -o deploy/requirements.lock

compose: ## the demo in Docker instead
	@deploy/compose-env.sh
	@docker compose --profile demo up --build
