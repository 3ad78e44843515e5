#!/usr/bin/env python3
"""The operator asks the record and takes back mistakes: a policy is tried without effect and foretells a real re-ingest,
a trap is retired under a running ingest, and an undo is in the answers within a second."""

import datetime
import json
import pathlib
import random
import tempfile
import time
import unittest

from harness import TRAP_DOMAIN, Blowback, make_dsn, wait_until

LATER = ("192.0.2.1", "2001:db8:1::/64")
STRICT = {"half_life": "3d", "list_at": 4.0, "distinct_traps": 3, "trap_cap": 1.5, "max_listing": "9d"}


def iso(seconds):
    return datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def seconds(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def line(number, client, trap, at, campaign):
    """A delivery as a jsonl feed has it."""
    return json.dumps({"received_at": iso(at), "client_ip": client, "helo": "mx.sender.example", "mail_from": "",
                       "rcpt_to": [f"{trap}@{TRAP_DOMAIN}"],
                       "message": make_dsn(client, f"{trap}@{TRAP_DOMAIN}", number, campaign=campaign).decode()})


def some_weeks(now, draw):
    """Deliveries of three weeks, by time: IPv4 and IPv6 senders, some heavy, some of one mailing only."""
    clients = [f"192.0.2.{n}" for n in range(1, 30)] + [f"2001:db8:{n}::{draw.randrange(1, 9)}" for n in range(1, 10)]
    found = []
    for number in range(600):
        client = clients[min(draw.randrange(len(clients)), draw.randrange(len(clients)))]
        at = now - draw.randrange(21 * 86400)
        found.append((at, line(number, client, f"t{draw.randrange(7)}", at, draw.randrange(60))))
    return [text for _, text in sorted(found)]


class Trying(unittest.TestCase):
    def test_policy_simulate_foretells_a_re_ingest(self):
        now = int(time.time())
        weeks = some_weeks(now, random.Random(5))
        # A delisting lies between these and the weeks before. They are dated ahead, and so received when they are read.
        later = [line(1000 + n, client, f"t{n}", now + 600 + n, 1000 + n)
                 for client in ("192.0.2.1", "2001:db8:1::7") for n in range(5)]

        with tempfile.TemporaryDirectory() as folder:
            feed = pathlib.Path(folder) / "feed.jsonl"
            feeds = [{"name": "traps", "type": "jsonl", "path": str(feed)}]

            def live_through(b):
                self.assertEqual(b.cli("exempt", "192.0.2.2", "--reason", "ours").returncode, 0)
                feed.write_text("".join(text + "\n" for text in weeks))
                self.assertEqual(b.start_ingest(once=True).process.returncode, 0)
                for network in ("192.0.2.0/29", "2001:db8:1::1"):
                    self.assertIn(b.cli("delist", network, "--reason", "mended").returncode, (0, 1))
                # What comes in the same second as the delisting was received up to it, and counts no more.
                decided = int(time.time())
                wait_until(lambda: int(time.time()) > decided, 3, "the next second")
                with feed.open("a") as more:
                    more.write("".join(text + "\n" for text in later))
                self.assertEqual(b.start_ingest(once=True).process.returncode, 0)
                self.assertEqual(b.feed_counts()["incidents"], len(weeks) + len(later))

            with Blowback(feeds=feeds) as b, Blowback(feeds=feeds, policy=STRICT) as strict:
                live_through(b)
                before = {row["prefix"]: row["expires_at"] for row in b.cli_json("listings")}
                said = b.cli_json("policy", "simulate", strict.config)
                self.assertEqual({row["prefix"]: row["expires_at"] for row in b.cli_json("listings")}, before, "it only looks")
                live_through(strict)
                listings = strict.cli_json("listings")

            foretold = {row["sender"]: (row["until_after"], row["codes"]) for row in said if row["change"] != "gone"}
            came = {row["prefix"]: (row["expires_at"], row["codes"]) for row in listings}
            self.assertEqual({sender: codes for sender, (_, codes) in foretold.items()}, {sender: codes for sender, (_, codes) in came.items()})
            for sender, (until, _) in foretold.items():
                if sender in LATER:  # read some seconds later the second time
                    self.assertLess(abs(seconds(until) - seconds(came[sender][0])), 600, sender)
                else:
                    self.assertEqual(until, came[sender][0], sender)
            self.assertEqual({row["sender"]: row["until_before"] for row in said if row["change"] != "listed"}, before)
            changes = [row["change"] for row in said]
            self.assertGreater(changes.count("gone"), 3, "or this shows nothing")
            self.assertGreater(changes.count("stays"), 3, "or this shows nothing")
            self.assertNotIn("192.0.2.2", [row["sender"] for row in said])

    def test_a_policy_alone_is_tried_as_well(self):
        with Blowback() as b:
            b.list_sender("192.0.2.1")
            self.assertEqual(b.start_ingest(once=True).process.returncode, 0)
            tried = b.dir / "tried.toml"
            tried.write_text("[policy]\nlist_at = 2.0\n")  # all else stays as it is in the config
            done = b.cli("policy", "simulate", tried)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertRegex(done.stdout, r"^policy.list_at = 2 instead of 3\n")
            self.assertRegex(done.stdout, r"stays +192\.0\.2\.1 ")
            tried.write_text("[policy]\nallow_documentation = false\n")
            done = b.cli("policy", "simulate", tried)
            self.assertRegex(done.stdout, r"gone +192\.0\.2\.1 ")
            self.assertIn("1 listed now, 0 would be", done.stdout)


class Traps(unittest.TestCase):
    def test_a_trap_retired_under_a_running_ingest_is_left_alone_at_once(self):
        with Blowback() as b:
            self.assertEqual(b.cli("db", "migrate").returncode, 0)  # so that it can be asked from the first moment
            b.start_ingest()
            b.list_sender("192.0.2.1", traps=("a", "b"))
            wait_until(lambda: b.feed_counts()["incidents"] == 2, 10, "two incidents")
            self.assertEqual(b.cli("traps", "retire", f"b@{TRAP_DOMAIN}", "--reason", "in use again").returncode, 0)
            b.list_sender("192.0.2.1", traps=("b", "b", "b"))
            wait_until(lambda: b.feed_counts()["not_a_trap"] == 3, 10, "three left alone")
            self.assertEqual(b.feed_counts()["incidents"], 2)
            self.assertEqual(b.cli("check", "192.0.2.1").returncode, 1)
            states = {row["trap"]: (row["state"], row["incidents"]) for row in b.cli_json("traps") if row["state"] != "never hit"}
            self.assertEqual(states, {f"a@{TRAP_DOMAIN}": ("hit", 1), f"b@{TRAP_DOMAIN}": ("retired", 1)})
            self.assertEqual(b.cli("undo", b.cli_json("log")[0]["id"], "--reason", "not so").returncode, 0)
            b.list_sender("192.0.2.1", traps=("b",))
            wait_until(lambda: b.feed_counts()["incidents"] == 3, 10, "it counts again")
            self.assertEqual(b.cli("check", "192.0.2.1").returncode, 0)


class Undo(unittest.TestCase):
    def test_what_is_undone_is_in_the_answers_within_a_second(self):
        with Blowback() as b:
            b.list_sender("192.0.2.1")
            self.assertEqual(b.start_ingest(once=True).process.returncode, 0)
            b.start_server()

            def undo_latest():
                done = b.cli("undo", b.cli_json("log", "--most", "1")[0]["id"], "--reason", "a mistake")
                self.assertEqual(done.returncode, 0, done.stderr)

            self.assertTrue(b.listed("192.0.2.1"))
            b.cli("delist", "192.0.2.1", "--reason", "wrong one")
            b.wait_not_listed("192.0.2.1")
            undo_latest()
            b.wait_listed("192.0.2.1")

            b.cli("exempt", "192.0.2.0/24", "--reason", "wrong network")
            b.wait_not_listed("192.0.2.1")
            undo_latest()
            b.wait_listed("192.0.2.1")

            b.cli("import", "-", "--reason", "wrong file", stdin=b"198.51.100.0/24\n2001:db8:7::/48\n")
            b.wait_listed("198.51.100.77")
            undo_latest()
            b.wait_not_listed("198.51.100.77")
            self.assertFalse(b.listed("2001:db8:7::1"))
            self.assertEqual(b.cli("db", "check").stdout, "ok\n")


if __name__ == "__main__":
    unittest.main()
