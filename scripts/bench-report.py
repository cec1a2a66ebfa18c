#!/usr/bin/env python3
"""Runs a measurement and puts what it prints into docs/benchmarks.md, as the section NAME.

    scripts/bench-report.py NAME -- COMMAND…

The section has the machine, the date, the commit, the command, and what the command printed: tables as tables, the rest as it
is. The commit is that of the checkout, so run it by `make`, which builds the program first. Other sections stay. If the command fails, nothing is written, and this ends with its exit code.
"""
import datetime
import os
import platform
import re
import shlex
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "benchmarks.md"
INTRODUCTION = """# Benchmarks

`make bench` writes this page: each measurement with the machine, the date and the command that made it. Figures of different machines, or of a
machine that did something else at the same time (its load says so), cannot be compared.
"""
NUMBER = re.compile(r"-?\d[\d.,]*%?|\d*\.\d+")


def first_match(pattern, path):
    try:
        found = re.search(pattern, Path(path).read_text())
    except OSError:
        return None
    return found and found.group(1)


def machine():
    processor = first_match(r"model name\s*: (.*)", "/proc/cpuinfo") or platform.processor() or platform.machine()
    memory = first_match(r"MemTotal:\s*(\d+) kB", "/proc/meminfo")
    memory = f", {int(memory) / 2**20:.0f} GiB" if memory else ""
    return f"{processor}, {os.cpu_count()} cores{memory}, {platform.system()} {platform.machine()}"


def git(*arguments):
    return subprocess.run(["git", *arguments], cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()


def commit():
    changed = git("status", "--porcelain", "--", ".", f":!{PAGE.relative_to(ROOT)}")
    return f"`{git('rev-parse', '--short=10', 'HEAD')}`" + (" with uncommitted changes" if changed else "")


def run(command):
    """What `command` prints, which is also shown while it runs."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    lines = []
    for line in process.stdout:
        print(line, end="", flush=True)
        lines.append(line.rstrip())
    if process.wait() != 0:
        sys.exit(process.returncode)
    return lines


def cells(line, columns):
    """The cells of a row: a name, numbers, and perhaps a remark; None if the line is no row."""
    words = line.split()
    # Names and remarks may have several words.
    for start in range(1, len(words) - columns + 2):
        end = start + columns - 1
        before_remark = end == len(words) or not NUMBER.fullmatch(words[end])
        if before_remark and all(NUMBER.fullmatch(word) for word in words[start:end]):
            return [" ".join(words[:start]), *words[start:end], " ".join(words[end:])]
    return None


def table(paragraph):
    """The first lines of `paragraph` that are a table in columns, as Markdown, and how many these are."""
    header = paragraph[0].split()
    if "  " not in paragraph[0].strip():
        return [], 0
    for remark in (0, 1):
        columns = len(header) - remark
        if columns < 2:
            break
        rows = []
        for line in paragraph[1:]:
            row = cells(line, columns)
            if row is None:
                break
            rows.append(row)
        if rows:
            has_remarks = any(row[-1] for row in rows)
            title = header + [""] * (columns + 1 - len(header))
            width = columns + 1 if has_remarks or remark else columns
            rule = ["---"] + ["--:"] * (columns - 1) + ["---"]
            lines = [title[:width], rule[:width], *(row[:width] for row in rows)]
            return [f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |" for line in lines], 1 + len(rows)
    return [], 0


def markdown(lines):
    """The output as Markdown: tables in columns become tables, Markdown stays, the rest becomes blocks of code."""
    parts, plain = [], []

    def end_plain():
        text = "\n".join(plain).strip("\n")
        if text:
            parts.append(f"```\n{text}\n```")
        plain.clear()

    at = 0
    while at < len(lines):
        end = next((end for end in range(at, len(lines)) if not lines[end].strip()), len(lines))
        paragraph = lines[at:end]
        found, length = ([], 0)
        if paragraph and paragraph[0].startswith("|"):
            found, length = paragraph, len(paragraph)
        elif paragraph:
            found, length = table(paragraph)
        if found:
            end_plain()
            parts.append("\n".join(found))
        else:
            plain.append(lines[at])
            length = 1
        at += length
    end_plain()
    return "\n\n".join(parts)


def main(name, command):
    load = f"{os.getloadavg()[0]:.1f}"
    printed = run(command)
    # No path of this machine, which nobody else has.
    short = lambda text: text.replace(f"{ROOT}/", "").replace(str(ROOT.parent), "..").replace(str(Path.home()), "~")
    section = f"""## {name}

* Machine: {machine()}; load before {load}
* Date: {datetime.datetime.now(datetime.timezone.utc):%Y-%m-%d}
* Commit: {commit()}
* Command: `{short(shlex.join(command))}`

{markdown([short(line) for line in printed])}
"""
    page = PAGE.read_text(encoding="utf-8") if PAGE.is_file() else INTRODUCTION
    introduction, *sections = re.split(r"(?m)^(?=## )", page)
    sections = [part.rstrip("\n") + "\n" for part in sections]
    at = next((at for at, part in enumerate(sections) if part.startswith(f"## {name}\n")), len(sections))
    sections[at : at + 1] = [section]
    PAGE.write_text("\n".join([introduction.rstrip("\n") + "\n", *sections]), encoding="utf-8")


if __name__ == "__main__":
    if len(sys.argv) < 4 or sys.argv[2] != "--":
        sys.exit(__doc__)
    main(sys.argv[1], sys.argv[3:])
