#!/usr/bin/env python3
"""Haraka with the plugin of deploy/mta/haraka: real SMTP sessions from real addresses, the list behind Unbound. Haraka isn't in Debian:
BLOWBACK_HARAKA names the folder into which `npm install Haraka` installed it; without it this test is skipped."""

import os
import pathlib
import shutil
import subprocess
import unittest

import mta
from mta import SafeModeTests, enter_namespaces, skip, snippet
from harness import Daemon


class HarakaInSafeMode(SafeModeTests, unittest.TestCase):
    REFUSES_AT = ("DATA",)

    @classmethod
    def start_program(cls):
        folder = cls.dir / "haraka"
        haraka = ["node", HARAKA / "node_modules/Haraka/bin/haraka"]
        subprocess.run([*haraka, "-i", str(folder)], capture_output=True, check=True)
        for name in ("config", "plugins", "queue"):
            (folder / name).mkdir(parents=True, exist_ok=True)
        for name, text in (("smtp.ini", "listen=127.0.0.1:25,[::1]:25\n"), ("plugins", "blowback\nswallow\n"),
                           ("me", "mx.example\n"), ("host_list", "mx.example\n"), ("blowback.ini", snippet("haraka/config/blowback.ini"))):
            (folder / "config" / name).write_text(text)
        shutil.copy(mta.SNIPPETS / "haraka/plugins/blowback.js", folder / "plugins")
        (folder / "plugins" / "swallow.js").write_text("exports.hook_rcpt = (next) => next(OK)\nexports.hook_queue = (next) => next(OK)\n")
        return Daemon([*haraka, "-c", str(folder)], cls.dir / "haraka.log")


if __name__ == "__main__":
    HARAKA = pathlib.Path(os.environ.get("BLOWBACK_HARAKA") or "/nonexistent")
    if not (HARAKA / "node_modules/Haraka/bin/haraka").exists() or shutil.which("node") is None:
        skip("Haraka isn't in Debian: run `npm install --prefix FOLDER Haraka` and set BLOWBACK_HARAKA=FOLDER")
    enter_namespaces()
    unittest.main(verbosity=2)
