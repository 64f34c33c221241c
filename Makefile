# The few commands a person types. Each sets up what it lacks first; `tools/` holds the work.

.DEFAULT_GOAL := help
.PHONY: help setup build lab dev test test-guests bench pictures install clean

# Options for the lab, e.g. make lab LAB="--guests 5 --forward-policy accept"
LAB ?=
PREFIX ?= /usr/local
DESTDIR ?=

help: ## This list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

setup: ## Install what is missing: Debian packages, the Rust toolchain with its wasm32 half, wasm-opt
	@tools/setup

build: setup ## Build the program and its site into target/
	@tools/build

lab: build ## A private network with real guests, and the dashboard on http://127.0.0.1:3000
	@tools/lab $(LAB)

dev: setup ## The lab, built and started again whenever a source file changes
	@tools/dev $(LAB)

test: ## Format, lints, docs, tests, the lab, two guests with systems of their own, the browser
	@tools/setup tests
	@tools/test

test-guests: ## What is set inside guests, on every system that is known
	@tools/setup tests
	@tools/build
	@tools/test guests

bench: ## Measure, and print the table that README shows
	@tools/setup tests
	@tools/build
	@tools/bench

pictures: ## Take README's pictures anew, from a lab
	@tools/setup tests
	@tools/build
	@tools/lab run -- node end2end/pictures.mjs

install: build ## Install program, site and systemd unit below PREFIX (/usr/local)
	install -D -m 755 target/release/bridgehead $(DESTDIR)$(PREFIX)/bin/bridgehead
	cd target/site && find . -type f ! -name '.*' -exec install -D -m 644 {} $(DESTDIR)$(PREFIX)/share/bridgehead/site/{} \;
	install -d $(DESTDIR)$(PREFIX)/lib/systemd/system
	sed 's|@PREFIX@|$(PREFIX)|' server/bridgehead.service >$(DESTDIR)$(PREFIX)/lib/systemd/system/bridgehead.service

clean: ## Remove everything that was built, the tools too
	rm -rf target .tools end2end/node_modules end2end/results
