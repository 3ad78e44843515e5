#!/usr/bin/env python3
"""The programs that measure the judge tell the truth: rewritings change nothing of what a message says (Python's email package reads both), and
judge_quality, judge_diff.py and judge_mutations.py find the faults that are made for them."""

import email
import email.policy
import html
import pathlib
import random
import re
import subprocess
import sys
import tempfile
import unittest

from harness import BIN, ROOT

BENCH = ROOT / "tests" / "bench"
sys.path.insert(0, str(BENCH))
from rewritings import REWRITINGS, TRACE, Entity  # noqa: E402

JUDGE = BIN.parent / "tests" / "judge_quality"
SAMPLES = sorted((ROOT / "tests/data/mail").glob("*.eml"))

BOUNCE = """Return-Path: <>
Received: from mx.example.com (mx.example.com [192.0.2.1])
\tby mail.trap.example.net (Postfix) with ESMTP id 4F0000
\tfor <trap@trap.example.net>; Tue, 24 Nov 2026 10:00:00 +0000 (UTC)
From: MAILER-DAEMON@mx.example.com
To: trap@trap.example.net
Subject: Undelivered Mail
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="=_one"

--=_one
Content-Type: text/plain; charset=iso-8859-1
Content-Transfer-Encoding: 8bit

Your letter wasn't delivered, and this sentence is longer than the seventy-two columns (\xe9t\xe9).

--=_one
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example.com

Final-Recipient: rfc822; bob@mx.example.com
Action: failed
Status: 5.0.0
Diagnostic-Code: smtp; 550 {}

--=_one
Content-Type: message/rfc822

From: trap@trap.example.net
Subject: hello

Hello.

--=_one--
"""
# Causes without a code, which the signatures alone tell.
SIGNATURES = """# what a test needs
common-word	diagnostic	cause:over_quota	1	zyxword
only-in-red	diagnostic	cause:policy	1	quvword
# one of these is enough, so neither is needed
report	structure	kind:dsn	4	delivery-report
report-by-mailer	structure	kind:dsn	4	delivery-report from-daemon
"""


def as_read(octets):
    """The texts of the parts as the email package decodes them, in their order."""
    message = email.message_from_bytes(octets, policy=email.policy.compat32)
    out = []
    for part in message.walk():
        if part.is_multipart():
            continue
        payload = part.get_payload(decode=True)
        charset = part.get_content_charset("us-ascii")
        try:
            text = payload.decode({"gb2312": "gb18030"}.get(charset, charset))
        except (LookupError, ValueError):
            text = payload.decode("latin-1")
        out.append((part.get_content_type(), "\n".join(line.rstrip() for line in text.splitlines()).rstrip("\n")))
    return out


def fields(octets):
    """Name and unfolded value, white space collapsed, of the message's own fields."""
    return [(field.split(b":", 1)[0].strip(), b" ".join(field.split(b":", 1)[1].split())) for field in Entity.parse(octets).fields]


def without_mime(found):
    return [(name, value) for name, value in found if not name.lower().startswith((b"content-", b"mime-version"))]


