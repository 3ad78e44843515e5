#!/usr/bin/env python3
"""Exim with the snippet of deploy/mta/exim: real SMTP sessions from real addresses, the list behind Unbound."""

import pathlib
import subprocess
import unittest

from mta import RECIPIENT, USERS, SafeModeTests, enter_namespaces, own_folder, snippet
from harness import Daemon


class EximInSafeMode(SafeModeTests, unittest.TestCase):
    REFUSES_AT = ("end",)

    @classmethod
    def start_program(cls):
        config = pathlib.Path("/etc/exim4")
        config.mkdir(exist_ok=True)
        spool, log = own_folder("spool", USERS["Debian-exim"], 0o750), own_folder("log", USERS["Debian-exim"], 0o750)
        (config / "blowback.acl").write_text(snippet("exim/blowback.acl"))
        (config / "exim4.conf").write_text(f"""exim_path = {PACKAGE}/usr/sbin/exim4
spool_directory = {spool}
log_file_path = {log}/%slog
pid_file_path = {spool}/exim.pid
primary_hostname = mx.example
domainlist local_domains = mx.example
acl_smtp_rcpt = acl_check_rcpt
acl_smtp_data = acl_check_data
host_lookup =
rfc1413_query_timeout = 0s
smtp_enforce_sync = false

begin acl
acl_check_rcpt:
  accept domains = +local_domains
  deny
acl_check_data:
.include /etc/exim4/blowback.acl
  accept

begin routers
swallow:
  driver = redirect
  data = :blackhole:
""")
        return Daemon([f"{PACKAGE}/usr/sbin/exim4", "-bd", "-d-all+dns+acl", "-oX", "25"], cls.dir / "exim.log")

    def test_the_readmes_simulated_client_is_refused(self):
        played = subprocess.run([PACKAGE / "usr/sbin/exim4", "-bh", "127.0.0.2"], capture_output=True, text=True, check=False,
                                input=f"EHLO x\nMAIL FROM:<>\nRCPT TO:<{RECIPIENT}>\nDATA\nSubject: x\n\nx\n.\nQUIT\n")
        self.assertIn("\n550 Backscatter from 127.0.0.2", played.stdout, played.stderr[-2000:])


if __name__ == "__main__":
    [PACKAGE] = enter_namespaces("exim")
    unittest.main(verbosity=2)
