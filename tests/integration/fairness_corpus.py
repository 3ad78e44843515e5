#!/usr/bin/env python3
"""How much of the true backscatter in the corpus still counts against its sender, and why the rest doesn't.

Each message is a trap delivery with the envelope of `envelope.tsv`: the reverse-path where it is known, the addressee as the
trap. Who connected is read from the trace; where that is in doubt, the table's first public address or one made up stands for it.
The corpus (../shared/corpus) isn't a part of the project; without it this test is skipped."""

import base64
import collections
import csv
import datetime
import email
import email.utils
import json
import os
import pathlib
import sqlite3
import sys
import unittest

from harness import ROOT, Blowback

CORPUS = pathlib.Path(os.environ.get("BLOWBACK_CORPUS") or ROOT.parent / "shared" / "corpus")
BACKSCATTER = {"dsn", "auto_reply", "challenge", "virus_notice", "mdn"}
RELAYED = ("no", "trace", "submission", "mailing-list", "forwarder", "recipient")
START = datetime.datetime(2020, 1, 1, tzinfo=datetime.timezone.utc)
# Of the messages with a null reverse-path.
WANTED = 0.95


def table(name, reader):
    with open(CORPUS / name, newline="") as file:
        return list(reader(file, delimiter="\t"))


def deliveries():
    """(file, label, envelope's reverse-path, JSON line without a client, the client to name where the trace doesn't)."""
    labels = {row[0]: row[1] for row in table("labels.tsv", csv.reader)}
    for n, row in enumerate(table("envelope.tsv", csv.DictReader)):
        path = CORPUS / "dev" / row["file"]
        if row["file"] not in labels or not path.is_file():
            continue
        content = path.read_bytes()
        to = email.utils.getaddresses(email.message_from_bytes(content).get_all("To", []))
        recipient = next((address for _, address in to if "@" in address), "a@trap.example.net")
        recipient = recipient.encode("ascii", "replace").decode()
        line = {"received_at": (START + datetime.timedelta(seconds=n)).strftime("%Y-%m-%dT%H:%M:%SZ"),
                "rcpt_to": [recipient], "message_base64": base64.b64encode(content).decode()}
        if row["return_path"].startswith("null"):
            line["mail_from"] = ""
        elif row["return_path"] == "set":
            line["mail_from"] = "somebody@sender.example"
        client = row["first_public_ip"] if row["first_public_ip"] != "-" else f"77.{n >> 8}.{n & 255}.9"
        yield row["file"], labels[row["file"]], row["return_path"], line, client


def at(line):
    return int(datetime.datetime.fromisoformat(line["received_at"].replace("Z", "+00:00")).timestamp())


class Corpus(unittest.TestCase):
    def test_true_backscatter_with_a_null_reverse_path_still_counts(self):
        given = list(deliveries())
        with Blowback(traps={"domains": [], "addresses": []}, feeds=[{"name": "corpus", "type": "jsonl"}]) as b:
            b.feeds[0]["path"] = str(b.dir / "corpus.jsonl")
            b.write_config()

            def ingest(lines):
                with open(b.dir / "corpus.jsonl", "a") as out:
                    out.writelines(json.dumps(line) + "\n" for line in lines)
                done = b.start_ingest(once=True)
                self.assertEqual(done.process.returncode, 0, done.log()[-2000:])

            def recorded():
                with sqlite3.connect(b.database) as db:
                    return {row[0]: row[1:] for row in db.execute(
                        "SELECT received_at, facts & 7, facts >> 7 & 3, facts >> 9 & 7, facts >> 12 & 1, origin, mailbox FROM evidence")}

            ingest(line for _, _, _, line, _ in given)
            first = recorded()
            ingest({**line, "client_ip": client} for _, _, _, line, client in given if at(line) not in first)
            found = recorded()

        counts = collections.Counter()
        with_null = counted_null = origins = mailboxes = 0
        lost = []
        for file, label, path, line, _ in given:
            row = found.get(at(line))
            if not set(label.split("|")) & BACKSCATTER or row is None:
                continue
            kind, reverse_path, relayed, doubtful, origin, mailbox = row
            why = ("relayed" if relayed else "doubtful-boundary" if doubtful
                   else ("counted", "set-reverse-path", "unknown-reverse-path")[reverse_path])
            counts[why] += 1
            with_null += path.startswith("null")
            counted_null += path.startswith("null") and why == "counted"
            origins += why == "counted" and origin != ""
            mailboxes += why == "counted" and mailbox != ""
            if why != "counted":
                lost.append(f"{file}\t{why}{': ' + RELAYED[relayed] if relayed else ''}")
        print(f"\n{sum(counts.values())} of true backscatter: {dict(counts)}")
        print(f"of {with_null} with a null reverse-path {counted_null} count; of those that count, {origins} name an origin and "
              f"{mailboxes} a mailbox")
        print("\n".join(lost), flush=True)
        self.assertGreater(with_null, 100)
        self.assertGreaterEqual(counted_null / with_null, WANTED)
        self.assertEqual(counts["doubtful-boundary"], 0)


if __name__ == "__main__":
    if not (CORPUS / "dev").is_dir():
        print(f"skipped: no corpus at {CORPUS}")
        sys.exit(77)
    unittest.main(verbosity=2)
