#!/usr/bin/env python3
"""What a changed signature, or a changed judge, changes on a whole corpus.

    judge_diff.py [--judge JUDGE_QUALITY] OLD NEW PATH… [--labels LABELS PATH…]…
    judge_diff.py OLD NEW [--labels LABELS PATH…]…

OLD and NEW are each one of: signatures (a `.tsv` file, or a folder with such files), a judge_quality program, a file that `judge_quality PATH… > FILE`
wrote. PATH: files and folders of messages, for the first two. LABELS as for judge_quality; messages without a label show what changed and nothing more.
With two files of verdicts, labels are for the files below the PATHs named with them, or for all if none is named.

Prints a line per changed verdict: `worse`, `better` or `other`, then file, and kind and cause before and after. Exits 1 if a kind or cause that was right
became wrong.
"""

import collections
import os
import pathlib
import re
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from judged import JUDGE, judge, parse_arguments, verdicts_in  # noqa: E402


def verdicts_of(what, paths, program):
    path = pathlib.Path(what)
    if path.is_dir() or (path.suffix == ".tsv" and re.search(r"(?m)^\w\S*[ ]*(\t[^\t\n]*){4}$", path.read_text(errors="replace"))):
        verdicts = judge(paths, program, ["--signatures", path])
    elif os.access(path, os.X_OK):
        verdicts = judge(paths, path)
    else:
        return verdicts_in(path.read_bytes().decode("utf-8", "surrogateescape"))
    if not verdicts:
        raise SystemExit(f"{what}: nothing was judged: name files or folders of messages")
    return verdicts


def grade(label, old, new):
    """`worse`, `better` or `other`."""
    if label is None:
        return "other"
    was, now = ((label.kind_is_right(kind), label.cause_is_right(cause)) for kind, cause in (old, new))
    if any(before and not after for before, after in zip(was, now)):
        return "worse"
    return "better" if was != now else "other"


def main(arguments):
    parsed = parse_arguments(arguments, ("--judge",), words=2)
    if parsed is None:
        sys.exit(__doc__.split("\n\n")[1])
    (old_name, new_name), paths, labels, options = parsed
    program = options.get("--judge", JUDGE)
    old, new = (verdicts_of(name, paths, program) for name in (old_name, new_name))
    counts = collections.Counter()
    for path in sorted(old.keys() & new.keys()):
        if old[path] != new[path]:
            how = grade(labels.of(path), old[path], new[path])
            counts[how] += 1
            print(f"{how}\t{path}\t{' '.join(old[path])}\t{' '.join(new[path])}")
    alone = len(old.keys() ^ new.keys())
    if alone:
        print(f"{alone} files have a verdict on one side only")
    print(f"{sum(counts.values())} of {len(old.keys() & new.keys())} verdicts changed: {counts['worse']} worse, {counts['better']} better, {counts['other']} other")
    return 1 if counts["worse"] else 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except OSError as problem:
        sys.exit(f"judge_diff.py: {problem}")
