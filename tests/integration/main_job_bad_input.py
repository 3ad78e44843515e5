#!/usr/bin/env python3
"""Malformed input is logged in one line with its place, counted and quarantined; everything around it is processed."""

import json
import re
import resource
import time
import unittest

from harness import PATIENCE, TRAP_DOMAIN, Blowback, make_dsn, wait_until


def reports(ip, first):
    """Three reports from `ip`, enough for a listing: whether it is listed shows whether they were processed."""
    return [make_dsn(ip, f"{trap}@{TRAP_DOMAIN}", first + k) for k, trap in enumerate("abc")]


def with_nul(message):
    """The same with a NUL octet in a field, which some programs let through."""
    return message.replace(b"Subject: Und", b"Subject: Und\0", 1)


def as_json(message, ip, trap, **more):
    return json.dumps({"received_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), "client_ip": ip, "helo": "mx.sender.example",
                       "mail_from": "", "rcpt_to": [trap], "message": message.decode(), **more})


class BadInput(unittest.TestCase):
    def run_once(self, b, code=0, **more):
        done = b.start_ingest(once=True, **more)
        self.assertEqual(done.process.returncode, code, done.log()[-3000:])
        return done.log()

    def told_once(self, log, *parts):
        """Exactly one log line contains all the parts."""
        lines = [line for line in log.splitlines() if all(part in line for part in parts)]
        self.assertEqual(len(lines), 1, f"lines with {parts} in:\n{log[-3000:]}")
        return lines[0]

    def quarantine(self, b):
        done = b.cli("quarantine", "--format", "json")
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)

    def check_kept(self, b, log, reasons, around):
        """Each reason is in one log line and in the quarantine, the counts agree, and all of `around` is listed."""
        kept = self.quarantine(b)
        self.assertEqual(sorted(entry["reason"] for entry in kept), sorted(reasons), kept)
        for entry in kept:
            self.told_once(log, entry["feed"], entry["reason"], entry["where"])
            self.assertTrue(entry["detail"], entry)
        self.assertEqual(sum(b.feed_counts(feed["name"])["quarantined"] for feed in b.feeds), len(reasons))
        for ip in around:
            self.assertEqual(b.cli("check", ip).returncode, 0, f"{ip} isn't listed: what is around the broken was not processed")

    def test_a_maildir(self):
        with Blowback() as b:
            for n, message in enumerate(reports("192.0.2.1", 0)):
                b.deliver(message, f"0{n}.good")
            # An MTA may have just created the file; one that stays empty for a minute is an error.
            b.deliver(b"", "10.empty", mtime=time.time() - 120)
            b.deliver(b"", "11.new")
            nested = b"".join(f'Content-Type: multipart/mixed; boundary="b{n}"\n\n--b{n}\n'.encode() for n in range(10_000))
            header = make_dsn("192.0.2.66", f"a@{TRAP_DOMAIN}", 66).split(b"MIME-Version")[0]
            b.deliver(header + b"MIME-Version: 1.0\n" + nested + b"Content-Type: text/plain\n\nhello\n", "20.nested")
            for n, message in enumerate(reports("192.0.2.67", 67)):
                b.deliver(with_nul(message), f"3{n}.nul")
            (b.maildir / "new" / "40.folder").mkdir()
            (b.maildir / "new" / "41.dangling").symlink_to(b.dir / "nowhere")
            for n, message in enumerate(reports("192.0.2.2", 10)):
                b.deliver(message, f"9{n}.good")
            # Still being written, so it isn't read.
            (b.maildir / "tmp" / "50.half").write_bytes(make_dsn("192.0.2.68", f"a@{TRAP_DOMAIN}", 68)[:400])
            log = self.run_once(b)
            kept = self.quarantine(b)
            self.check_kept(b, log, [entry["reason"] for entry in kept], ["192.0.2.1", "192.0.2.2", "192.0.2.67"])
            self.assertEqual({entry["where"]: entry["reason"] for entry in kept},
                             {"10.empty": "empty", "20.nested": "too-deep", "40.folder": "unreadable-file",
                              "41.dangling": "unreadable-file"})
            self.assertTrue((b.maildir / "new" / "11.new").exists())
            self.assertTrue((b.maildir / "tmp" / "50.half").exists())
            self.assertEqual(b.cli("check", "192.0.2.68").returncode, 1)
            # Read again, the same files are in quarantine once.
            self.run_once(b)
            self.assertEqual(len(self.quarantine(b)), len(kept))

    def test_a_message_truncated_anywhere_is_counted_and_harmless(self):
        whole = make_dsn("192.0.2.66", f"a@{TRAP_DOMAIN}", 66)
        with Blowback() as b:
            cuts = list(range(1, len(whole), 97))
            for n, cut in enumerate(cuts):
                b.deliver(whole[:cut], f"1{n:03d}.cut")
            for n, message in enumerate(reports("192.0.2.1", 0)):
                b.deliver(message, f"9{n}.good")
            self.run_once(b)
            feed = b.feed_counts()
            self.assertEqual(feed["deliveries"], len(cuts) + 3)
            self.assertEqual(feed["incidents"] + feed["duplicates"] + feed["not_backscatter"] + feed["not_a_trap"] + feed["quarantined"],
                             feed["deliveries"], feed)
            self.assertEqual(b.cli("check", "192.0.2.1").returncode, 0)

    def test_a_message_of_100_megabytes(self):
        with Blowback() as b:
            for n, message in enumerate(reports("192.0.2.1", 0)):
                b.deliver(message, f"0{n}.good")
            huge = b.maildir / "tmp" / "50.huge"
            with open(huge, "wb") as out:
                out.write(make_dsn("192.0.2.66", f"a@{TRAP_DOMAIN}", 66))
                block = b"x" * 76 + b"\n"
                for _ in range(100):
                    out.write(block * (1024 * 1024 // len(block)))
                out.write(block * 20000)
            self.assertGreater(huge.stat().st_size, 100_000_000)
            huge.rename(b.maildir / "new" / "50.huge")
            for n, message in enumerate(reports("192.0.2.2", 10)):
                b.deliver(message, f"9{n}.good")
            log = self.run_once(b)
            self.check_kept(b, log, ["too-large"], ["192.0.2.1", "192.0.2.2"])
            peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024  # of any program run so far
            print(f"\npeak memory with a message of 100 MB: {peak:.0f} MiB")
            if PATIENCE == 1:  # sanitizers need more
                # The message alone has 101 MiB; the judge's patterns take some 70.
                self.assertLess(peak, 95, "MiB: the message was held whole")
            self.told_once(log, "traps", "50.huge", "too-large")

    def test_a_jsonl_file(self):
        with Blowback(feeds=[]) as b:
            path = b.dir / "deliveries.jsonl"
            b.feeds = [{"name": "partner", "type": "jsonl", "path": str(path)}]
            b.write_config()
            good = [as_json(m, ip, f"{t}@{TRAP_DOMAIN}") for ip, first in (("192.0.2.1", 0), ("192.0.2.2", 10))
                    for m, t in zip(reports(ip, first), "abc", strict=True)]
            bad = ["this is not JSON", '{"client_ip": "192.0.2.9"', "[1, 2, 3]",
                   as_json(b"Subject: x\n\nx\n", "192.0.2.256", f"a@{TRAP_DOMAIN}"), '{"a":' * 10_000 + "1" + "}" * 10_000, "\0\0\0", "\xff"]
            with open(path, "wb") as out:
                for line in good[:3] + bad + good[3:]:
                    out.write(line.encode("latin-1") + b"\n")
            log = self.run_once(b)
            self.check_kept(b, log, [entry["reason"] for entry in self.quarantine(b)], ["192.0.2.1", "192.0.2.2"])
            self.assertEqual(len(self.quarantine(b)), len(bad))
            for line in range(4, 4 + len(bad)):
                self.told_once(log, "feed=partner", f'line {line}"')
            self.assertEqual({e["where"]: e["reason"] for e in self.quarantine(b)}["line 4"], "not-json")

    def test_an_incomplete_last_line_is_read_once_it_is_complete(self):
        with Blowback(feeds=[]) as b:
            path = b.dir / "deliveries.jsonl"
            b.feeds = [{"name": "partner", "type": "jsonl", "path": str(path)}]
            b.write_config()
            text = "\n".join(as_json(m, "192.0.2.1", f"{t}@{TRAP_DOMAIN}") for m, t in zip(reports("192.0.2.1", 0), "abc", strict=True)) + "\n"
            path.write_text(text[:-200])
            b.start_ingest()
            wait_until(lambda: b.database.exists() and b.cli("stats").returncode == 0 and b.feed_counts("partner")["deliveries"] == 2, 10, "the two complete lines are read")
            with open(path, "a") as out:
                out.write(text[-200:])
            wait_until(lambda: b.cli("check", "192.0.2.1").returncode == 0, 10, "the third line, now complete, is read")
            self.assertEqual(b.feed_counts("partner")["quarantined"], 0)

    def test_a_broken_mbox(self):
        with Blowback(feeds=[]) as b:
            path = b.dir / "traps.mbox"
            b.feeds = [{"name": "old", "type": "mbox", "quoting": "mboxrd", "path": str(path)}]
            b.write_config()

            def entry(message):
                return b"From MAILER-DAEMON Tue Nov 24 10:00:00 2026\n" + message + b"\n"

            with open(path, "wb") as out:
                out.write(b"garbage before the first From line\nmore of it\n\n")
                for message in reports("192.0.2.1", 0):
                    out.write(entry(message))
                out.write(entry(b""))
                for message in reports("192.0.2.66", 66):
                    out.write(entry(with_nul(message)))
                for message in reports("192.0.2.2", 10):
                    out.write(entry(message))
                out.write(entry(make_dsn("192.0.2.3", f"a@{TRAP_DOMAIN}", 20))[:300])
            log = self.run_once(b)
            reasons = [e["reason"] for e in self.quarantine(b)]
            self.assertIn("no-from-line", reasons)
            self.check_kept(b, log, reasons, ["192.0.2.1", "192.0.2.2", "192.0.2.66"])

    def test_an_unreadable_feed_does_not_delay_the_others(self):
        with Blowback() as b:
            b.feeds = [{"name": "gone", "type": "maildir", "path": str(b.dir / "nowhere")},
                       {"name": "file", "type": "mbox", "path": str(b.dir / "nowhere.mbox")}, *b.feeds]
            b.write_config()
            for message in reports("192.0.2.1", 0):
                b.deliver(message)
            log = self.run_once(b, code=3)
            self.told_once(log, "feed=gone", str(b.dir / "nowhere"))
            self.told_once(log, "feed=file", str(b.dir / "nowhere.mbox"))
            self.assertEqual(b.cli("check", "192.0.2.1").returncode, 0)

    def test_a_feed_that_becomes_readable_is_read(self):
        with Blowback() as b:
            later = b.dir / "later"
            b.feeds.append({"name": "later", "type": "maildir", "path": str(later)})
            b.write_config()
            daemon = b.start_ingest()
            wait_until(lambda: "feed=later" in daemon.log(), 10, "the missing folder is logged")
            for name in ("tmp", "cur", "new"):
                (later / name).mkdir(parents=True)
            for n, message in enumerate(reports("192.0.2.1", 0)):
                b.deliver(message, maildir=later)
            wait_until(lambda: b.cli("check", "192.0.2.1").returncode == 0, 10, "mail in the folder that was created later is read")
            errors = [line for line in daemon.log().splitlines() if "feed=later" in line and re.search(r" error ", line)]
            self.assertEqual(len(errors), 1, daemon.log())

    def test_a_doubtful_client_is_quarantined_never_guessed(self):
        with Blowback() as b:
            murky = make_dsn("192.0.2.66", f"a@{TRAP_DOMAIN}", 1).replace(b"(mx.sender.example [192.0.2.66])", b"(HELO mx) (10.0.0.5)")
            b.deliver(murky, "10.murky")
            private = make_dsn("192.168.1.5", f"a@{TRAP_DOMAIN}", 2)
            b.deliver(private, "20.private")
            log = self.run_once(b)
            self.check_kept(b, log, ["doubtful-client", "doubtful-client"], [])
            self.assertIn("trusted_relays", self.told_once(log, "20.private"))


if __name__ == "__main__":
    unittest.main(verbosity=2)
