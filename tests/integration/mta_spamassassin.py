#!/usr/bin/env python3
"""SpamAssassin with the snippet of deploy/mta/spamassassin: real scans of mail in the form that an MTA passes on, the list behind Unbound."""

import pathlib
import re
import shutil
import subprocess
import time
import unittest

import harness
from mta import BOUNCER, BOUNCER6, BY_HAND, CALLER, FRESH, PATIENT, RECIPIENT, SENDER, UNLISTED, ListBehindUnbound, enter_namespaces, snippet
from harness import PATIENCE


class SpamAssassinInSafeMode(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.list = ListBehindUnbound().__enter__()
        cls.addClassCleanup(cls.list.__exit__, None, None, None)
        # Only the plugins and rules under test: the whole set takes seconds to compile.
        cls.rules, cls.site = cls.list.b.dir / "rules", cls.list.b.dir / "site"
        cls.rules.mkdir()
        cls.site.mkdir()
        for name in ("10_default_prefs.cf", "20_aux_tlds.cf"):
            shutil.copy(PACKAGE / "usr/share/spamassassin" / name, cls.rules)
        (cls.site / "init.pre").write_text("loadplugin Mail::SpamAssassin::Plugin::DNSEval\nloadplugin Mail::SpamAssassin::Plugin::Check\n")
        (cls.site / "local.cf").write_text("""dns_available yes
use_bayes 0
report_safe 0
clear_headers
rbl_timeout 5 2
add_header all Status "_YESNO_, tests=_TESTSSCORES(,)_"
""")
        (cls.site / "user_prefs").write_text("")
        (cls.site / "blowback.cf").write_text(snippet("spamassassin/blowback.cf"))

    def scan(self, client, sender):
        """The score of the snippet's rule (0 if it didn't match), and the duration of the scan in seconds."""
        literal = f"IPv6:{client}" if ":" in client else client
        mail = (f"Return-Path: <{sender}>\nReceived: from mail.sender.example (unknown [{literal}])\n"
                f"\tby mx.example (Postfix) with ESMTP id 4F00000001\n\tfor <{RECIPIENT}>; {time.strftime('%a, %d %b %Y %H:%M:%S +0000', time.gmtime())}\n"
                f"From: <{sender or 'MAILER-DAEMON@sender.example'}>\nTo: <{RECIPIENT}>\nSubject: hello\n"
                f"Message-ID: <{time.monotonic_ns()}@sender.example>\n\nhello\n")
        began = time.monotonic()
        done = subprocess.run(["perl", "-T", f"-I{PACKAGE}/usr/share/perl5", PACKAGE / "usr/bin/spamassassin", "-C", self.rules,
                               f"--siteconfigpath={self.site}", "-p", self.site / "user_prefs"], input=mail, capture_output=True, text=True,
                              timeout=2 * PATIENT * PATIENCE, check=False)
        seconds = time.monotonic() - began
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        status = re.search(r"(?ms)^X-Spam-Status: (.*?)\n(?!\s)", done.stdout)
        self.assertIsNotNone(status, done.stdout)
        fired = re.search(r"BACKSCATTER_LISTED=([\d.]+)", re.sub(r"\s", "", status[1]))
        return (float(fired[1]) if fired else 0.0), seconds

    def test_spamassassin_lint_accepts_the_snippet(self):
        done = subprocess.run(["perl", "-T", f"-I{PACKAGE}/usr/share/perl5", PACKAGE / "usr/bin/spamassassin", "--lint", "-C", self.rules,
                               f"--siteconfigpath={self.site}", "-p", self.site / "user_prefs"], capture_output=True, text=True, check=False)
        self.assertEqual((done.returncode, done.stderr), (0, ""))

    def test_a_listed_client_with_a_null_sender_is_scored(self):
        for ip in (BOUNCER, BY_HAND, BOUNCER6):
            self.assertEqual(self.scan(ip, "")[0], 4.0, ip)

    def test_the_same_client_with_a_real_sender_is_not(self):
        for ip in (BOUNCER, BOUNCER6):
            self.assertEqual(self.scan(ip, SENDER)[0], 0.0, ip)

    def test_an_unlisted_client_is_not(self):
        self.assertEqual(self.scan(UNLISTED, "")[0], 0.0)

    def test_a_client_listed_for_callouts_only_is_not(self):
        self.assertEqual(self.scan(CALLER, "")[0], 0.0)

    def test_scans_end_in_time_when_our_server_is_dead_or_silent(self):
        for number, how in enumerate(("dead", "silent")):
            with self.list.down(how):
                score, seconds = self.scan(FRESH[number], "")
            print(f"{how}: scanned after {seconds:.1f} s ... ", end="", flush=True)
            self.assertEqual(score, 0.0)
            self.assertLess(seconds, PATIENT * PATIENCE)


if __name__ == "__main__":
    [PACKAGE] = enter_namespaces("spamassassin")
    unittest.main(verbosity=2)
