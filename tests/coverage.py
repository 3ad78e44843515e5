#!/usr/bin/env python3
"""Line and branch coverage by room, and what no test reaches.

    tests/coverage.py BUILD-FOLDER      after the tests ran in a build of the preset `coverage`

It counts our sources without tests/. Branches that only an exception takes are left out: the compiler adds one to nearly every call.
A program that a test kills by SIGKILL writes no counts; nor does blowback-server in its sandbox, unless the test turns the sandbox off.
"""

import collections
import json
import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
LONGEST_LISTS = 40
SHORTEST_GAP = 5  # lines of code


def room_of(file):
    folder = pathlib.PurePath(file).parent
    return "core" if folder.parts[0] in ("include", "core") else str(folder)


def gaps(lines):
    """(first, last, lines of code) of each run that no test reached."""
    run = []
    for line in sorted(lines, key=lambda line: line["line_number"]):
        if line["count"] == 0:
            run.append(line["line_number"])
            continue
        if run:
            yield run[0], run[-1], len(run)
        run = []
    if run:
        yield run[0], run[-1], len(run)


def percent(part, whole):
    return f"{100 * part / whole:5.1f} %" if whole else "    –  "


def main():
    build = pathlib.Path(sys.argv[1]).resolve()
    report = build / "coverage.json"
    subprocess.run(["gcovr", "--root", ROOT, "--exclude-throw-branches", "--exclude-unreachable-branches", "--exclude", "tests/", "--exclude", "build/",
                    "-j", str(os.cpu_count() or 1), "--json", "-o", report, build], check=True)
    files = json.loads(report.read_text())["files"]
    rooms = collections.defaultdict(collections.Counter)
    functions, runs = set(), []
    for file in files:
        sums = rooms[room_of(file["file"])]
        for line in file["lines"]:
            sums["lines"] += 1
            sums["reached"] += line["count"] > 0
            sums["branches"] += len(line["branches"])
            sums["taken"] += sum(branch["count"] > 0 for branch in line["branches"])
        called = {}
        for function in file.get("functions", []):  # a template has one for each type
            called[function["lineno"]] = called.get(function["lineno"], False) or function["execution_count"] > 0
            if not called[function["lineno"]]:
                functions.add((file["file"], function["lineno"], function["name"]))
        functions = {f for f in functions if f[0] != file["file"] or not called[f[1]]}
        runs += [(length, file["file"], first, last) for first, last, length in gaps(file["lines"]) if length >= SHORTEST_GAP]

    print(f"{'room':22} {'lines':>7} {'reached':>8} {'branches':>9} {'taken':>8}")
    whole = collections.Counter()
    for room, sums in sorted(rooms.items()):
        whole += sums
        print(f"{room:22} {sums['lines']:7} {percent(sums['reached'], sums['lines']):>8} {sums['branches']:9} {percent(sums['taken'], sums['branches']):>8}")
    print(f"{'all':22} {whole['lines']:7} {percent(whole['reached'], whole['lines']):>8} {whole['branches']:9} {percent(whole['taken'], whole['branches']):>8}")

    print(f"\nFunctions that no test calls: {len(functions)}")
    for file, line, name in sorted(functions)[:LONGEST_LISTS]:
        print(f"  {file}:{line}: {name.split('(')[0]}")
    print(f"\nLongest runs of code that no test reaches, of {len(runs)} with {SHORTEST_GAP} lines or more:")
    for length, file, first, last in sorted(runs, reverse=True)[:LONGEST_LISTS]:
        print(f"  {file}:{first}-{last} ({length})")


if __name__ == "__main__":
    main()
