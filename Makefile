# HOST is not taken from the environment: some shells export it as the machine's
# name, and the demo would then listen to the whole network.
HOST = 127.0.0.1
PORT ?= 8000
DATA ?= ./data
VENV ?= .venv
ARGS ?=
export VENV

BENCHMARKS := $(sort $(wildcard benchmarks/*.py))

.DEFAULT_GOAL := help
.PHONY: help run test bench mutate reference lock clean

help: ## List these commands
	@sed -n 's/^\([a-z]*\): ## \(.*\)/  make \1\t\2/p' Makefile | expand -t 16

run: ## Set up what is missing, then serve the demo (PORT=, DATA=, HOST=)
	@tools/setup.sh run
	@exec "$(VENV)/bin/discreet" demo --data "$(DATA)" --host "$(HOST)" --port "$(PORT)"

test: ## Set up what tests need, then format, lint, types, imports and tests (ARGS= for pytest)
	@tools/setup.sh test
	@tools/check.sh $(ARGS)

bench: ## Run every benchmark, one after the other
	@tools/setup.sh test
	@for file in $(BENCHMARKS); do echo "── $$file"; "$(VENV)/bin/python" -m "benchmarks.$$(basename "$$file" .py)" || exit 1; done

mutate: ## Break anonymizer/ in every known way and see what its tests let pass (ARGS= for a part)
	@VENV=.venv-mutation tools/mutate.sh $(ARGS)

reference: ## Write docs/reference from the code
	@tools/setup.sh test
	@"$(VENV)/bin/python" -m tools.reference

lock: ## Resolve the dependencies anew: requirements/*.txt and docs/licences.md
	@tools/setup.sh test
	@tools/lock.sh
	@tools/setup.sh test
	@"$(VENV)/bin/python" tools/licences.py >docs/licences.md

clean: ## Remove the virtual environment and every cache (not the data)
	@rm -rf "$(VENV)" .venv-mutation .mutation build *.egg-info .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	@find anonymizer clickhouse_http collector dashboards people tests benchmarks tools -name __pycache__ -prune -exec rm -rf {} +
