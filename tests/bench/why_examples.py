#!/usr/bin/env python3
"""Writes docs/why.md: what `blowback why` says of five senders of real mail.

    python3 tests/bench/why_examples.py CORPUS > docs/why.md      CORPUS: a folder with labels.tsv and dev/

The messages are as they were found, without the Received: fields in their own header; envelope and trace are ours
(documentation addresses; the trap is whom the message is addressed to), since the collections they come from kept no envelope.
Nothing is edited but the heading of each example."""

import base64
import email
import email.utils
import json
import pathlib
import re
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "integration"))
from harness import BIN, Blowback  # noqa: E402

# Address, helo, what the reader is told, and by which product and cause its messages are chosen.
SENDERS = (
    ("192.0.2.10", "mx.example.com", "A Postfix that takes mail for users it doesn't have", "postfix", "unknown_user", 5),
    ("192.0.2.20", "mail.example.net", "A qmail, which takes any recipient by design", "qmail", None, 5),
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


def addressee(path):
    """The first address of To:, "" where there is none."""
    to = email.message_from_bytes(pathlib.Path(path).read_bytes()).get_all("To", [])
    return next((address.lower() for _, address in email.utils.getaddresses(map(str, to)) if re.fullmatch(r"[\w.+-]+@[\w.-]+", address)), "")


def as_received(path, address, helo):
    """The message behind our own Received: field instead of those that it had."""
    header, end, body = pathlib.Path(path).read_bytes().replace(b"\r\n", b"\n").partition(b"\n\n")
    header = re.sub(rb"(?im)^received:.*\n(?:[ \t].*\n)*", b"", header + b"\n")
    return (f"Received: from {helo} ({helo} [{address}]) by mx.trap.example.net (Postfix) with ESMTP id 4F0000; "
            "Tue, 24 Nov 2026 10:00:00 +0000 (UTC)\n").encode() + header.rstrip(b"\n") + end + body


def main(corpus):
    known = verdicts(corpus)
    chosen = {}
    for address, _, _, product, cause, count in SENDERS:
        by_trap = {}
        for path, _, its_cause, its_product in known:
            if its_product == product and cause in (None, its_cause) and addressee(path):
                by_trap.setdefault(addressee(path), path)
        chosen[address] = list(by_trap.items())[:count]
        if len(chosen[address]) < count:
            sys.exit(f"{product}, {cause}: {len(chosen[address])} addressees, {count} are wanted")
    traps = sorted({trap for pairs in chosen.values() for trap, _ in pairs})
    with Blowback(feeds=[{"name": "traps", "type": "jsonl", "path": "-"}], traps={"domains": None, "addresses": traps}) as b:
        lines = []
        minute = 0
        began = time.time() - 3 * 3600
        for address, helo, _, _, _, _ in SENDERS:
            for trap, path in chosen[address]:
                minute += 7
                lines.append(json.dumps({
                    "received_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(began + 60 * minute)),
                    "client_ip": address, "helo": helo, "mail_from": "", "rcpt_to": [trap],
                    "message_base64": base64.b64encode(as_received(path, address, helo)).decode()}))
        fed = b.run("blowback-ingest", "--once", stdin=("\n".join(lines) + "\n").encode())
        if fed.returncode != 0:
            sys.exit(fed.stderr)
        print("# What an accused postmaster reads\n\n`blowback why` of five senders. The messages are real ones, as public collections keep them; the envelopes "
              "and our own\ntrace are made up, with documentation addresses, since the collections kept none. Made by `tests/bench/why_examples.py`.")
        for address, _, title, _, _, _ in SENDERS:
            print(f"\n## {title}\n\n    $ blowback why {address}")
            for line in b.cli("why", address).stdout.splitlines():
                print(f"    {line}".rstrip())


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
