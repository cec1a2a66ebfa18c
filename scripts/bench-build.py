#!/usr/bin/env python3
"""Measures what building kinglet costs: the last commit from nothing, and after a change of one line.

    scripts/bench-build.py [COMMIT…]     the last commit, or several, one after another

Prints a table for each, and writes docs/build-seconds.tsv from the last one, by which `make build` tells how long it
will still take. Run it on a machine that does nothing else.
"""
import json
import os
import re
import resource
import shutil
import subprocess
import sys
import time
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).parent.parent
WORK = ROOT / "target" / "bench-build"
CHANGED = "src/search/fusion.rs"
ROWS = 20


def run(*command, **options):
    return subprocess.run(command, check=True, **options)


def measured(checkout, *arguments):
    """Wall time and processor time of a release build, in seconds."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    begin = time.monotonic()
    shell = f"source {ROOT}/scripts/build-env.sh && exec cargo build --release --locked --quiet {' '.join(arguments)}"
    run("bash", "-c", shell, cwd=checkout, env={**os.environ, "CARGO_TARGET_DIR": str(WORK / "target")})
    now = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.monotonic() - begin, now.ru_utime + now.ru_stime - used.ru_utime - used.ru_stime


def seconds_of_units():
    page = (WORK / "target" / "cargo-timings" / "cargo-timing.html").read_text()
    units = json.loads(re.search(r"const UNIT_DATA = (\[.*?\]);\n", page, re.S).group(1))
    seconds = defaultdict(float)
    for unit in units:
        target = unit["target"]
        kind = "native code" if "(run)" in target else "build script" if "build-script" in target else "library"
        seconds[unit["name"], kind] += unit["duration"]
    return seconds


def bench(commit):
    shutil.rmtree(WORK, ignore_errors=True)
    checkout = WORK / "checkout"
    run("git", "clone", "--quiet", "--no-checkout", ROOT, checkout)
    run("git", "checkout", "--quiet", "--detach", commit, cwd=checkout)
    run("cargo", "fetch", "--locked", "--quiet", cwd=checkout)
    wall, processor = measured(checkout, "--timings")
    seconds = seconds_of_units()
    source = checkout / CHANGED
    # The second change is measured: the first one also pays for what a first incremental build writes.
    for number in range(2):
        source.write_text(source.read_text() + f"\nconst _: u32 = {number};\n")
        change_wall, change_processor = measured(checkout)
    size = (WORK / "target" / "release" / "kinglet").stat().st_size
    print(f"\ncommit {commit}\n")
    print("| build | minutes | processor minutes |\n|---|--:|--:|")
    print(f"| from nothing | {wall / 60:.1f} | {processor / 60:.1f} |")
    print(f"| after a change of one line in `{CHANGED}` | {change_wall / 60:.2f} | {change_processor / 60:.2f} |")
    print(f"\nThe program has {size / 1e6:.1f} MB. {len({name for name, _ in seconds})} packages; the slowest parts, in seconds:\n")
    print("| package | part | seconds |\n|---|---|--:|")
    for (name, kind), duration in sorted(seconds.items(), key=lambda item: (-item[1], item[0]))[:ROWS]:
        print(f"| {name} | {kind} | {duration:.0f} |")
    return seconds


def main():
    commits = sys.argv[1:] or ["HEAD"]
    for commit in [run("git", "rev-parse", commit, cwd=ROOT, capture_output=True, text=True).stdout.strip()[:12] for commit in commits]:
        seconds = bench(commit)
    lines = ["# package, part, seconds that it took beside one other job: `make bench-build`"]
    lines += [f"{name}\t{kind}\t{duration:.1f}" for (name, kind), duration in sorted(seconds.items())]
    (ROOT / "docs" / "build-seconds.tsv").write_text("\n".join(lines) + "\n")
    shutil.rmtree(WORK)


if __name__ == "__main__":
    main()
