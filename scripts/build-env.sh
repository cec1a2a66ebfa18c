# Sourced by the Makefile's recipes: puts cmake and libclang, which llama.cpp's bindings need at build time, in reach.
# What the system has is used; `scripts/fetch-build-tools.sh` puts the rest in .tools/.
tools="$(readlink -f "$(dirname "${BASH_SOURCE[0]}")/../.tools")"
if [ -x "$tools/cmake/data/bin/cmake" ]; then
  export PATH="$tools/cmake/data/bin:$PATH"
fi
if [ -d "$tools/clang/native" ]; then
  export LIBCLANG_PATH="$tools/clang/native"
  # The wheel is libclang without clang's own headers (stddef.h and such): gcc's serve.
  export BINDGEN_EXTRA_CLANG_ARGS="-I$(gcc -print-file-name=include)"
fi
