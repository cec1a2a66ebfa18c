"""Runs a list of trainings beside each other on one machine, within a limit of seconds.

    python3 training/experiments.py PLAN.txt --data PREPARED --backbone FOLDER --out OUT --seconds 330 [--workers 4]

A line of the plan: NAME TASK [ARGUMENTS of train.py …]; a run that starts from or learns from others (--start a,b --teach a,b: names of the
plan) waits for them. What is not finished at the limit is stopped. OUT gets results.tar.gz (scores and logs) and weights-N.tar (half precision,
runs whose weights are small).
"""

import argparse
import io
import os
import pathlib
import subprocess
import sys
import tarfile
import tempfile
import time

import torch


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("plan", type=pathlib.Path)
    parser.add_argument("--data", required=True)
    parser.add_argument("--backbone", required=True)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--seconds", type=float, default=330)
    parser.add_argument("--workers", type=int, default=4)
    given = parser.parse_args()
    began = time.time()
    runs = pathlib.Path(tempfile.gettempdir()) / "kinglet-runs"
    waiting = [line.split() for line in given.plan.read_text().splitlines() if line.strip() and not line.startswith("#")]
    names = {one[0] for one in waiting}
    done, failed, running = set(), set(), {}
    while waiting or running:
        for name, process in list(running.items()):
            if process.poll() is not None:
                (done if process.returncode == 0 else failed).add(name)
                print(f"{time.time() - began:.0f} s: {name} ended with {process.returncode}", flush=True)
                del running[name]
        if time.time() - began > given.seconds:
            for process in running.values():
                process.kill()
            print("stopped:", *running, "; not started:", *(one[0] for one in waiting), flush=True)
            break
        for one in list(waiting):
            name, task, *rest = one
            needs = {part for text in rest for part in text.split(",") if part in names}
            if needs & failed:
                waiting.remove(one)
                failed.add(name)
            elif len(running) < given.workers and needs <= done:
                waiting.remove(one)
                rest = [",".join(str(runs / part) if part in names else part for part in text.split(",")) for text in rest]
                command = [sys.executable, str(pathlib.Path(__file__).parent / "train.py"), task, "--data", given.data, "--backbone", given.backbone, "--out", str(runs / name), *rest]
                running[name] = subprocess.Popen(command, env=os.environ | {"PYTHONUNBUFFERED": "1"})
                time.sleep(0.3)
        time.sleep(0.2)
    given.out.mkdir(parents=True, exist_ok=True)
    with tarfile.open(given.out / "results.tar.gz", "w:gz") as results:
        for name in sorted(done):
            for file in ("scores.npz", "log.json"):
                results.add(runs / name / file, f"{name}/{file}")
    number, used, archive = 0, 0, None
    for name in [line.split()[0] for line in given.plan.read_text().splitlines() if line.strip() and not line.startswith("#")]:
        if name not in done or number >= 5:
            continue
        state = {part: value.half() for part, value in torch.load(runs / name / "last.pt").items()}
        buffer = io.BytesIO()
        torch.save(state, buffer)
        size = buffer.tell()
        if size > 6_000_000:
            continue
        if archive is None or used + size > 15_500_000:
            number, used = number + 1, 0
            if archive:
                archive.close()
            archive = tarfile.open(given.out / f"weights-{number}.tar", "w")
        info = tarfile.TarInfo(f"{name}/last.pt")
        info.size = size
        buffer.seek(0)
        archive.addfile(info, buffer)
        used += size
    if archive:
        archive.close()


if __name__ == "__main__":
    main()
