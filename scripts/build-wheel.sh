#!/usr/bin/env bash
# Builds the wheel and the archive of a release into target/wheels/. zig compiles the C of it and links against glibc 2.28,
# so that they run on Linux distributions since 2018 (RHEL 8, Debian 10, Ubuntu 18.10).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
target="$(uname -m)-unknown-linux-gnu"
tools=target/wheel-tools
out=target/wheels

if [ ! -x "$tools/bin/auditwheel" ]; then
  python3 -m venv "$tools"
  "$tools/bin/pip" install --quiet --disable-pip-version-check maturin==1.16.0 ziglang==0.15.2 auditwheel==6.8.2
fi
# Bindings are made from llama.cpp's headers, which name those of the C library; clang does not look for them in a cross build.
export BINDGEN_EXTRA_CLANG_ARGS="${BINDGEN_EXTRA_CLANG_ARGS:-} -I/usr/include -I/usr/include/$(gcc -print-multiarch)"
# Not incrementally and with optimisation across units, so that the program is as fast as can be.
export PATH="$PWD/$tools/bin:$PATH" CARGO_INCREMENTAL=0 CARGO_PROFILE_RELEASE_LTO=false
rm -rf "$out"
maturin build --release --locked --zig --target "$target" --compatibility manylinux_2_28 --out "$out"
auditwheel show "$out"/kinglet-*.whl

version=$(cargo metadata --no-deps --locked --format-version 1 | python3 -c 'import json, sys
print(next(package["version"] for package in json.load(sys.stdin)["packages"] if package["name"] == "kinglet"))')
name="kinglet-$version-$target"
folder="$out/$name"
mkdir -p "$folder"/{man,completions}
cp "target/$target/release/kinglet" README.md LICENSE CHANGELOG.md "$folder"
"$folder/kinglet" man "$folder/man"
for shell in bash zsh fish; do
  "$folder/kinglet" completions "$shell" > "$folder/completions/kinglet.$shell"
done
tar -C "$out" --sort=name --owner=0 --group=0 --numeric-owner -czf "$out/$name.tar.gz" "$name"
rm -r "$folder"
(cd "$out" && sha256sum kinglet-*.whl kinglet-*.tar.gz > SHA256SUMS)
cat "$out/SHA256SUMS"
