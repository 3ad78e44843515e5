#!/usr/bin/env python3
"""Sendmail with the snippet of deploy/mta/sendmail: real SMTP sessions from real addresses, the list behind Unbound."""

import pathlib
import subprocess
import unittest

from mta import SafeModeTests, enter_namespaces, own_folder, snippet
import harness
from harness import Daemon


class SendmailInSafeMode(SafeModeTests, unittest.TestCase):
    REFUSES_AT = ("DATA",)

    def shown_txt(self, txt):
        # Its rulesets split the text into tokens; that loses the blank after a comma.
        return txt.replace(", ", ",")

    @classmethod
    def start_program(cls):
        config = pathlib.Path("/etc/mail")
        config.mkdir(exist_ok=True)
        queue, state = own_folder("queue", mode=0o700), own_folder("state")
        (config / "blowback.m4").write_text(snippet("sendmail/blowback.m4"))
        (config / "local-host-names").write_text("mx.example\n")
        (config / "aliases").write_text("postmaster: /dev/null\n")
        (config / "sendmail.mc").write_text(f"""divert(0)dnl
VERSIONID(`test')
OSTYPE(`linux')
define(`confDOMAIN_NAME', `mx.example')
define(`confPID_FILE', `{state}/mta.pid')
define(`ALIAS_FILE', `')
define(`confDEF_USER_ID', `smmsp:smmsp')
define(`confTO_IDENT', `0')
define(`confDELIVERY_MODE', `queue')
define(`STATUS_FILE', `{state}/status')
define(`QUEUE_DIR', `{queue}')
FEATURE(`use_cw_file')
FEATURE(`accept_unresolvable_domains')
DAEMON_OPTIONS(`Name=v4, Family=inet, Addr=127.0.0.1')
{DAEMON6}
MAILER(`local')
MAILER(`smtp')
include(`/etc/mail/blowback.m4')
""")
        cf = PACKAGE / "usr/share/sendmail/cf"
        made = subprocess.run(["m4", f"-D_CF_DIR_={cf}/", cf / "m4/cf.m4", config / "sendmail.mc"], capture_output=True, text=True, check=True)
        assert made.stderr == "", made.stderr
        (config / "sendmail.cf").write_text(made.stdout)
        # Its log goes to syslog, which doesn't run here; -X records the sessions.
        return Daemon([PACKAGE / "usr/libexec/sendmail/sendmail", "-bD", "-D", cls.dir / "sendmail.log", "-d60.5", "-C", config / "sendmail.cf"],
                      cls.dir / "sendmail.log")

    def test_the_readmes_simulated_client_is_refused(self):
        for client, answer in (("127.0.0.2", 'returns: $# error $@ 5 . 7 . 1 $: "554 " Backscatter from'), ("127.0.0.1", "returns: OK")):
            played = subprocess.run([PACKAGE / "usr/libexec/sendmail/sendmail", "-C", "/etc/mail/sendmail.cf", "-bt"], capture_output=True, text=True,
                                    check=False, input=f".D{{client_addr}}{client}\n.Df\ncheck_data 1\n")
            self.assertIn(answer, played.stdout.splitlines()[-2], played.stdout)


if __name__ == "__main__":
    [PACKAGE] = enter_namespaces("sendmail")
    DAEMON6 = "DAEMON_OPTIONS(`Name=v6, Family=inet6, Addr=::1')" if harness.has_ipv6() else ""
    unittest.main(verbosity=2)
