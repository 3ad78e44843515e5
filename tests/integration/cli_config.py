#!/usr/bin/env python3
"""`blowback config check|show`: whether the daemons could work by a config, with the line of what is wrong; and all that is in force."""

import json
import os
import pwd
import re
import subprocess
import unittest

from harness import ROOT, Blowback, free_port, program

KEYS = re.findall(r'"([\w.]+)"', re.search(r"kAllKeys = .*?\{(.*?)\}\);", (ROOT / "config" / "config.cc").read_text(), re.S)[1])


def line_of(b, text):
    """`FILE:LINE` of the first line with that text."""
    return f"{b.config}:{next(n for n, line in enumerate(b.config.read_text().splitlines(), 1) if text in line)}"


class Check(unittest.TestCase):
    def test_a_config_that_works_says_ok_and_what_it_read(self):
        with Blowback() as b:
            b.sections["server"]["status_socket"] = str(b.dir / "server.sock")
            b.feeds.append({"name": "door", "type": "smtp", "listen": [f"127.0.0.1:{free_port()}", f"unix:{b.dir}/smtp"]})
            b.write_config()
            self.assertEqual(b.cli("db", "migrate").returncode, 0)
            done = b.cli("config", "check")
            self.assertEqual((done.returncode, done.stderr), (0, ""), done.stdout)
            self.assertNotIn("problem  ", done.stdout)
            for text in (str(b.config), str(b.database), f"Maildir {b.maildir}", "feed door", f"unix:{b.dir}/smtp", "0 problem"):
                self.assertIn(text, done.stdout)

    def test_a_mistake_is_told_with_its_line_and_exit_2(self):
        with Blowback() as b:
            good = b.config.read_text()
            b.config.write_text(good.replace('ttl = "5m"', 'ttl = "5"').replace("workers = 2", "wokers = 2"))
            done = b.cli("config", "check")
            self.assertEqual((done.returncode, done.stdout), (2, ""))
            self.assertIn(line_of(b, 'ttl = "5"'), done.stderr)
            self.assertIn(line_of(b, "wokers"), done.stderr)

    def test_what_cannot_work_is_told_with_its_line_and_exit_1(self):
        with Blowback() as b:
            self.assertEqual(b.cli("db", "migrate").returncode, 0)
            good_sections, good_feeds = json.dumps(b.sections), json.dumps(b.feeds)

            def database_nowhere():
                b.sections["database"] = str(b.dir / "nowhere" / "blowback.db")
                return "database =", "nowhere", None

            def another_programs_file():
                other = b.dir / "letter.txt"
                other.write_text("Dear Sir or Madam, this is no database. " * 20)
                b.sections["database"] = str(other)
                return "database =", "letter.txt", None

            def no_maildir():
                b.feeds[0]["path"] = str(b.dir / "gone")
                return "path =", "gone/new", "ingest"

            def no_certificate():
                b.feeds.append({"name": "door", "type": "smtp", "certificate": str(b.dir / "c.pem"), "key": str(b.dir / "k.pem")})
                return "certificate =", "c.pem", "ingest"

            def a_certificate_that_is_none():
                (b.dir / "c.pem").write_text("nonsense")
                return no_certificate()

            def no_folder_for_a_feeds_socket():
                b.feeds.append({"name": "door", "type": "lmtp", "listen": [f"unix:{b.dir}/nofolder/lmtp"]})
                return "listen = [\"unix:", "nofolder", "ingest"

            def nobody_by_that_name():
                b.sections["server"]["user"] = "nosuchuser"
                return "user =", "nosuchuser", "server"

            def no_file_of_a_feed():
                b.feeds.append({"name": "lines", "type": "jsonl", "path": str(b.dir / "lines.jsonl")})
                return "lines.jsonl", "lines.jsonl doesn't exist, so ingest can't read it", "ingest"

            def one_witness_where_two_must_agree():
                b.sections["traps"] = {"domains": ["trap.example.net"]}
                b.sections.setdefault("policy", {})["distinct_traps"] = 2
                return "domains =", "no sender will ever be listed", "ingest"

            def no_feed():
                b.feeds.clear()
                return None, "none are configured", "ingest"

            for breaks in (database_nowhere, another_programs_file, no_maildir, no_certificate, a_certificate_that_is_none,
                           no_folder_for_a_feeds_socket, nobody_by_that_name, no_file_of_a_feed, one_witness_where_two_must_agree,
                           no_feed):
                with self.subTest(breaks.__name__):
                    b.sections, b.feeds[:] = json.loads(good_sections), json.loads(good_feeds)
                    written, found, daemon = breaks()
                    b.write_config()
                    done = b.cli("config", "check")
                    self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
                    problem = next(line for line in done.stdout.splitlines() if line.startswith("problem"))
                    self.assertIn(found, problem)
                    self.assertIn(line_of(b, written) if written else str(b.config), problem)
                    # The other daemon isn't kept from its reload by what doesn't concern it.
                    for name in ("server", "ingest"):
                        expected = 0 if daemon and daemon != name else 1
                        self.assertEqual(b.cli("config", "check", "--daemon", name).returncode, expected, name)

    def test_a_database_that_ingest_will_make_is_its_business_and_not_the_servers(self):
        with Blowback() as b:
            self.assertEqual(b.cli("config", "check", "--daemon", "ingest").returncode, 0)
            for daemon in ("server", None):
                done = b.cli("config", "check", *(["--daemon", daemon] if daemon else []))
                self.assertEqual(done.returncode, 0, done.stdout)
                self.assertIn("start blowback-ingest first, which creates it", done.stdout)
                self.assertRegex(done.stdout, r"(?m)^warning .* database ")
            self.assertFalse(b.database.exists(), "it only looks")

    def test_it_sees_what_the_user_who_runs_it_may_do(self):
        if os.geteuid() != 0:
            self.skipTest("needs root, to become somebody else")
        nobody = pwd.getpwnam("nobody")
        with Blowback() as b:
            self.assertEqual(b.cli("db", "migrate").returncode, 0)
            os.chmod(b.dir, 0o755)
            done = subprocess.run([program("blowback"), "--config", str(b.config), "config", "check"], capture_output=True, text=True,
                                  timeout=60, user=nobody.pw_uid, group=nobody.pw_gid, extra_groups=[])
            self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
            self.assertIn("this user can't write to it", done.stdout)

    def test_findings_as_json(self):
        with Blowback() as b:
            findings = b.cli_json("config", "check", "--daemon", "ingest")
            self.assertEqual({finding["state"] for finding in findings}, {"ok"})
            self.assertIn({"check": "feed traps", "state": "ok", "source": line_of(b, "path ="), "found": f"Maildir {b.maildir}", "mend": None}, findings)


