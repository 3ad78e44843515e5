#!/usr/bin/env python3
"""Writes docs/why.md: what `blowback why` says of five senders of real mail.

    python3 tests/bench/why_examples.py CORPUS > docs/why.md      CORPUS: a folder with labels.tsv and dev/

The messages are as they were found; the envelopes are ours (documentation addresses, one trap after the other), since the
collections they come from kept none. Nothing is edited but the heading of each example."""

import base64
import json
import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "integration"))
from harness import BIN, TRAP_DOMAIN, Blowback  # noqa: E402

# Address, helo, what the reader is told, and by which product and cause its messages are chosen.
SENDERS = (
    ("192.0.2.10", "mx.example.com", "A Postfix that takes mail for users it doesn't have", "postfix", "unknown_user", 5),
    ("192.0.2.20", "mail.example.net", "A qmail, which takes any recipient by design", "qmail", "unknown_user", 5),
    ("192.0.2.30", "edge.example.org", "An Exchange that takes mail first", "exchange", "unknown_user", 4),
    ("198.51.100.40", "gw.example.com", "A filter behind the queue that tells the sender", "amavis", None, 4),
    ("203.0.113.50", "mail.example.edu", "A Sendmail in trouble, seen once", "sendmail", "system", 1),
)


def verdicts(corpus):
    """(path, kind, cause, product) of every message that is backscatter."""
    said = subprocess.run([BIN / "blowback", "classify", "--explain", corpus / "dev"], capture_output=True, text=True, check=True)
    found = []
    for line in said.stdout.splitlines():
        if not line.startswith("    "):
            path, kind, cause, _ = line.split("\t")
            found.append([path, kind, cause, ""])
        elif line.startswith("    product"):
            found[-1][3] = line[21:].strip()
    return [tuple(one) for one in found if one[1] not in ("-", "feedback", "not_backscatter")]


def main(corpus):
    known = verdicts(corpus)
    with Blowback(feeds=[{"name": "traps", "type": "jsonl", "path": "-"}]) as b:
        lines = []
        minute = 0
        for address, helo, _, product, cause, count in SENDERS:
            chosen = [one[0] for one in known if one[3] == product and cause in (None, one[2])][:count]
            if len(chosen) < count:
                sys.exit(f"{product}, {cause}: {len(chosen)} messages, {count} are wanted")
            for n, path in enumerate(chosen):
                minute += 7
                lines.append(json.dumps({
                    "received_at": f"2026-11-24T{8 + minute // 60:02}:{minute % 60:02}:00Z",
                    "client_ip": address, "helo": helo, "mail_from": "", "rcpt_to": [f"trap{n}@{TRAP_DOMAIN}"],
                    "message_base64": base64.b64encode(pathlib.Path(path).read_bytes()).decode()}))
        fed = b.run("blowback-ingest", "--once", stdin=("\n".join(lines) + "\n").encode())
        if fed.returncode != 0:
            sys.exit(fed.stderr)
        print("# What an accused postmaster reads\n\n`blowback why` of five senders. The messages are real ones, as public collections keep them; the envelopes "
              "are made up, with\ndocumentation addresses, since the collections kept none. Made by `tests/bench/why_examples.py`.")
        for address, _, title, _, _, _ in SENDERS:
            print(f"\n## {title}\n\n    $ blowback why {address}")
            for line in b.cli("why", address).stdout.splitlines():
                print(f"    {line}".rstrip())


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
