# make demo   build kinglet, fetch its models, index the handbook and answer a question about it
# make test   formatting, lints, tests, doc tests, examples
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.ONESHELL:
.PHONY: build demo test bench bench-dense

KINGLET := target/release/kinglet
QUESTION ?= How many passages does the model read?
# Where tests find the real models; what is missing there is fetched, and without a network those tests say that they were skipped.
export KINGLET_TEST_HOME ?= $(CURDIR)/target/test-home

build:
	scripts/build-tools.sh
	source scripts/build-env.sh
	cargo build --release --locked

demo: build
	$(KINGLET) models pull onnxruntime all-minilm-l6-v2 smollm2-135m-instruct
	$(KINGLET) index corpora/handbook --name handbook
	echo
	echo '$$ kinglet ask "$(QUESTION)" --name handbook'
	$(KINGLET) ask "$(QUESTION)" --name handbook

test:
	scripts/build-tools.sh
	source scripts/build-env.sh
	cargo fmt --check
	cargo clippy --all-targets --locked -- -D warnings
	cargo test --locked --no-run --lib --bins --tests --examples
	KINGLET_HOME="$$KINGLET_TEST_HOME" target/debug/kinglet models pull onnxruntime all-minilm-l6-v2 smollm2-135m-instruct ||
	  echo "SKIPPED: the models could not be fetched; tests that need them are skipped" >&2
	if cargo nextest --version >/dev/null 2>&1; then
	  cargo nextest run --locked --no-fail-fast
	else
	  cargo test --locked --no-fail-fast --lib --bins --tests
	fi
	cargo test --locked --doc
	for example in examples/*.rs; do
	  cargo run --quiet --locked --example "$$(basename "$$example" .rs)"
	done

bench: bench-dense

bench-dense:
	scripts/build-tools.sh
	source scripts/build-env.sh
	cargo bench --locked --bench dense
