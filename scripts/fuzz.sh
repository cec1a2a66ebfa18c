#!/usr/bin/env bash
# Fuzzes each family of formats, and the filters, for the given number of seconds: fuzz.sh SECONDS DOCUMENTS
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
seconds="$1"
documents="$2"
# Libraries as they are in a release; fuzz/Cargo.toml has our own code checked.
build=(--release --codegen-units 16)

cargo +nightly --version >/dev/null 2>&1 ||
  { echo "error: fuzzing needs a nightly compiler; run \`rustup toolchain install nightly --profile minimal\`" >&2; exit 1; }
cargo fuzz --version >/dev/null 2>&1 || { echo "error: fuzzing needs cargo-fuzz; run \`cargo install cargo-fuzz\`" >&2; exit 1; }

python3 scripts/fuzz-corpus.py "$documents"
cargo +nightly fuzz build "${build[@]}"
mkdir -p fuzz/target/logs
found=()
for target in $(cargo +nightly fuzz list); do
  log="fuzz/target/logs/$target"
  echo "$target: fuzzing for $seconds s"
  cargo +nightly fuzz run "${build[@]}" "$target" -- -seed=1 -max_total_time="$seconds" -timeout=20 -rss_limit_mb=2048 \
    >"$log" 2>&1 || found+=("$target")
  grep -E '^Done |^LIBRARY PANIC |Test unit written to |^thread .* panicked at ' "$log" | sed 's/^/  /' || true
done

if [ ${#found[@]} -eq 0 ]; then
  echo "no law of kinglet was broken"
else
  echo "found something in: ${found[*]}. The logs are in fuzz/target/logs; CONTRIBUTING.md says how a finding becomes a test." >&2
  exit 1
fi
