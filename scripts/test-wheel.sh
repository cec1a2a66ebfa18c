#!/usr/bin/env bash
# Holds that the wheel in target/wheels/ works where there is no compiler: installs it into an empty virtual environment whose
# programs are the only ones on PATH, fetches the models, indexes the handbook and asks a question.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
wheels=(target/wheels/kinglet-*.whl)
[ -f "${wheels[0]}" ] || { echo "error: there is no wheel in target/wheels; \`make wheel\` builds it" >&2; exit 1; }
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT

python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check --no-index "${wheels[@]}"
bare() { env -i HOME="$HOME" PATH="$work/venv/bin" KINGLET_HOME="$work/home" "$@"; }
if bare cc --version 2>/dev/null || bare cargo --version 2>/dev/null; then
  echo "error: the PATH of this test has a compiler" >&2
  exit 1
fi
bare kinglet --version
bare kinglet models pull onnxruntime all-minilm-l6-v2
bare kinglet index corpora/handbook --index handbook
answer="$(bare kinglet ask "What is the default number of hits?" --index handbook)"
echo "$answer"
grep -q '10.*\[1\]' <<< "$answer" || { echo "error: this answer is wrong, or cites nothing" >&2; exit 1; }
