#!/usr/bin/env python3
"""How `blowback classify` on files compares to reading, parsing and judging the same messages from one mbox (judge_speed), in turns.

    python3 tests/bench/classify_speed.py FOLDER [--times 10] [--rounds 5]

The folder is named --times times on the command line, since both compile the signatures once, which takes as long as some thousands of messages.
Prints processor time per message of both, for the smallest of --rounds, and the ratio, for lines and for JSON. 1 is as fast as judging.
classify does more: it opens each file, reads the trace of each message, and prints."""

import argparse
import os
import pathlib
import re
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "integration"))

from harness import BIN  # noqa: E402

STAGES = ("read from the mbox", "take apart (parse)", "judge")


def classify(paths, *options):
    """Processor time in seconds, and the number of messages."""
    before = os.times()
    done = subprocess.run([BIN / "blowback", "classify", *options, *paths], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True)
    after = os.times()
    spent = after.children_user + after.children_system - before.children_user - before.children_system
    return spent, done.stdout.count(b"\n")


def judge(folder, messages):
    """Processor time in seconds of the three stages."""
    said = subprocess.run([BIN.parent / "tests" / "judge_speed", "--deliveries", str(messages), folder], capture_output=True, text=True,
                          check=True).stdout
    spent = sum(float(re.search(rf"^{re.escape(stage)} +([\d.]+)", said, re.M)[1]) for stage in STAGES)
    return spent * 1e-6 * messages


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--times", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    paths = [arguments.folder] * arguments.times
    lines, json, judged = [], [], []
    for _ in range(arguments.rounds):
        spent, messages = classify(paths)
        lines.append(spent)
        json.append(classify(paths, "--format", "json")[0])
        judged.append(judge(arguments.folder, messages))
    reference = min(judged)
    print(f"{messages} messages, µs of processor time each, the smallest of {arguments.rounds}")
    for name, spent in (("read, parse and judge", reference), ("classify", min(lines)), ("classify --format json", min(json))):
        print(f"{name:<24}{spent * 1e6 / messages:>8.1f}{spent / reference:>8.2f}")


if __name__ == "__main__":
    main()