class Show(unittest.TestCase):
    def test_every_key_is_shown_with_where_it_comes_from(self):
        with Blowback() as b:
            b.feeds += [{"name": name, "type": name} for name in ("mbox", "stdin", "smtp", "milter")]
            b.sections["transfer"] = {"key": [{"name": "xfr.example.org", "secret_file": str(b.dir / "key")}]}
            b.write_config()
            done = b.cli("config", "show")
            self.assertEqual(done.returncode, 0, done.stderr)
            lines = done.stdout.splitlines()
            self.assertEqual(lines[0], f"# {b.config}")
            shown, table = set(), ""
            for line in lines[1:]:
                if heading := re.fullmatch(r"\[+([\w.]+)\]+", line):
                    table = heading[1] + "."
                elif key := re.match(r"(?:# )?(\w+) = ", line):
                    shown.add(table + key[1])
                    self.assertRegex(line, r"  # (default|line \d+)(: .*)?$")
            self.assertEqual(set(KEYS) | {"feed.name"}, shown)
            number = line_of(b, "workers").rpartition(":")[2]
            self.assertIn(f"{'workers = 2':<40}  # line {number}", lines)
            self.assertIn(f"{'tcp_connections = 512':<40}  # default", lines)
            # What is shown is a config, and the same one.
            again = b.dir / "shown.toml"
            again.write_text(done.stdout)
            values = [line.partition("  # ")[0].rstrip() for line in lines[1:]]
            shown_again = subprocess.run([program("blowback"), "--config", str(again), "config", "show"], capture_output=True, text=True, timeout=60)
            self.assertEqual(shown_again.returncode, 0, shown_again.stderr)
            self.assertEqual([line.partition("  # ")[0].rstrip() for line in shown_again.stdout.splitlines()[1:]], values)

    def test_a_secret_is_masked(self):
        with Blowback(server={"cookie_secrets": ["00112233445566778899aabbccddeeff"]}) as b:
            done = b.cli("config", "show")
            self.assertNotIn("00112233445566778899aabbccddeeff", done.stdout)
            self.assertRegex(done.stdout, r'# cookie_secrets = \["…"\] +# line \d+: set, and not shown')


if __name__ == "__main__":
    unittest.main(verbosity=2)
