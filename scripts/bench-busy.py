"""Indexing alone and beside busy processes: chunks embedded a second, and the ratio of the two.

usage: bench-busy.py KINGLET COLLECTION [OTHER_KINGLET]

Rounds alternate, so that a machine that is slow for a while is slow for all. With another build of kinglet, both are measured in the
same rounds. Embedding is what is measured: the time that `kinglet index --json` gives for it.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

DOCUMENTS = 150
ROUNDS = 3
BUSY = [0, 1, 3]
BUSY_LOOP = "while True: pass"


def chunks_per_second(kinglet, home, folder):
    index = home / "indexes"
    subprocess.run(["rm", "-rf", str(index)], check=True)
    environment = dict(os.environ, KINGLET_HOME=str(home))
    command = [kinglet, "index", str(folder), "--index", "busy", "--json"]
    printed = subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout
    summary = json.loads(printed)
    return summary["embedded"] / (summary["embed_ms"] / 1000)


def main():
    programs, collection = [sys.argv[1], *sys.argv[3:]], Path(sys.argv[2])
    models = Path(os.environ["KINGLET_HOME"]).resolve() / "models"
    with tempfile.TemporaryDirectory() as temporary:
        home, folder = Path(temporary) / "home", Path(temporary) / "documents"
        home.mkdir()
        folder.mkdir()
        (home / "models").symlink_to(models)
        with open(collection / "corpus.jsonl", encoding="utf-8") as corpus:
            for number, line in zip(range(DOCUMENTS), corpus):
                (folder / f"{number}.txt").write_text(json.loads(line)["text"], encoding="utf-8")
        measured = {(program, busy): [] for busy in BUSY for program in programs}
        for _ in range(ROUNDS):
            for busy in BUSY:
                others = [subprocess.Popen([sys.executable, "-c", BUSY_LOOP]) for _ in range(busy)]
                try:
                    for program in programs:
                        measured[program, busy].append(chunks_per_second(program, home, folder))
                finally:
                    for other in others:
                        other.kill()
                        other.wait()
        for program in programs:
            alone = statistics.median(measured[program, 0])
            print(f"{program}: {DOCUMENTS} documents of {collection.name}, median of {ROUNDS} rounds")
            for busy in BUSY:
                rate = statistics.median(measured[program, busy])
                print(f"  beside {busy} busy processes  {rate:7.1f} chunks/s   {rate / alone:.2f} of alone")


main()