class Rewritings(unittest.TestCase):
    """On all samples, of which at least some are rewritten each time."""

    def rewritten(self, name, least):
        pairs = [(path.name, path.read_bytes()) for path in SAMPLES]
        changed = [(file, before, after) for file, before in pairs if (after := REWRITINGS[name](before)) != before]
        self.assertGreater(len(changed), least, "nearly nothing was rewritten")
        return changed

    def test_the_tree_of_any_octets_is_written_as_it_was_read(self):
        chance = random.Random(20261128)
        for path in SAMPLES:
            octets = path.read_bytes()
            self.assertEqual(Entity.parse(octets).octets(), octets, path.name)
            for _ in range(5):
                begin, end = sorted(chance.randrange(len(octets) + 1) for _ in range(2))
                broken = octets[:begin] + chance.choice((b"", b"\0", b"\r", b"\n\n", octets[begin:end] * 2)) + octets[end:]
                self.assertEqual(Entity.parse(broken).octets(), broken, path.name)
                for rewriting in REWRITINGS.values():
                    rewriting(broken)

    def test_refolded_fields_have_the_same_values(self):
        for file, before, after in self.rewritten("refolded", 200):
            with self.subTest(file):
                self.assertEqual(fields(before), fields(after))
                self.assertEqual(as_read(before), as_read(after))

    def test_another_transfer_encoding_and_charset_say_the_same(self):
        for name in ("utf8-base64", "quoted-printable"):
            for file, before, after in self.rewritten(name, 200):
                with self.subTest(file):
                    self.assertEqual(without_mime(fields(before)), without_mime(fields(after)))
                    # Octets that the charset of the part doesn't allow aren't compared.
                    if not any("\ufffd" in text for _, text in as_read(before)):
                        self.assertEqual(as_read(before), as_read(after))

    def test_other_boundaries_delimit_the_same_parts(self):
        for file, before, after in self.rewritten("boundaries", 60):
            with self.subTest(file):
                self.assertEqual(as_read(before), as_read(after))

    def test_the_order_stays_where_it_has_a_meaning(self):
        for file, before, after in self.rewritten("order-and-case", 200):
            with self.subTest(file):
                old, new = ([(name.lower(), value.lower()) for name, value in fields(octets)] for octets in (before, after))
                self.assertEqual(sorted(old), sorted(new))
                traces = [[field for field in found if TRACE.match(field[0])] for found in (old, new)]
                self.assertEqual(*traces)
                for name in {name for name, _ in old}:
                    self.assertEqual([value for n, value in old if n == name], [value for n, value in new if n == name])
                self.assertEqual(as_read(before), as_read(after))

    def test_other_line_ends_are_the_only_difference(self):
        for file, before, after in self.rewritten("line-ends", 200):
            with self.subTest(file):
                self.assertEqual(before.replace(b"\r\n", b"\n"), after.replace(b"\r\n", b"\n"))

    def test_a_relay_adds_fields_on_top_and_changes_nothing_below(self):
        for file, before, after in self.rewritten("relayed", 200):
            with self.subTest(file):
                root = Entity.parse(before)
                self.assertTrue(after.endswith(before[len(root.before) :]))
                self.assertTrue(after.startswith(root.before + b"Received: from mx.relay.example"))

    def test_only_the_returned_original_is_quoted(self):
        for file, before, after in self.rewritten("quoted-original", 10):
            with self.subTest(file):
                for (_, old), (_, new) in zip(as_read(before), as_read(after), strict=True):
                    if new != old:
                        own, mark, original = new.partition("\n> ")
                        self.assertTrue(mark and own.strip() or new.startswith("> "))
                        original = "\n".join(re.sub(r"^> ?", "", line) for line in original.split("\n"))
                        unquoted = own + mark.replace("> ", "") + original if mark else re.sub(r"(?m)^> ?", "", new)
                        self.assertEqual(old, unquoted.rstrip("\n"))
                        self.assertRegex(new, "(?im)^> From:")
        letter = b"From: ann@example.com\nSubject: lunch\n\nShall we?\n\n> At noon.\n"
        self.assertEqual(REWRITINGS["quoted-original"](letter), letter)

    def test_html_says_what_the_text_said(self):
        for file, before, after in self.rewritten("html-only", 200):
            with self.subTest(file):
                words = []
                for octets in (before, after):
                    texts = [html.unescape(re.sub(r"<title>.*?</title>|<[^<>]*>", " ", text)) if kind == "text/html" else text for kind, text in as_read(octets)]
                    words.append(" ".join(texts).replace("\xa0", " ").split())
                # An alternative that was there in both forms is there in one now.
                if b"multipart/alternative" not in before.lower() and "<" not in "".join(text for kind, text in as_read(before) if kind == "text/html"):
                    self.assertEqual(*words)

    def test_rewrapped_text_has_the_same_words_in_lines_of_72_columns(self):
        for file, before, after in self.rewritten("rewrapped", 80):
            with self.subTest(file):
                self.assertEqual(*([text.split() for _, text in as_read(octets)] for octets in (before, after)))
        after = REWRITINGS["rewrapped"](BOUNCE.format("no").encode("latin-1"))
        self.assertLessEqual(max(map(len, as_read(after)[0][1].split("\n"))), 72)


