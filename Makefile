# make demo    build kinglet, fetch its models, index the handbook and answer questions about it
# make check   formatting, lints, spelling, licences
# make quick   unit tests and contracts, without models and network
# make test    everything that must pass: formatting, lints, all tests, doc tests, examples
# make fuzz    FUZZ_SECONDS of fuzzing for each family of formats and for filters
# make wheel   a Python wheel and an archive with the program, for Linux machines without a compiler
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.ONESHELL:
.PHONY: build demo check quick test fuzz wheel test-wheel book picture bench bench-answers bench-build bench-busy bench-checks bench-definitions bench-dense bench-documents bench-injection bench-quality bench-snippets bench-throughput bench-typed check-metrics check-comparison check-synthetic

KINGLET := target/release/kinglet
QUESTIONS ?= "What happens if I press Ctrl-C while indexing?" "Does kinglet send telemetry?" "Who won the football world cup in 2018?"
# Where judged collections in BEIR's layout are.
COLLECTIONS ?= ../shared/data/beir
# Where real files are, good and broken.
DOCUMENTS ?= ../shared/data/documents
# Where tests find the real models; what is missing there is fetched, and without a network those tests say that they were skipped.
export KINGLET_TEST_HOME ?= $(CURDIR)/target/test-home

build:
	scripts/build-tools.sh
	source scripts/build-env.sh
	scripts/build.py

demo: build
	$(KINGLET) models pull onnxruntime all-minilm-l6-v2
	$(KINGLET) index corpora/handbook --index handbook
	for question in $(QUESTIONS); do
	  echo
	  echo "$$ kinglet ask \"$$question\" --index handbook"
	  $(KINGLET) ask "$$question" --index handbook || [ $$? -eq 3 ] # 3: the documents do not say
	done
	printf '%s\n' "" "Now your own folder:" \
	  '  $(KINGLET) index ~/Documents' \
	  '  $(KINGLET) search "when does the lease end" --index Documents' \
	  '  $(KINGLET) ask "When does the lease end?" --index Documents'

check:
	scripts/build-tools.sh
	source scripts/build-env.sh
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- -D warnings
	scripts/check-with.sh typos typos
	scripts/check-with.sh cargo-deny cargo deny --log-level error check licenses bans sources

# Unit tests and contracts. Without models: tests that need them do nothing, and nothing is fetched.
quick:
	scripts/build-tools.sh
	source scripts/build-env.sh
	export KINGLET_TEST_HOME="$(CURDIR)/target/no-models" KINGLET_OFFLINE=1
	cargo test --workspace --locked --quiet --lib --bins --test architecture --test conformance --test documents --test handbook --test words

