#!/usr/bin/env python3
"""Rspamd with the snippet of deploy/mta/rspamd: as the milter of a real Postfix, and queried over HTTP for the score."""

import json
import os
import pathlib
import shutil
import unittest
import urllib.request

import mta
from mta import BOUNCER, BOUNCER6, BY_HAND, CALLER, PATIENT, SENDER, UNLISTED, USERS, SafeModeTests, enter_namespaces, own_folder, snippet
from mta_postfix import Postfix
from harness import PATIENCE, Daemon, wait_until


class Rspamd(Daemon):
    """The unpacked package with its own config, plus the snippet."""

    def __init__(self, package, log):
        shutil.copytree(package / "etc/rspamd", "/etc/rspamd", dirs_exist_ok=True)
        for path in sorted((mta.SNIPPETS / "rspamd").rglob("*")):
            if path.is_file() and path.suffix in (".conf", ".lua"):
                name = path.relative_to(mta.SNIPPETS / "rspamd")
                target = pathlib.Path("/etc/rspamd") / name
                target.parent.mkdir(exist_ok=True)
                target.write_text(snippet(f"rspamd/{name}") if mta.SNIPPET_ZONE in path.read_text() else path.read_text())
        state = own_folder("rspamd", USERS["_rspamd"])
        # The test's own settings: no modules that need the network or another program.
        override = pathlib.Path("/etc/rspamd/override.d")
        override.mkdir(exist_ok=True)
        (override / "logging.inc").write_text('type = "console";\nlevel = "notice";\n')
        # Compiling the patterns of all top-level domains would take half a minute.
        (state / "tlds").write_text("example\norg\n")
        (override / "options.inc").write_text(f'url_tld = "{state}/tlds";\ndns {{ timeout = 0.5s; retransmits = 2; }}\n')
        (override / "worker-fuzzy.inc").write_text("enabled = false;\n")
        (override / "worker-controller.inc").write_text("enabled = false;\n")
        (override / "worker-normal.inc").write_text("count = 1;\n")
        (override / "worker-proxy.inc").write_text('milter = yes;\ncount = 1;\nupstream "local" { default = yes; self_scan = yes; }\n')
        for module in ("fuzzy_check", "phishing", "dkim_signing", "arc"):
            (override / f"{module}.conf").write_text("enabled = false;\n")
        share = package / "usr/share/rspamd"
        places = {"CONFDIR": "/etc/rspamd", "LOCAL_CONFDIR": "/etc/rspamd", "RUNDIR": state, "DBDIR": state, "LOGDIR": state,
                  "SHAREDIR": share, "RULESDIR": share / "rules", "LUALIBDIR": share / "lualib",
                  "PLUGINSDIR": share / "plugins", "WWWDIR": share / "www"}
        super().__init__([package / "usr/bin/rspamd", "-f", "-u", "_rspamd", "-g", "_rspamd", "-c", "/etc/rspamd/rspamd.conf",
                          *(f"--var={name}={value}" for name, value in places.items())], log,
                         env={**os.environ, "LD_LIBRARY_PATH": f"{package}/usr/lib/rspamd"})

    def check(self, client, sender):
        """The symbols and scores of a message, from Rspamd's HTTP interface. `sender` "" is a null sender."""
        mail = f"From: <{sender or 'MAILER-DAEMON@sender.example'}>\r\nTo: <{mta.RECIPIENT}>\r\nSubject: hello\r\n\r\nhello\r\n"
        request = urllib.request.Request("http://127.0.0.1:11333/checkv2", mail.encode(),
                                         {"IP": client, "From": f"<{sender}>", "Rcpt": mta.RECIPIENT, "Helo": "mail.sender.example"})
        with urllib.request.urlopen(request, timeout=2 * PATIENT * PATIENCE) as reply:
            return {name: symbol["score"] for name, symbol in json.load(reply)["symbols"].items()}


class RspamdInSafeMode(SafeModeTests, unittest.TestCase):
    REFUSES_AT = ("end",)
    # Rspamd reads no TXT: the config that we document writes the text.
    IPV6_SUBJECT = BOUNCER6

    @classmethod
    def start_program(cls):
        cls.rspamd = Rspamd(PACKAGE, cls.dir / "rspamd.log")
        cls.addClassCleanup(cls.rspamd.stop)

        def scans():
            assert cls.rspamd.running(), cls.rspamd.log()
            try:
                return cls.rspamd.check(UNLISTED, SENDER) and mta.accepts_connections(11332)
            except OSError:
                return False

        wait_until(scans, 60, lambda: f"Rspamd scans:\n{cls.rspamd.log()[-3000:]}", pause=0.1)
        return Postfix(POSTFIX, "smtpd_milters = inet:127.0.0.1:11332\nmilter_default_action = accept\n", cls.dir / "postfix.log")

    def shown(self, sent):
        return f"{super().shown(sent)}\n{self.rspamd.log()[-3000:]}"

    def test_only_a_null_sender_gets_the_score(self):
        for ip, name in ((BOUNCER, "BACKSCATTER_DSN"), (BY_HAND, "BACKSCATTER_BY_HAND")):
            null, real = self.rspamd.check(ip, ""), self.rspamd.check(ip, SENDER)
            self.assertEqual((null.get("BACKSCATTER_LISTED"), null.get(name)), (6.0, 0.0), null)
            self.assertEqual((real.get("BACKSCATTER_LISTED"), real.get(name)), (None, 0.0), real)

    def test_callouts_have_a_symbol_and_no_score(self):
        null = self.rspamd.check(CALLER, "")
        self.assertEqual((null.get("BACKSCATTER_LISTED"), null.get("BACKSCATTER_CALLOUT")), (None, 0.0), null)


if __name__ == "__main__":
    PACKAGE, POSTFIX = enter_namespaces("rspamd", "postfix")
    unittest.main(verbosity=2)
