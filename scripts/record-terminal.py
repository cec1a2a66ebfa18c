#!/usr/bin/env python3
"""Runs commands in a terminal of its own and writes what it shows as an SVG picture.

    scripts/record-terminal.py docs/terminal.svg 'kinglet ls' 'kinglet search wren'

The same output gives the same picture. Progress bars appear in their last state. Ends with the
exit code of the first command that fails, and then writes no picture.
"""
import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
import unicodedata
from html import escape

COLUMNS, ROWS = 96, 50
FONT_SIZE, CELL_WIDTH, LINE_HEIGHT, MARGIN, TITLE_BAR = 14, 8.4, 20, 18, 34
BACKGROUND, FOREGROUND = "#1d2128", "#d8dee9"
COLOURS = ["#5c6370", "#e06c75", "#98c379", "#e5c07b", "#61afef", "#c678dd", "#56b6c2", "#d8dee9"]
PLAIN = (None, False, False)  # colour, bold, dim

TOKEN = re.compile(
    r"\x1b\[(?P<arguments>[0-9;?]*)(?P<command>[@-~])"
    r"|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b.|(?P<character>[\s\S])"
)


class Screen:
    """The lines that a terminal shows, each a list of cells: a character and its style."""

    def __init__(self):
        self.lines, self.row, self.column, self.style = [[]], 0, 0, PLAIN

    def write(self, text):
        for token in TOKEN.finditer(text):
            if token["command"]:
                self.control(token["command"], token["arguments"])
            elif token["character"]:
                self.put(token["character"])

    def put(self, character):
        if character == "\n":
            self.move(self.row + 1, self.column)
        elif character == "\r":
            self.column = 0
        elif character == "\b":
            self.column = max(0, self.column - 1)
        elif character == "\t":
            self.column = min(COLUMNS - 1, self.column // 8 * 8 + 8)
        elif character >= " ":
            width = width_of(character)
            if width == 0:
                return
            if self.column + width > COLUMNS:
                self.move(self.row + 1, 0)
            line = self.lines[self.row]
            line.extend([(" ", PLAIN)] * (self.column + width - len(line)))
            line[self.column : self.column + width] = [(character, self.style), ("", self.style)][:width]
            self.column += width

    def control(self, command, arguments):
        numbers = [int(number) for number in arguments.strip("?").split(";") if number]
        count = max(1, numbers[0]) if numbers else 1
        line = self.lines[self.row]
        if command == "m":
            self.paint(numbers or [0])
        elif command == "A":
            self.move(max(0, self.row - count), self.column)
        elif command == "B":
            self.move(self.row + count, self.column)
        elif command == "C":
            self.column = min(COLUMNS - 1, self.column + count)
        elif command == "D":
            self.column = max(0, self.column - count)
        elif command == "G":
            self.column = min(COLUMNS, count) - 1
        elif command in "JK":
            what = numbers[0] if numbers else 0
            if what == 0:
                del line[self.column :]
            elif what == 1:
                line[: self.column + 1] = [(" ", PLAIN)] * min(len(line), self.column + 1)
            else:
                line.clear()
            if command == "J" and what == 0:
                del self.lines[self.row + 1 :]

    def paint(self, numbers):
        colour, bold, dim = self.style
        for number in numbers:
            if number == 0:
                colour, bold, dim = PLAIN
            elif number == 1:
                bold = True
            elif number == 2:
                dim = True
            elif number == 22:
                bold = dim = False
            elif 30 <= number <= 37:
                colour = COLOURS[number - 30]
            elif 90 <= number <= 97:
                colour = COLOURS[number - 90]
            elif number == 39:
                colour = None
        self.style = colour, bold, dim

    def end_paragraph(self):
        """Leaves one empty line, and goes on below it."""
        while self.lines and not "".join(character for character, _ in self.lines[-1]).strip():
            self.lines.pop()
        self.lines += [[], []]
        self.row, self.column = len(self.lines) - 1, 0

    def move(self, row, column):
        self.lines.extend([] for _ in range(row + 1 - len(self.lines)))
        self.row, self.column = row, column


def width_of(character):
    if unicodedata.combining(character) or unicodedata.category(character) in ("Cf", "Cc"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def run(command):
    """The output of `command` on a terminal, and its exit code."""
    leader, follower = pty.openpty()
    fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    environment = {**os.environ, "TERM": "xterm-256color", "COLUMNS": str(COLUMNS), "LC_ALL": "C.UTF-8"}
    environment.pop("NO_COLOR", None)
    process = subprocess.Popen(
        ["bash", "-c", command], stdin=follower, stdout=follower, stderr=follower, env=environment
    )
    os.close(follower)
    output = b""
    try:
        while part := os.read(leader, 65536):
            output += part
    except OSError:  # how Linux says that nobody holds the other end any more
        pass
    os.close(leader)
    return output.decode("utf-8", "replace"), process.wait()


def drawn(lines):
    """The SVG of `lines`. Every run of cells has its width given, so that any font keeps the columns."""
    width = COLUMNS * CELL_WIDTH + 2 * MARGIN
    height = TITLE_BAR + len(lines) * LINE_HEIGHT + MARGIN
    yield f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.1f} {height}" width="{width:.1f}" height="{height}"'
    yield f' font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, \'DejaVu Sans Mono\', monospace" font-size="{FONT_SIZE}">'
    yield "<title>A terminal in which kinglet indexes a folder, finds passages and answers a question</title>"
    yield f'<rect x=".5" y=".5" width="{width - 1:.1f}" height="{height - 1}" rx="9" fill="{BACKGROUND}" stroke="#5c6370"/>'
    for at, colour in enumerate(("#e06c75", "#e5c07b", "#98c379")):
        yield f'<circle cx="{MARGIN + 6 + 20 * at}" cy="18" r="6" fill="{colour}"/>'
    for number, line in enumerate(lines):
        y = TITLE_BAR + number * LINE_HEIGHT + FONT_SIZE
        start = 0
        while start < len(line):
            style = line[start][1]
            end = next((at for at in range(start, len(line)) if line[at][1] != style), len(line))
            text = "".join(character for character, _ in line[start:end])
            if text.strip():
                colour, bold, dim = style
                attributes = f'x="{MARGIN + start * CELL_WIDTH:.1f}" y="{y}" textLength="{(end - start) * CELL_WIDTH:.1f}"'
                attributes += f' fill="{colour or FOREGROUND}"'
                attributes += ' font-weight="bold"' if bold else ""
                attributes += ' opacity=".65"' if dim else ""
                yield f'<text xml:space="preserve" {attributes}>{escape(text)}</text>'
            start = end
    yield "</svg>"


def main():
    picture, *commands = sys.argv[1:]
    screen = Screen()
    for command in commands:
        screen.write(f"\x1b[32m$\x1b[0m \x1b[1m{command}\x1b[0m\r\n")
        output, code = run(command)
        screen.write(output)
        if code != 0:
            sys.exit(f"`{command}` ended with exit code {code} and said:\n{output}")
        screen.end_paragraph()
    with open(picture, "w", encoding="utf-8") as file:
        file.write("\n".join(drawn(screen.lines[:-2])) + "\n")


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    main()
