# The development workflow, one word each. `make` alone lists them.

PYTHON ?= python3
ARGS ?=
BIN := .venv/bin

# A stamp is named after what it was made from, so an edited setup.cfg, new pins or a moved folder
# install again, and a warm start only looks at one file.
WANTED := $(shell (pwd; cat setup.cfg pyproject.toml constraints.txt) | cksum | cut -d' ' -f1)
BENCH := .venv/.installed-bench-$(WANTED)
# The development environment can also run the product, and that with the peers does both: no second install.
DEV := $(or $(wildcard $(BENCH)),.venv/.installed-dev-$(WANTED))
RUN := $(or $(wildcard $(DEV)),.venv/.installed-run-$(WANTED))

.DEFAULT_GOAL := help
.PHONY: help install run test check bench bench-matching bench-polling bench-channels bench-outbox peers oracle chaos kills
.PHONY: storms powercuts drifts fuzz tampering format
.PHONY: constraints chromium dovecot clean

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## /  make \1|/p' $(MAKEFILE_LIST) | column -t -s '|' 2>/dev/null || \
	sed -n 's/^\([a-z-]*\):.*## /  make \1  /p' $(MAKEFILE_LIST)
	@echo
	@echo '  PYTHON=python3.12 chooses the interpreter; ARGS="..." is passed on: make test ARGS="-k outbox"'

install: $(RUN) ## make the environment in .venv, and nothing else

run: $(RUN) ## start the demonstration: portals, worker, web (Ctrl-C stops all)
	@exec $(BIN)/motmoi demo $(ARGS)

# Three for two cores: tests wait for leases to run out, for browsers and for processes of their own.
test: $(DEV) chromium dovecot ## the whole suite, on SQLite and PostgreSQL
	$(BIN)/python -m pytest -n 3 --dist loadfile --no-loadscope-reorder $(ARGS)

check: $(DEV) ## style, types and the import rule
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(DEV) ## measure against the goals in tests/benchmarks
	$(BIN)/python -m tests.benchmarks.run $(ARGS)

bench-matching: $(DEV) peers ## measure how well and how fast reports of one problem are found
	$(BIN)/python -m tests.benchmarks.matching $(ARGS)

bench-polling: $(DEV) peers ## measure what reading a portal costs, beside a Singer tap and dlt
	$(BIN)/python -m tests.benchmarks.polling $(ARGS)

bench-channels: $(DEV) ## 500 channels a minute on four workers that get killed, on PostgreSQL
	$(BIN)/python -m tests.benchmarks.many_channels $(ARGS)

bench-outbox: $(DEV) ## how fast answers leave, what finding the next costs, and whether portals' rates are kept
	$(BIN)/python -m tests.benchmarks.outbox $(ARGS)

# What the rule is measured beside; nothing else needs it. A peer that is missing is named in the table.
peers:
	@[ -f '$(BENCH)' ] || sh .ci/install '$(PYTHON)' '.[test,lint,bench]' '$(BENCH)' || \
	echo 'Some peers could not be installed: the figures follow without them.'

oracle: $(DEV) ## ask engine and minute-by-minute oracle for a million deadlines
	$(BIN)/python -m tests.oracle.compare $(ARGS)

chaos: $(DEV) ## kill -9 fifty workers in mid work and count what is left
	$(BIN)/python -m tests.chaos.killing $(or $(ARGS),50)

storms: $(DEV) ## 10,000 answers to five portals over 30 days of outages and faults: each arrives once, in order
	$(BIN)/python -m tests.storms.storm $(ARGS)

tampering: $(DEV) ## change a real ledger in 10,000 ways: the stand-alone verifier finds and places each
	$(BIN)/python -m tests.tampering $(ARGS)

kills: $(DEV) ## kill -9 ten thousand processes on SQLite and a thousand on PostgreSQL, its server too, and count
	$(BIN)/python -m tests.chaos.campaign $(or $(ARGS),10000)
	$(BIN)/python -m tests.chaos.campaign $(or $(ARGS),1000) --postgres

powercuts: $(DEV) ## cut the power between any two writes to SQLite, a hundred thousand times, and count what is left
	$(BIN)/python -m tests.powercut.campaign $(ARGS)

drifts: $(DEV) ## change the form of every simulated portal in 200 ways and see that no poll falls silent
	$(BIN)/python -m tests.drifts.polling $(ARGS)

fuzz: $(DEV) ## a million mutated payloads over every parser: nothing may come of them but values and our own errors
	$(BIN)/python -m tests.fuzz $(ARGS)

format: $(DEV) ## put the code into the house style
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

constraints: ## renew constraints.txt (on Debian 12: see its first lines)
	sh .ci/freeze

clean: ## remove the environment and all caches; data in var/ stays
	rm -rf .venv build *.egg-info artifacts .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/.installed-run-%:
	@sh .ci/install '$(PYTHON)' '.' '$@'

.venv/.installed-dev-%:
	@sh .ci/install '$(PYTHON)' '.[test,lint]' '$@'

# The browser tests drive Debian's Chromium. Without it they are skipped (and with CI=true fail).
chromium:
	@command -v chromium >/dev/null && exit 0; \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	  echo 'Installing Chromium for the browser tests ...'; \
	  { apt-get update -qq && DEBIAN_FRONTEND=noninteractive \
	    apt-get install -y -qq --no-install-recommends chromium fonts-dejavu-core; } >/dev/null 2>&1; \
	fi; \
	command -v chromium >/dev/null || \
	echo 'No Chromium: the browser tests are skipped. To run them: apt-get install chromium'

# The mailbox connector is tested against Debian's Dovecot. Without it those tests are skipped likewise.
dovecot:
	@PATH="$$PATH:/usr/sbin"; command -v dovecot >/dev/null && exit 0; \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	  echo 'Installing Dovecot for the mailbox tests ...'; \
	  { apt-get update -qq && DEBIAN_FRONTEND=noninteractive \
	    apt-get install -y -qq --no-install-recommends dovecot-imapd; } >/dev/null 2>&1; \
	fi; \
	command -v dovecot >/dev/null || \
	echo 'No Dovecot: the mailbox tests are skipped. To run them: apt-get install dovecot-imapd'
