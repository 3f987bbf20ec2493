# `make run`, `make test` and `make up` set up what they need; README.md says what they do.

.PHONY: run test up lint bench lock environment

PYTHON := $(shell for python in $(PYTHON) python3 python3.13 python3.12 python3.11; do \
	if $$python -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null; \
	then echo $$python; break; fi; done)
ifeq ($(PYTHON),)
$(error Tamis needs Python 3.11, 3.12 or 3.13, and found none of them. Install one (Debian: apt install python3 python3-venv; macOS: brew install python@3.13), or name it: make PYTHON=/path/to/python3)
endif

IN := .venv/bin/python -m

run: environment
	@$(IN) assets.run $(if $(HUB),--hub "$(HUB)") $(if $(SOURCES),--sources "$(SOURCES)") $(if $(LIMIT),--limit "$(LIMIT)")

test: environment
	@$(IN) pytest -n auto --dist worksteal -q $(TESTS)

up: environment
	@$(IN) assets.up

lint: environment
	@$(IN) ruff check .
	@$(IN) ruff format --check .
	@$(IN) mypy

# make bench [NAME] [DATA=FOLDER]
ifeq ($(firstword $(MAKECMDGOALS)),bench)
NAME := $(word 2,$(MAKECMDGOALS))
.PHONY: $(NAME)
$(NAME):
	@:
endif
bench: environment
	@$(IN) bench $(NAME) $(if $(DATA),--data "$(DATA)")

# Writes requirements.lock anew from the ranges in pyproject.toml.
lock:
	@$(PYTHON) scripts/lock.py

environment:
	@$(PYTHON) scripts/environment.py
