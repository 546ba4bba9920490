# `make help` lists what there is. The only things needed beforehand: Python 3.11 or later, make.
PYTHON ?= python3
BIN := .venv/bin
# Of the suite: one more than two cores, since tests that start processes wait more than they compute.
WORKERS ?= 3
export PIP_DISABLE_PIP_VERSION_CHECK := 1
# What is compiled is kept, whatever the caller's environment says: each worker of the suite, and each
# process that a test starts, would compile all of it again.
export PYTHONDONTWRITEBYTECODE :=

# What `make coverage` runs: enough for every branch, and no more.
COVERING := $(filter-out tests/nexio/test_reply_properties.py,$(wildcard tests/nexio/test_*.py)) \
	tests/models/test_run.py tests/models/test_many_rows.py \
	tests/services/test_run_life.py tests/services/test_claims.py \
	tests/services/test_outcomes.py tests/services/test_outcomes_of_polls.py \
	tests/services/test_answers_together.py tests/services/test_settling.py \
	tests/services/test_refused_keys.py tests/services/test_submission.py \
	tests/services/test_operations_acts.py

.DEFAULT_GOAL := help
.PHONY: help run install install-dev test test-rest check format lock upgrade sbom demo-reset screenshots migrate bench chaos coverage

help: ## List these targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  %-14s %s\n", $$1, $$2}'

run: .venv/runtime.stamp ## Install what is missing and run the app: sandbox, web server, worker
	@exec $(BIN)/python manage.py start

install: .venv/runtime.stamp ## Install what running needs into .venv

install-dev: .venv/dev.stamp ## Install what testing needs as well

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or later is needed; say PYTHON=python3.12 make run")'
	@trap : INT TERM; $(PYTHON) -m venv .venv || { rm -rf .venv; exit 1; }

.venv/runtime.stamp: requirements.txt | .venv/bin/python
	@echo "Installing into .venv (once, a minute or two) ..."
	@$(BIN)/python -m pip install --quiet --require-hashes -r requirements.txt
	@touch $@

.venv/dev.stamp: requirements-dev.txt | .venv/bin/python
	@echo "Installing into .venv (once, a minute or two) ..."
	@$(BIN)/python -m pip install --quiet --require-hashes -r requirements-dev.txt
	@touch $@ .venv/runtime.stamp

test: .venv/dev.stamp ## Run the whole suite; TEST_DATABASE_URL chooses another database
	@$(BIN)/python -m pytest -n $(WORKERS) $(PYTEST_ARGS)

test-rest: .venv/dev.stamp ## Run what `make coverage` does not: both together are the whole suite
	@$(BIN)/python -m pytest -n $(WORKERS) $(COVERING:%=--ignore=%) $(PYTEST_ARGS)

coverage: .venv/dev.stamp ## Branch coverage of the wire and of the run's life; fails under 100 %
	@$(BIN)/python -m pytest -n $(WORKERS) $(COVERING) --cov --cov-report=term-missing:skip-covered

check: .venv/dev.stamp ## Format, lint, types, import rules, migrations complete, deployment checks
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy brokerportal quotes sandbox chaos bench tests
	@$(BIN)/lint-imports
	@$(BIN)/python manage.py makemigrations --check --dry-run
	@APP_ENV=production ALLOWED_HOSTS=portal.example.com NEXIO_API_KEY=nx_test_check SECRET_KEY=$$($(BIN)/python -c 'import secrets; print(secrets.token_urlsafe(60))') \
		DATA_KEYS=$$($(BIN)/python -c 'import secrets; print(secrets.token_urlsafe(32))') \
		$(BIN)/python manage.py check --deploy --fail-level WARNING

format: .venv/dev.stamp ## Format the code and mend what can be mended by itself
	@$(BIN)/ruff check --fix --quiet . || true
	@$(BIN)/ruff format .

migrate: .venv/runtime.stamp ## Bring the database up to date
	@$(BIN)/python manage.py migrate

screenshots: .venv/dev.stamp ## Take the pictures of README.md with a browser
	@$(BIN)/python manage.py take_screenshots

bench: .venv/dev.stamp ## Measure imports, replies, exports, pages, runs in flight; redraw docs/performance; BENCH_ARGS, WRITES_ARGS
	@$(BIN)/python -m bench --folder var/bench $(BENCH_ARGS)
	@$(BIN)/python -m bench.review_list --json var/bench/review_list.json
	@$(BIN)/python -m bench.pages --json var/bench/pages.json
	@$(BIN)/python -m bench.watching --folder var/bench $(WATCHING_ARGS)
	@$(BIN)/python -m bench.open_pages --folder var/bench
	@$(BIN)/python -m bench.writes --folder var/bench $(WRITES_ARGS)
	@$(BIN)/python -m bench.plots

chaos: .venv/dev.stamp ## 1,000 runs on each database while processes are killed, then the accounts; CHAOS_ARGS="--database sqlite"
	@$(BIN)/python -m chaos --folder var/chaos $(CHAOS_ARGS)

COMPILE := uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-header --no-strip-extras

lock: ## Resolve requirements*.in into the hashed locks (needs uv); what is pinned stays where it can
	$(COMPILE) requirements.in -o requirements.txt $(LOCK_ARGS)
	$(COMPILE) requirements-dev.in -o requirements-dev.txt $(LOCK_ARGS)

upgrade: ## Raise what is pinned to the newest releases that requirements*.in allow; ONLY=django raises one
	@$(MAKE) lock LOCK_ARGS="$(if $(ONLY),$(addprefix --upgrade-package ,$(ONLY)),--upgrade)"

sbom: .venv/dev.stamp ## Write the software bill of materials of the runtime to var/sbom.json (CycloneDX)
	@mkdir -p var
	@$(BIN)/cyclonedx-py requirements requirements.txt --pyproject pyproject.toml --output-reproducible --sv 1.6 -o var/sbom.json
	@echo "var/sbom.json: $$(grep -c purl var/sbom.json) components"

demo-reset: ## Throw the local demo database away
	rm -f var/brokerportal.sqlite3* var/sandbox.sqlite3*
