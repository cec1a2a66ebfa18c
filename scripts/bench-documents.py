#!/usr/bin/env python3
"""What kinglet reads of real files, good and broken: bench-documents.py KINGLET FOLDER

Indexes FOLDER with the embedder that needs no model, in a home of its own, and prints for each folder below it how many files
yield their text, why the others do not, whether a reader broke down, peak memory, and files a second. bench-web-pages.py and
bench-encodings.py, called after it by `make bench-documents`, say whether the text is the right one.
"""

import collections, json, os, re, resource, subprocess, sys, tempfile, time

kinglet, folder = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])
with tempfile.TemporaryDirectory() as home:
    environment = {**os.environ, "KINGLET_HOME": home, "KINGLET_EMBEDDER": "hashing-256"}
    run = lambda *words: subprocess.run([kinglet, *words], env=environment, capture_output=True, text=True)
    started = time.monotonic()
    indexed = run("index", folder, "--index", "documents", "--json")
    took = time.monotonic() - started
    if indexed.returncode != 0:
        sys.exit(f"kinglet index ended with {indexed.returncode}: {indexed.stderr}")
    peak_mib = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    summary = json.loads(indexed.stdout)
    status = json.loads(run("status", "--index", "documents", "--json").stdout)

below = lambda path: os.path.relpath(path, folder)
files = [below(os.path.join(place, name)) for place, _, names in os.walk(folder) for name in names]
reasons = {below(entry["path"]): entry["reason"] for entry in summary["skipped"]}
broken = [path for path, reason in reasons.items() if "reader" in reason]

print(f"{'folder':<12} {'files':>5} {'read':>5} {'share':>6}")
for top in sorted({path.split(os.sep)[0] for path in files}):
    inside = [path for path in files if path.split(os.sep)[0] == top]
    read = [path for path in inside if path not in reasons]
    print(f"{top:<12} {len(inside):>5} {len(read):>5} {len(read) / len(inside):>6.3f}")
print("\nnot read, and why")
kinds = collections.defaultdict(list)
for path, reason in sorted(reasons.items()):
    kinds[re.sub(r"\d+ pages?", "N pages", reason)].append(path)
for reason, paths in sorted(kinds.items(), key=lambda kind: -len(kind[1])):
    print(f"  {len(paths):>3}  {reason}: {', '.join(os.path.basename(path) for path in paths[:4])}{' …' if len(paths) > 4 else ''}")
print(f"\nread with a warning: {len(status['warnings'])}")
print(f"readers that broke down or were given up: {len(broken)} {' '.join(broken)}")
print(f"largest process: {peak_mib:.0f} MiB")
print(f"files a second: {len(files) / took:.0f} ({took:.1f} s, {summary['chunks']} chunks)")
sys.exit(1 if broken else 0)
