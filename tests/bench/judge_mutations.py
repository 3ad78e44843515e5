#!/usr/bin/env python3
"""Whether the judge's verdict stays if a message is rewritten without harm, in ten ways (rewritings.py).

    judge_mutations.py [--judge JUDGE_QUALITY] [--list FILE] [--only NAME,…] [--keep FOLDER] [PATH…] [--labels LABELS PATH…]…

PATH: files and folders of messages. LABELS as for judge_quality; without labels, backscatter is what the judge calls so before the rewriting.
--list writes every verdict that changed, --keep keeps the rewritten messages.

Messages without anything to rewrite don't count. Backscatter keeps its kind if the verdict is the same as before, or one that the label accepts;
likewise its cause. Exits 1 if less than 99.5 % of rewritten backscatter keeps its kind, less than 99 % its cause, or if any innocent mail
becomes backscatter.
"""

import pathlib
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from judged import BACKSCATTER, JUDGE, judge, parse_arguments  # noqa: E402
from rewritings import REWRITINGS, Entity  # noqa: E402

WANTED_KIND = 99.5
WANTED_CAUSE = 99.0


def percent(part, whole):
    return 100.0 * part / whole if whole else 100.0


class Count:
    """Of one rewriting, or of all."""

    def __init__(self):
        self.backscatter = self.kept_kind = self.kept_cause = self.innocent = self.accused = 0

    def __iadd__(self, other):
        for name, value in vars(other).items():
            setattr(self, name, getattr(self, name) + value)
        return self

    def row(self, name):
        return (
            f"{name:<18}{self.backscatter:>12}{percent(self.kept_kind, self.backscatter):>12.2f} %"
            f"{percent(self.kept_cause, self.backscatter):>12.2f} %{self.innocent:>12}{self.accused:>10}"
        )


def compare(before, after, labels, path, count):
    """Counts one message; returns what changed, or None."""
    label = labels.of(path)
    (old_kind, old_cause), (kind, cause) = before, after
    changed = None
    if label.is_backscatter() if label else old_kind in BACKSCATTER:
        count.backscatter += 1
        same_kind = kind == old_kind or bool(label and label.kind_is_right(kind))
        same_cause = cause == old_cause or bool(label and label.causes[0] != "-" and label.cause_is_right(cause))
        count.kept_kind += same_kind
        count.kept_cause += same_cause
        if not same_kind:
            changed = "kind"
        elif not same_cause:
            changed = "cause"
    else:
        count.innocent += 1
        if kind in BACKSCATTER and old_kind not in BACKSCATTER:
            count.accused += 1
            changed = "ACCUSED"
    return changed


def main(arguments):
    parsed = parse_arguments(arguments, ("--judge", "--list", "--only", "--keep"))
    if parsed is None or not parsed[1]:
        sys.exit(__doc__.split("\n\n")[1])
    _, paths, labels, options = parsed
    program = options.get("--judge", JUDGE)
    names = options["--only"].split(",") if "--only" in options else list(REWRITINGS)
    if wrong := set(names) - set(REWRITINGS):
        sys.exit(f"--only: there is no rewriting {', '.join(sorted(wrong))}; there are {', '.join(REWRITINGS)}")
    # What has no header isn't a message.
    before = {path: verdict for path, verdict in judge(paths, program).items() if Entity.parse(pathlib.Path(path).read_bytes()).fields}
    total, changes = Count(), []
    print(f"{'rewriting':<18}{'backscatter':>12}{'keeps kind':>14}{'keeps cause':>14}{'innocent':>12}{'accused':>10}")
    with tempfile.TemporaryDirectory(prefix="mutations.") as scratch:
        for name in names:
            folder = pathlib.Path(options.get("--keep", scratch)) / name
            folder.mkdir(parents=True, exist_ok=True)
            of_file = {}
            for number, path in enumerate(before):
                octets = pathlib.Path(path).read_bytes()
                new = REWRITINGS[name](octets)
                if new != octets:
                    file = folder / f"{number:06d}-{pathlib.Path(path).name}"
                    file.write_bytes(new)
                    of_file[str(file)] = path
            count = Count()
            for file, after in (judge([folder], program) if of_file else {}).items():
                if file not in of_file:
                    continue
                path = of_file[file]
                what = compare(before[path], after, labels, path, count)
                if what:
                    changes.append((what, name, path, before[path], after))
            print(count.row(name), flush=True)
            total += count
    print(total.row("all"))
    lines = [f"{what}\t{name}\t{path}\t{' '.join(old)}\t{' '.join(new)}" for what, name, path, old, new in changes]
    if "--list" in options:
        pathlib.Path(options["--list"]).write_text("".join(line + "\n" for line in lines), errors="surrogateescape")
    else:
        print("\n".join(["", *lines]) if lines else "")
    kind, cause = percent(total.kept_kind, total.backscatter), percent(total.kept_cause, total.backscatter)
    print(f"\nkeeps kind {kind:.2f} % (wanted {WANTED_KIND})   keeps cause {cause:.2f} % (wanted {WANTED_CAUSE})   accused {total.accused} (required 0)")
    return 0 if kind >= WANTED_KIND and cause >= WANTED_CAUSE and total.accused == 0 else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
