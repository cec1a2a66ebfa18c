#!/usr/bin/env bash
# Fetches cmake and libclang into .tools/ where the system has none. Needs Python with pip; changes nothing outside.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# libclang-cpp is another library, which Debian installs with much that is not clang.
have_libclang() {
  [ -n "${LIBCLANG_PATH:-}" ] || ldconfig -p 2>/dev/null | grep -Eq '\blibclang(-[0-9.]+)?\.so' ||
    compgen -G '/usr/lib/llvm-*/lib/libclang.so*' >/dev/null || compgen -G '/usr/lib/llvm-*/lib/libclang-[0-9]*.so*' >/dev/null
}

wanted=()
command -v cmake >/dev/null || [ -x .tools/cmake/data/bin/cmake ] || wanted+=("cmake==4.4.4")
have_libclang || [ -d .tools/clang/native ] || wanted+=("libclang==18.1.1")
[ ${#wanted[@]} -eq 0 ] && exit 0

for tool in cargo gcc g++ python3; do
  command -v "$tool" >/dev/null || { echo "error: $tool is not installed; kinglet needs Rust 1.92, gcc, g++ and Python 3 with pip to build" >&2; exit 1; }
done
echo "fetching ${wanted[*]} as Python wheels into .tools/ (used for building only)"
python3 -m pip install --quiet --disable-pip-version-check --root-user-action=ignore --only-binary=:all: --target .tools --upgrade "${wanted[@]}" || {
  echo "error: ${wanted[*]} could not be fetched; pip's message above says why. When that is mended, run the same command again." >&2
  exit 1
}
