#!/usr/bin/env python3
"""Builds kinglet for `make build`, and says how long it will still take.

Packages differ a hundredfold in the time that they take to compile, so the share of a build that is done is counted in
seconds and not in packages: docs/build-seconds.tsv has those of each package, as `make bench-build` measured them.
"""
import json
import os
import subprocess
import sys
import time
from pathlib import Path

SECONDS = Path(__file__).parent.parent / "docs" / "build-seconds.tsv"
NETWORK = """
error: not all packages that kinglet is built from could be fetched: cargo's message above names what is missing.
       They come from crates.io. When the network is back, run the same command again: it goes on from here."""


def seconds_of_packages():
    rows = (line.split("\t") for line in SECONDS.read_text().splitlines() if not line.startswith("#"))
    return {(package, kind): float(seconds) for package, kind, seconds in rows}


def minutes(seconds):
    return "less than a minute" if seconds < 50 else f"about {round(seconds / 60)} min"


class Progress:
    """One line that is written anew on a terminal; a line each tenth of the work elsewhere."""

    def __init__(self, expected):
        self.expected = expected
        self.total = sum(expected.values())
        self.fresh = self.compiled = 0.0
        self.started = time.monotonic()
        self.last_tenth = 0
        self.is_terminal = sys.stderr.isatty()

    def add(self, package, kind, is_fresh):
        seconds = self.expected.pop((package, kind), 0.0)
        if is_fresh:
            self.fresh += seconds
        else:
            self.compiled += seconds
            self.show(package)

    def left(self):
        rest = self.total - self.fresh - self.compiled
        elapsed = time.monotonic() - self.started
        # At first there is nothing to go by but the machine that measured, which had two cores.
        pace = elapsed / self.compiled if self.compiled > 0.05 * self.total else 1 / (os.cpu_count() or 1)
        return rest * pace

    def show(self, package):
        share = (self.fresh + self.compiled) / self.total
        line = f"compiling  {share:4.0%}  {minutes(self.left())} left  {package}"
        if self.is_terminal:
            print(f"\r\x1b[K{line[:78]}", end="", file=sys.stderr, flush=True)
        elif int(share * 10) > self.last_tenth:
            self.last_tenth = int(share * 10)
            print(line, file=sys.stderr, flush=True)

    def finish(self):
        if self.is_terminal:
            print("\r\x1b[K", end="", file=sys.stderr)
        if self.compiled:
            print(f"compiled in {minutes(time.monotonic() - self.started)}", file=sys.stderr)


def name_of(package_id):
    """The package in an id such as `registry+…#serde@1.0.229` or `path+file:///…/formats#kinglet-formats@0.2.0`."""
    path, _, fragment = package_id.partition("#")
    return fragment.partition("@")[0] if "@" in fragment else path.rsplit("/", 1)[-1]


def main():
    if subprocess.run(["cargo", "fetch", "--locked", "--quiet"]).returncode != 0:
        sys.exit(NETWORK)
    command = ["cargo", "build", "--release", "--locked", "--quiet", "--message-format", "json-render-diagnostics"]
    cargo = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    progress = Progress(seconds_of_packages())
    fresh_scripts = set()
    for line in cargo.stdout:
        message = json.loads(line)
        if message["reason"] == "compiler-artifact":
            is_script = "custom-build" in message["target"]["kind"]
            if is_script and message["fresh"]:
                fresh_scripts.add(message["package_id"])
            progress.add(name_of(message["package_id"]), "build script" if is_script else "library", message["fresh"])
        elif message["reason"] == "build-script-executed":
            # cargo does not say whether it ran the script or knew the result; a new script is run.
            progress.add(name_of(message["package_id"]), "native code", message["package_id"] in fresh_scripts)
    code = cargo.wait()
    progress.finish()
    sys.exit(code)


if __name__ == "__main__":
    main()