test: check
	source scripts/build-env.sh
	cargo test --workspace --locked --no-run --lib --bins --tests --examples
	KINGLET_HOME="$$KINGLET_TEST_HOME" target/debug/kinglet models pull onnxruntime all-minilm-l6-v2 splade-tiny smollm2-135m-instruct ||
	  echo "the models could not be fetched" >&2
	export KINGLET_TEST_SKIPPED="$(CURDIR)/target/skipped-tests"
	rm -f "$$KINGLET_TEST_SKIPPED"
	if cargo nextest --version >/dev/null 2>&1; then
	  cargo nextest run --workspace --locked --no-fail-fast
	else
	  cargo test --workspace --locked --no-fail-fast --lib --bins --tests
	fi
	cargo test --workspace --locked --doc
	for example in examples/*.rs; do
	  cargo run --quiet --locked --example "$$(basename "$$example" .rs)"
	done
	if [ -s "$$KINGLET_TEST_SKIPPED" ]; then
	  echo "SKIPPED: $$(wc -l < "$$KINGLET_TEST_SKIPPED") tests did nothing here:"
	  cat "$$KINGLET_TEST_SKIPPED"
	else
	  echo "no test was skipped"
	fi

# Needs a nightly compiler and cargo-fuzz.
FUZZ_SECONDS ?= 60
fuzz:
	scripts/fuzz.sh $(FUZZ_SECONDS) $(DOCUMENTS)

# A Python wheel and an archive, with checksums, in target/wheels.
wheel:
	scripts/build-tools.sh
	source scripts/build-env.sh
	scripts/build-wheel.sh

# The wheel in an empty virtual environment, without a compiler.
test-wheel:
	scripts/test-wheel.sh

# Each measurement is a section of docs/benchmarks.md.
REPORT := scripts/bench-report.py
bench: bench-build bench-busy bench-dense bench-documents bench-quality bench-throughput check-metrics check-comparison check-synthetic

# What building costs, from nothing and after a change of one line.
bench-build:
	scripts/build-tools.sh
	$(REPORT) "Building" -- scripts/bench-build.py

bench-dense:
	scripts/build-tools.sh
	source scripts/build-env.sh
	$(REPORT) "Exact search and the graph" -- cargo bench --locked --bench dense

# Questions per second of one, two and four callers.
bench-throughput: build
	source scripts/build-env.sh
	KINGLET_HOME="$$KINGLET_TEST_HOME" $(KINGLET) models pull onnxruntime all-minilm-l6-v2
	$(REPORT) "Questions per second" -- cargo bench --locked --bench throughput

# What is read of real files: share, headings of PDF, main text of web pages, encodings, breakdowns, memory, speed.
bench-documents: build
	$(REPORT) "Real files" -- python3 scripts/bench-documents.py $(KINGLET) $(DOCUMENTS)
	source scripts/build-env.sh
	export KINGLET_DOCUMENTS="$$(realpath $(DOCUMENTS))"
	$(REPORT) "Headings of PDF files" -- bash -o pipefail -c \
	  'cargo test --workspace --locked --lib headings_of_files_with_bookmarks -- --ignored --nocapture | grep "headings by layout"'
	$(REPORT) "Main text of web pages" -- python3 scripts/bench-web-pages.py $(DOCUMENTS)/web-pages $(KINGLET) inspect --text
	$(REPORT) "Encodings" -- python3 scripts/bench-encodings.py $(DOCUMENTS)/encodings $(KINGLET) inspect --text

# Answers to questions that nothing was tuned on. BEFORE is another kinglet to compare with; a GENERATOR of more than a few hundred
# million parameters takes an hour.
QUESTION_SETS ?= ../shared/data/qa
BEFORE ?=
GENERATOR ?=
bench-answers: build
	export KINGLET_HOME="$${KINGLET_HOME:-$$KINGLET_TEST_HOME}"
	$(KINGLET) models pull onnxruntime all-minilm-l6-v2 smollm2-135m-instruct $(GENERATOR)
	$(REPORT) "Answers" -- python3 scripts/bench-answers.py $(QUESTION_SETS) \
	  $(if $(BEFORE),$(BEFORE) --generator smollm2-135m-instruct -- $(BEFORE) --generator extractive --) \
	  $(KINGLET) -- $(KINGLET) --generator smollm2-135m-instruct $(if $(GENERATOR),-- $(KINGLET) --generator $(GENERATOR))

# The checks of answers against labelled claims, sentences, questions and quotes.
bench-checks: build
	export KINGLET_HOME="$${KINGLET_HOME:-$$KINGLET_TEST_HOME}"
	$(KINGLET) models pull onnxruntime all-minilm-l6-v2
	$(REPORT) "Checks" -- python3 scripts/bench-checks.py $(QUESTION_SETS) $(KINGLET)

# Instructions and wrong answers that are planted in documents: how many answers follow them.
bench-injection: build
	export KINGLET_HOME="$${KINGLET_HOME:-$$KINGLET_TEST_HOME}"
	$(KINGLET) models pull onnxruntime all-minilm-l6-v2 smollm2-135m-instruct $(GENERATOR)
	$(REPORT) "Planted instructions" -- python3 scripts/bench-injection.py $(QUESTION_SETS) \
	  $(if $(BEFORE),$(BEFORE) --generator extractive -- $(BEFORE) --generator smollm2-135m-instruct --) \
	  $(KINGLET) --generator extractive -- $(KINGLET) --generator smollm2-135m-instruct $(if $(GENERATOR),-- $(KINGLET) --generator $(GENERATOR))

bench-quality: build bench-typed bench-definitions bench-snippets
	export KINGLET_HOME="$${KINGLET_HOME:-$$KINGLET_TEST_HOME}"
	$(KINGLET) models pull onnxruntime all-minilm-l6-v2 wordllama-256 splade-tiny
	$(REPORT) "Search quality" -- python3 scripts/bench-quality.py $(KINGLET) $(COLLECTIONS)

# Codes, phrases, numbers, dates and typos as people type them: is the first hit right?
bench-typed: build
	export KINGLET_HOME="$${KINGLET_HOME:-$$KINGLET_TEST_HOME}"
	$(KINGLET) models pull onnxruntime all-minilm-l6-v2
	$(REPORT) "Typed things" -- python3 scripts/bench-typed.py $(KINGLET)

# Is the answer in what a search shows of its hits?
bench-snippets: build
	export KINGLET_HOME="$${KINGLET_HOME:-$$KINGLET_TEST_HOME}"
	$(KINGLET) models pull onnxruntime all-minilm-l6-v2
	$(REPORT) "Snippets" -- python3 scripts/bench-snippets.py $(KINGLET)

# Names of tantivy's sources, alone and behind their keyword: is their definition found?
bench-definitions: build
	source scripts/build-env.sh
	export KINGLET_HOME="$${KINGLET_HOME:-$$KINGLET_TEST_HOME}"
	$(KINGLET) models pull onnxruntime all-minilm-l6-v2
	$(REPORT) "Definitions in code" -- python3 scripts/bench-definitions.py $(KINGLET)

# Indexing alone and beside busy processes. OTHER=PROGRAM measures another build of kinglet in the same rounds.
bench-busy: build
	export KINGLET_HOME="$${KINGLET_HOME:-$$KINGLET_TEST_HOME}"
	$(KINGLET) models pull onnxruntime all-minilm-l6-v2
	$(REPORT) "Indexing beside busy processes" -- python3 scripts/bench-busy.py $(KINGLET) $(COLLECTIONS)/cranfield $(OTHER)

# Holds the metrics of `kinglet eval` against pytrec_eval's.
check-metrics: build
	[ -x target/check-metrics/bin/python ] || python3 -m venv target/check-metrics
	target/check-metrics/bin/pip install --quiet pytrec-eval-terrier
	export KINGLET_HOME="$${KINGLET_HOME:-$$KINGLET_TEST_HOME}"
	$(REPORT) "Metrics beside pytrec_eval's" -- target/check-metrics/bin/python scripts/check-metrics.py $(KINGLET) \
	  $(COLLECTIONS)/adi $(COLLECTIONS)/codebase-chunks

# Compares three embedders on three collections, and computes every figure of the reports anew with pytrec_eval, numpy and scipy.
check-comparison: build
	[ -x target/check-comparison/bin/python ] || python3 -m venv target/check-comparison
	target/check-comparison/bin/pip install --quiet pytrec-eval-terrier numpy scipy
	export KINGLET_HOME="$${KINGLET_HOME:-$$KINGLET_TEST_HOME}"
	$(KINGLET) models pull onnxruntime all-minilm-l6-v2 paraphrase-minilm-l3-v2 wordllama-256
	for set in scifact cranfield codebase-chunks; do
	  $(KINGLET) compare --modes dense,hybrid,hybrid+maxsim --embedders all-minilm-l6-v2,paraphrase-minilm-l3-v2,wordllama-256 \
	    --beir $(COLLECTIONS)/$$set --out target/comparisons/$$set
	done
	$(REPORT) "Comparisons computed anew" -- target/check-comparison/bin/python scripts/check-comparison.py \
	  target/comparisons/scifact target/comparisons/cranfield target/comparisons/codebase-chunks

# Holds the order of systems by made questions against their order by people's questions.
check-synthetic: build
	export KINGLET_HOME="$${KINGLET_HOME:-$$KINGLET_TEST_HOME}"
	$(KINGLET) models pull onnxruntime all-minilm-l6-v2 paraphrase-minilm-l3-v2 wordllama-256
	$(REPORT) "Made questions beside people's" -- python3 scripts/check-synthetic.py $(KINGLET) $(COLLECTIONS) target/made-questions

# Records the picture of the README: docs/terminal.svg.
picture: build
	home="$$(mktemp -d)"
	trap 'rm -r "$$home"' EXIT
	export KINGLET_HOME="$$home" PATH="$(CURDIR)/target/release:$$PATH"
	KINGLET_HOME="$$KINGLET_TEST_HOME" kinglet models pull onnxruntime all-minilm-l6-v2
	ln -s "$$KINGLET_TEST_HOME/models" "$$home/models"
	scripts/record-terminal.py docs/terminal.svg 'kinglet index corpora/handbook' \
	  'kinglet search "stop indexing without losing work" --index handbook -n 1' \
	  'kinglet ask "What happens if I press Ctrl-C while indexing?" --index handbook'

# The book in target/book: the handbook, pages about the program, and the documentation of its libraries.
book:
	command -v mdbook >/dev/null || { echo "error: this needs mdbook; \`cargo install mdbook\` installs it" >&2; exit 1; }
	scripts/build-tools.sh
	source scripts/build-env.sh
	mdbook build docs
	cargo doc --workspace --no-deps --lib --locked
	cp -r target/doc target/book/api
	scripts/check-links.py target/book
