"""What the judge says of mail, and whether that is right: for judge_diff.py and judge_mutations.py. The rules are those of judge_quality."""

import pathlib
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]
JUDGE = ROOT / "build/release/tests/judge_quality"
BACKSCATTER = frozenset(("dsn", "challenge", "virus_notice", "auto_reply", "mdn", "callout"))


class Label:
    def __init__(self, kinds, causes):
        self.kinds, self.causes = kinds.split("|"), causes.split("|")

    def is_backscatter(self):
        return self.kinds[0] in BACKSCATTER

    def kind_is_right(self, kind):
        return kind in self.kinds if self.is_backscatter() else kind not in BACKSCATTER

    def cause_is_right(self, cause):
        return not self.is_backscatter() or self.causes[0] == "-" or cause in self.causes


def read_labels(path):
    """By file name. Lines are `file TAB kind TAB cause`; further columns are ignored."""
    out = {}
    for line in pathlib.Path(path).read_text().splitlines():
        columns = line.split("\t")
        if len(columns) < 3:
            raise SystemExit(f"{path}: a line without three columns: {line}")
        out[columns[0]] = Label(columns[1], columns[2])
    return out


class Labels:
    """Of several collections: each file of labels is for the files and folders named with it, or for all if none is named."""

    def __init__(self):
        self.groups = []  # (labels, folders)

    def add(self, path, folders):
        self.groups.append((read_labels(path), [pathlib.Path(folder) for folder in folders]))

    def of(self, path):
        """The label of a file, or None."""
        path = pathlib.Path(path)
        for labels, folders in self.groups:
            if not folders or any(folder == path or folder in path.parents for folder in folders):
                return labels.get(path.name)
        return None


def parse_arguments(arguments, options=(), words=0):
    """`[WORD…] [PATH…] [--labels FILE PATH…]…`, as judge_quality has them, and options with a value. Paths that are named before any labels belong to
    the first ones. Returns the first `words` arguments, all paths, the labels, and the values of the options by name; None if that isn't possible."""
    first, groups, values, rest = [], [], {}, list(arguments)
    while rest:
        word = rest.pop(0)
        if not word.startswith("--"):
            (groups[-1][1] if groups else first).append(word)
        elif not rest or word not in ("--labels", *options):
            return None
        elif word == "--labels":
            groups.append((rest.pop(0), []))
        else:
            values[word] = rest.pop(0)
    if len(first) < words:
        return None
    words, first = first[:words], first[words:]
    if groups:
        groups[0][1][:0] = first
    labels = Labels()
    for file, folders in groups:
        labels.add(file, folders)
    return words, [path for _, folders in groups for path in folders] if groups else first, labels, values


def verdicts_in(text):
    """From lines `path TAB kind TAB cause`."""
    out = {}
    for line in text.splitlines():
        columns = line.split("\t")
        if len(columns) < 3:
            raise SystemExit(f"not a line `path TAB kind TAB cause`: {line}")
        out[columns[0]] = (columns[1], columns[2])
    return out


def judge(paths, judge=JUDGE, options=()):
    """The verdicts on files and folders, by path."""
    said = subprocess.run([judge, *options, *paths], stdout=subprocess.PIPE, check=True)
    return verdicts_in(said.stdout.decode("utf-8", "surrogateescape"))