class Measured(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix="judge_measured.")
        cls.root = pathlib.Path(cls.folder.name)
        cls.mail = cls.root / "mail"
        cls.mail.mkdir()
        words = {"red__1": "zyxword", "red__2": "quvword", "red__3": "quvword", "blue__1": "zyxword", "blue__2": "nothing"}
        causes = {"zyxword": "over_quota", "quvword": "policy", "nothing": "-"}
        for name, word in words.items():
            (cls.mail / f"{name}.eml").write_bytes(BOUNCE.format(word).encode("latin-1"))
        cls.labels = cls.root / "labels.tsv"
        cls.labels.write_text("".join(f"{name}.eml\tdsn\t{causes[word]}\n" for name, word in words.items()))
        cls.signatures = cls.root / "signatures.tsv"
        cls.signatures.write_text(SIGNATURES)

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def run_program(self, *arguments, code=0):
        done = subprocess.run([str(a) for a in arguments], capture_output=True, text=True, timeout=100)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done.stdout

    def quality(self, *arguments, code=0):
        return self.run_program(JUDGE, *arguments, code=code)

    def test_each_collection_has_a_table_and_intervals(self):
        said = self.quality("--signatures", self.signatures, "--labels", self.labels, self.mail)
        self.assertRegex(said, r"collection blue\nlabel . verdict +dsn\ndsn +2\n")
        self.assertRegex(said, r"collection red\nlabel . verdict +dsn\ndsn +3\n")
        # By Wilson's formula: 2 of 2, 3 of 3, 5 of 5.
        self.assertRegex(said, r"(?m)^blue +2/2 100\.0 % \(34\.2-100\.0\) +2/2")
        self.assertRegex(said, r"(?m)^red +3/3 100\.0 % \(43\.9-100\.0\)")
        self.assertRegex(said, r"(?m)^all +5/5 100\.0 % \(56\.6-100\.0\)")
        self.assertRegex(said, r"(?m)^found 5/5 \(100\.00 %, wanted 99\.5\)   right kind 5 .*   right cause 4/4 ")
        self.assertRegex(said, r"(?m)^false positives 0 of 0 \(required 0\)$")

    def test_each_folder_is_a_collection_and_has_labels_of_its_own(self):
        for name, cause in (("north", "over_quota"), ("south", "policy")):
            (self.root / name).mkdir()
            (self.root / name / "one.eml").write_bytes(BOUNCE.format("zyxword").encode("latin-1"))
            (self.root / f"{name}.tsv").write_text(f"one.eml\tdsn\t{cause}\n")
        arguments = ["--signatures", self.signatures]
        for name in ("north", "south"):
            arguments += ["--labels", self.root / f"{name}.tsv", self.root / name]
        said = self.quality(*arguments, code=1)
        self.assertRegex(said, r"(?m)^north +1/1 .* +1/1 .* +1/1 100")
        self.assertRegex(said, r"(?m)^south +1/1 .* +1/1 .* +0/1 0")

    def test_signatures_that_one_collection_alone_needs_are_named_until_a_note_explains_them(self):
        said = self.quality("--leave-one-out", "--signatures", self.signatures, "--labels", self.labels, self.mail, code=1)
        self.assertRegex(said, r"(?m)^common-word +1 +1$")
        self.assertRegex(said, r"(?m)^only-in-red +\. +2$")
        self.assertRegex(said, r"(?m)^red +only-in-red +NO NOTE$")
        self.assertIn("4 signatures left out one by one; 2 are needed, 1 of these by one collection alone, 1 without a use elsewhere or a note", said)
        # Without it, red has one right cause of three; blue needs nothing of its own.
        self.assertRegex(said, r"(?m)^red \(1 less\) +3/3 .* +3/3 .* +1/3 33\.3 %")
        self.assertRegex(said, r"(?m)^blue \(0 less\) +2/2 .* +2/2 .* +1/1 100\.0 %")
        # That it is right in blue, too, though not needed there, explains it as well.
        (self.mail / "blue__3.eml").write_bytes(BOUNCE.format("quvword zyxword").encode("latin-1"))
        with_third = self.root / "three.tsv"
        with_third.write_text(self.labels.read_text() + "blue__3.eml\tdsn\tpolicy|over_quota\n")
        said = self.quality("--leave-one-out", "--signatures", self.signatures, "--labels", with_third, self.mail)
        (self.mail / "blue__3.eml").unlink()
        self.assertRegex(said, r"(?m)^red +only-in-red +used in blue 1$")
        noted = self.root / "noted.tsv"
        noted.write_text("# general only-in-red: every MTA of that family writes it\n" + SIGNATURES)
        said = self.quality("--leave-one-out", "--signatures", noted, "--labels", self.labels, self.mail)
        self.assertRegex(said, r"(?m)^red +only-in-red +every MTA of that family writes it$")

    def test_a_diff_shows_what_a_signature_changes_and_fails_if_something_gets_worse(self):
        fewer = self.root / "fewer.tsv"
        fewer.write_text(SIGNATURES.replace("only-in-red", "# only-in-red"))
        diff = (sys.executable, BENCH / "judge_diff.py", "--judge", JUDGE)
        said = self.run_program(*diff, self.signatures, fewer, self.mail, "--labels", self.labels, code=1)
        self.assertRegex(said, r"(?m)^worse\t.*/red__2\.eml\tdsn policy\tdsn -$")
        self.assertIn("2 of 5 verdicts changed: 2 worse, 0 better, 0 other", said)
        said = self.run_program(*diff, fewer, self.signatures, self.mail, "--labels", self.labels)
        self.assertIn("2 of 5 verdicts changed: 0 worse, 2 better, 0 other", said)
        said = self.run_program(*diff, fewer, self.signatures, self.mail)
        self.assertIn("2 of 5 verdicts changed: 0 worse, 0 better, 2 other", said)
        # The same from saved verdicts.
        saved = [self.root / "old.txt", self.root / "new.txt"]
        for file, signatures in zip(saved, (self.signatures, fewer)):
            file.write_text(self.quality("--signatures", signatures, self.mail))
        said = self.run_program(*diff[:2], *saved, "--labels", self.labels, code=1)
        self.assertIn("2 of 5 verdicts changed: 2 worse, 0 better, 0 other", said)

    def test_mutations_are_counted_and_the_golden_samples_keep_their_verdicts(self):
        said = self.run_program(sys.executable, BENCH / "judge_mutations.py", "--judge", JUDGE, ROOT / "tests/data/mail")
        for name in REWRITINGS:
            self.assertRegex(said, rf"(?m)^{name} +\d+ +\d+\.\d\d % +\d+\.\d\d % +\d+ +0$")
        self.assertRegex(said, r"(?m)^keeps kind [\d.]+ % \(wanted 99\.5\)   keeps cause [\d.]+ % \(wanted 99\.0\)   accused 0 \(required 0\)$")

    def test_mutations_fail_if_a_rewriting_changes_the_verdict(self):
        # A judge that recognises a bounce by the case of a field's name.
        judge = self.root / "judge"
        judge.write_text(
            f"#!{sys.executable}\nimport pathlib, sys\n"
            "for path in sorted(p for a in sys.argv[1:] for p in ([pathlib.Path(a)] if pathlib.Path(a).is_file() else pathlib.Path(a).iterdir())):\n"
            "    print(path, 'dsn' if b'\\nFrom: MAILER' in path.read_bytes() else 'not_backscatter', '-', sep='\\t')\n"
        )
        judge.chmod(0o755)
        said = self.run_program(sys.executable, BENCH / "judge_mutations.py", "--judge", judge, self.mail, code=1)
        self.assertRegex(said, r"(?m)^order-and-case +5 +0\.00 %")
        self.assertRegex(said, r"(?m)^relayed +5 +100\.00 %")
        self.assertEqual(len(re.findall(r"(?m)^kind\torder-and-case\t", said)), 5)


if __name__ == "__main__":
    unittest.main(verbosity=2)
