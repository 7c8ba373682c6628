# Everything that is done with this repository is a target here; CI calls the
# same ones. `make help` lists them.
SHELL       := /bin/bash
.SHELLFLAGS := -euo pipefail -c
GO          ?= go
BIN         := bin/dray
CACHE       := .cache
VENV        := $(CACHE)/ray-venv
PYTHON      ?= python3
LINT        := $(GO) tool -modfile=.tools/go.mod golangci-lint
# The race detector needs a C compiler. In CI a missing one is a failure.
CC_FOUND    := $(shell command -v $$($(GO) env CC) 2>/dev/null)
RACE        := $(if $(CC_FOUND),-race,)
TESTFLAGS   ?= -timeout 15m
# What passed is left out of the output; what was skipped, and why, is not.
PASSED      := '^ *(=== |--- PASS|PASS$$|.*\[rapid\] OK)|no test files'
# Bubble Tea asks some terminals questions; tests must not depend on ours.
TEST        := TERM=screen-256color $(GO) test

.PHONY: all
all: fmt lint test build ## format, lint, test, build

.PHONY: run
run: build ## build, and open the dashboard
	@$(BIN)

.PHONY: build
build: ## build bin/dray
	@mkdir -p bin
	$(GO) build -o $(BIN) ./cmd/dray

.PHONY: test
test: compiler ## everything that needs no Ray
	$(TEST) $(RACE) $(TESTFLAGS) -v ./... | grep -vE $(PASSED)

.PHONY: compiler
compiler:
ifeq ($(CC_FOUND),)
	@if [ -n "$${CI:-}" ]; then echo "no C compiler: CI must run the race detector" >&2; exit 1; fi
	@echo "no C compiler here: the race detector is left out"
endif

.PHONY: test-ray
test-ray: build $(VENV)/.ready ## the suites against a real Ray head and dray serve, with Ray's own clients
	DRAY_RAY_PYTHON=$(abspath $(VENV))/bin/python DRAY_BIN=$(abspath $(BIN)) \
		$(TEST) -tags ray -count=1 -v -timeout 30m ./backend/conformance/... ./backend/packages/... ./backend/runtimeenv/... ./tui/submit/... -run 'Ray'

$(VENV)/.ready:
	@mkdir -p $(CACHE)
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/pip install --quiet --disable-pip-version-check "ray[default]" requests
	@touch $@

.PHONY: lint
lint: ## linters, formatting, module files, and a build for macOS
	$(LINT) run ./...
	$(LINT) run --build-tags ray ./backend/... ./tui/submit/...
	$(GO) mod tidy -diff
	GOOS=darwin $(GO) vet ./...
	GOOS=darwin CGO_ENABLED=0 $(GO) build -o /dev/null ./cmd/dray

.PHONY: fmt
fmt: ## format the code
	$(LINT) fmt ./...

.PHONY: tidy
tidy: ## tidy the module files
	$(GO) mod tidy

.PHONY: bench
bench: build ## speed beside other programs, in one table; BENCH=-quick for a look, -only GROUPS for a part
	$(GO) run ./cmd/bench -dray $(BIN) -cache $(CACHE)/bench $(if $(wildcard $(VENV)/.ready),-ray $(abspath $(VENV))/bin/python) $(BENCH)

.PHONY: soak
soak: ## a log of 10 GiB: flat memory, no slow screen (needs the room in TMPDIR)
	DRAY_SOAK=1 $(TEST) -run TestSoak -count=1 -v -timeout 30m ./tui/logstore

.PHONY: golden
golden: ## rewrite the golden frames; look at the difference
	$(TEST) $$($(GO) list -f '{{if or .TestGoFiles .XTestGoFiles}}{{.Dir}}{{end}}' ./tui/... | while read -r d; do [ -d "$$d/testdata" ] && echo "$$d"; done) -run . -update
	git diff --stat

.PHONY: fuzz
fuzz: ## each fuzz target for 30 seconds
	@for p in $$($(GO) list ./...); do for f in $$($(GO) test -list '^Fuzz' $$p | grep '^Fuzz' || true); do \
		echo "$$p $$f"; $(GO) test -run '^$$' -fuzz "^$$f$$" -fuzztime 30s $$p; done; done

.PHONY: cover
cover: ## coverage by package
	$(GO) test -cover ./...

.PHONY: keys
keys: build ## rewrite the README's table of keys
	@mkdir -p $(CACHE)
	@$(BIN) config keys > $(CACHE)/keys.md
	sed -i -e '/<!-- keys: begin -->/,/<!-- keys: end -->/{//!d}' -e '/<!-- keys: begin -->/r $(CACHE)/keys.md' README.md

.PHONY: screenshots
screenshots: build ## pictures of the real program, through a real terminal emulator
	$(GO) run ./cmd/screenshots -dray $(BIN) -cache $(CACHE)/screenshots -out screenshots

.PHONY: clean
clean: ## remove what was built
	rm -rf bin $(CACHE)

.PHONY: help
help: ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'
