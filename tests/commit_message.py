#!/usr/bin/env python3
"""Which commit messages .githooks/commit-msg accepts, and which it refuses with a hint."""

import pathlib
import subprocess
import tempfile
import unittest

HOOK = pathlib.Path(__file__).resolve().parents[1] / ".githooks" / "commit-msg"
BODY = "\n\nA sweep passed over a sender; 1,000 of 5,000 incidents stayed.\n"


def findings(message):
    """The hook's output for a message; "" if it accepts the message."""
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
        file.write(message)
        file.flush()
        done = subprocess.run([HOOK, file.name], capture_output=True, text=True, timeout=20)
    if (done.returncode == 0) != (not done.stderr):
        raise AssertionError(f"exit status {done.returncode}, with the output {done.stderr!r}")
    return done.stderr


class CommitMessage(unittest.TestCase):
    def test_a_subject_and_a_body_are_accepted(self):
        for subject in ("Fold a sender in slices", "retention: fold a sender in slices", "feed: bring what waits", "x" * 72,
                        "bench: answer_speed prints every path", "Need two witnesses"):
            self.assertEqual(findings(subject + BODY), "", subject)
        self.assertEqual(findings("# of Git\nFold a sender\n\nWhy: it stayed.\n# Please enter the message\n"), "")

    def test_messages_that_git_writes_itself_are_accepted(self):
        for message in ("fixup! Fold a sender\n", "Revert \"Fold a sender\"\n\nThis reverts commit 1234567.\n"):
            self.assertEqual(findings(message), "", message)

    def test_each_fault_is_named(self):
        for message, word in ((("x" * 73) + BODY, "73 characters"),
                              ("Fold a sender." + BODY, "full stop"),
                              ("Folded a sender" + BODY, "imperative ('Folded')"),
                              ("retention: folding a sender" + BODY, "imperative ('folding')"),
                              ("wip" + BODY, "imperative ('wip')"),
                              ("Fold a sender\nin slices\n\nWhy.\n", "second line"),
                              ("Fold a sender\n", "no body"),
                              ("Fold a sender\n\n# only what Git adds\n", "no body"),
                              ("Fold a sender\n\nSigned-off-by: somebody\n", "no body"),
                              ("", "empty")):
            self.assertIn(word, findings(message), message)


if __name__ == "__main__":
    unittest.main(verbosity=2)
