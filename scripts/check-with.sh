#!/usr/bin/env bash
# scripts/check-with.sh TOOL COMMAND…   runs COMMAND if TOOL is installed, and says so if it is not
set -euo pipefail
tool=$1
shift
if command -v "$tool" >/dev/null; then
  exec "$@"
fi
echo "SKIPPED: \`$*\` needs $tool, which is not installed here; CONTRIBUTING.md says how to get it" >&2
