#!/usr/bin/env python3
"""Postfix with the snippet of deploy/mta/postfix: real SMTP sessions from real addresses, the list behind Unbound."""

import os
import pathlib
import subprocess
import unittest

from mta import BOUNCER, SENDER, UNLISTED, USERS, SafeModeTests, enter_namespaces, own_folder, send, snippet
from harness import Daemon, wait_until

POSTSCREEN_PORT = 2525


class Postfix(Daemon):
    """Postfix of the unpacked package with the config in /etc/postfix."""

    def __init__(self, package, main_cf, log):
        libraries = f"{package}/usr/lib/postfix"
        self.env = {**os.environ, "LD_LIBRARY_PATH": libraries, "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}
        self.command = [f"{package}/usr/sbin/postfix", "-c", "/etc/postfix"]
        config = pathlib.Path("/etc/postfix")
        config.mkdir(exist_ok=True)
        for name in ("postfix-files", "dynamicmaps.cf"):
            (config / name).write_text((package / "etc/postfix" / name).read_text() if (package / "etc/postfix" / name).exists() else "")
        (config / "main.cf").write_text(f"""compatibility_level = 3.6
command_directory = {package}/usr/sbin
daemon_directory = {package}/usr/lib/postfix/sbin
shlib_directory = {libraries}
meta_directory = {config}
sendmail_path = {package}/usr/sbin/sendmail
mailq_path = {package}/usr/bin/mailq
newaliases_path = {package}/usr/bin/newaliases
queue_directory = {own_folder('queue')}
data_directory = {own_folder('data', USERS['postfix'], 0o700)}
import_environment = MAIL_CONFIG MAIL_DEBUG MAIL_LOGTAG TZ LD_LIBRARY_PATH={libraries}
maillog_file = /dev/stdout
myhostname = mx.example
mydestination = mx.example
mynetworks = 127.0.0.0/8
inet_interfaces = all
local_recipient_maps =
local_transport = discard
postscreen_greet_wait = 1s
postscreen_cache_map =
{main_cf}""")
        service = "{} {} - n - {} {}\n"
        (config / "master.cf").write_text("".join(service.format(*parts) for parts in (
            ("smtp inet", "n", "-", "smtpd"), (f"{POSTSCREEN_PORT} inet", "n", 1, "postscreen"), ("smtpd pass", "-", "-", "smtpd"),
            ("dnsblog unix", "-", 0, "dnsblog"), ("pickup unix", "n", 1, "pickup"), ("cleanup unix", "n", 0, "cleanup"),
            ("qmgr unix", "n", 1, "qmgr"), ("rewrite unix", "-", "-", "trivial-rewrite"), ("discard unix", "-", "-", "discard"),
            ("bounce unix", "-", 0, "bounce"), ("defer unix", "-", 0, "bounce"), ("trace unix", "-", 0, "bounce"),
            ("error unix", "-", "-", "error"), ("local unix", "-", "-", "local"), ("anvil unix", "-", 1, "anvil"),
            ("proxymap unix", "-", "-", "proxymap"))) + "postlog unix-dgram n - n - 1 postlogd\n")
        super().__init__([*self.command, "start-fg"], log, env=self.env)

    def reload(self, main_cf):
        """Appends lines to main.cf and reloads it."""
        with open("/etc/postfix/main.cf", "a", encoding="utf-8") as config:
            config.write(main_cf)
        subprocess.run([*self.command, "reload"], env=self.env, check=True, capture_output=True)


class PostfixInSafeMode(SafeModeTests, unittest.TestCase):
    REFUSES_AT = ("DATA",)

    @classmethod
    def start_program(cls):
        return Postfix(PACKAGE, snippet("postfix/main.cf") + snippet("postfix/postscreen.cf"), cls.dir / "postfix.log")

    def test_postscreens_weak_score_alone_refuses_nobody(self):
        for sender in ("", SENDER):
            sent = send(BOUNCER, sender, port=POSTSCREEN_PORT)
            self.assertEqual(sent.refused, "DATA" if sender == "" else None, self.shown(sent))

    def test_yyy_postscreen_with_a_full_score_would_refuse_real_mail(self):
        # Shows that the score is counted at all, and why it must stay below the threshold.
        self.program.reload("postscreen_dnsbl_threshold = 1\npostscreen_dnsbl_action = enforce\n")
        refused = wait_until(lambda: (sent := send(BOUNCER, SENDER, port=POSTSCREEN_PORT)).refused and sent, 20,
                             lambda: f"postscreen refuses:\n{self.program.log()[-3000:]}")
        self.assertIn("blocked using", refused.text)
        sent = send(UNLISTED, SENDER, port=POSTSCREEN_PORT)
        self.assertIsNone(sent.refused, self.shown(sent))


if __name__ == "__main__":
    [PACKAGE] = enter_namespaces("postfix")
    unittest.main(verbosity=2)
