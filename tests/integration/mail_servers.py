#!/usr/bin/env python3
"""Real mail servers with the snippets of deploy/mta, asking a real blowback-server through a real Unbound.

A listed client with a null sender is turned away with our TXT; with a real sender it is let through; an unlisted client passes; and mail
flows while our server is down. Everything lives in a network and mount namespace of the test's own: clients have real
addresses there, the resolver port 53, and /etc is covered where a program looks nowhere else. Needs root for that."""

import contextlib
import json
import os
import pathlib
import re
import shutil
import smtplib
import socket
import subprocess
import sys
import time
import unittest

from harness import PATIENCE, ROOT, ZONE, Blowback, Daemon, wait_until

LISTED, UNLISTED, LISTED6 = "192.0.2.66", "192.0.2.77", "2001:db8::66"
# Nobody has asked for this one before our server goes down: a Postfix process keeps what it was told, however short the TTL.
LISTED_TOO = "192.0.2.67"
OUR_MX = "192.0.2.25"
TEXT = f"Backscatter from {LISTED}, see https://bl.example.org/{LISTED}"
SNIPPETS = ROOT / "deploy" / "mta"
INSIDE = "BLOWBACK_TEST_NAMESPACE"
EXIM_PACKAGES = ("exim4-daemon-light", "exim4-base")

BOUNCE = """Received: from mx.sender.example (mx.sender.example [{client}])
\tby mx.example.net (Postfix) with ESMTP id 4F0000000A
\tfor <user@example.net>; Tue, 24 Nov 2026 10:00:00 +0000 (UTC)
From: MAILER-DAEMON@mx.sender.example (Mail Delivery System)
To: user@example.net
Subject: Undelivered Mail Returned to Sender
Date: Tue, 24 Nov 2026 09:59:58 +0000
Message-ID: <{number}@mx.sender.example>
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b"

--b
Content-Type: text/plain

Your message could not be delivered.

--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.sender.example

Final-Recipient: rfc822; nobody@corp.example
Action: failed
Status: 5.1.1

--b--
"""


def run(*arguments, seconds=60, **more):
    done = subprocess.run([str(a) for a in arguments], capture_output=True, text=True, timeout=seconds * PATIENCE, check=False, **more)
    if done.returncode != 0:
        raise AssertionError(f"{' '.join(map(str, arguments))}: {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def cover(original, with_what):
    """What is at `original` is seen as `with_what`, in this namespace."""
    run("mount", "--bind", with_what, original)


class Net:
    """The namespace's network, the list with its server, and the resolver that everybody here asks."""

    def __init__(self):
        run("ip", "link", "set", "lo", "up")
        for address in (f"{LISTED}/32", f"{LISTED_TOO}/32", f"{UNLISTED}/32", f"{OUR_MX}/32", f"{LISTED6}/128"):
            run("ip", "addr", "add", address, "dev", "lo", *(["nodad"] if ":" in address else []))
        self.b = Blowback()
        self.b.start_ingest(once=True)
        for address in (LISTED, LISTED_TOO, LISTED6):
            self.b.cli("list", address, "--reason", "a test")
        self.b.start_server()
        self.dir = self.b.dir
        self.dir.chmod(0o755)
        resolv = self.dir / "resolv.conf"
        resolv.write_text("nameserver 127.0.0.1\noptions timeout:2 attempts:1\n")
        cover(os.path.realpath("/etc/resolv.conf"), resolv)
        config = self.dir / "unbound.conf"
        config.write_text(f"""server:
  interface: 127.0.0.1
  port: 53
  access-control: 127.0.0.0/8 allow
  do-daemonize: no
  username: ""
  chroot: ""
  directory: "{self.dir}"
  pidfile: ""
  use-syslog: no
  do-not-query-localhost: no
  qname-minimisation: yes
  qname-minimisation-strict: yes
  module-config: "iterator"
  cache-max-ttl: 0
  cache-max-negative-ttl: 0
  local-zone: "." static
  local-zone: "{ZONE}." transparent
  local-zone: "192.in-addr.arpa." static
stub-zone:
  name: "{ZONE}"
  stub-addr: 127.0.0.1@{self.b.port}
remote-control:
  control-enable: no
""")
        self.unbound = Daemon([shutil.which("unbound") or "/usr/sbin/unbound", "-d", "-c", str(config)], self.dir / "unbound.log")
        wait_until(lambda: self.resolves(LISTED), 10, lambda: f"Unbound answers for the list:\n{self.unbound.log()}")

    @staticmethod
    def resolves(ip):
        try:
            return socket.gethostbyname(".".join(reversed(ip.split("."))) + "." + ZONE) == "127.0.0.9"
        except OSError:
            return False

    @contextlib.contextmanager
    def server_down(self):
        self.b.server.stop()
        try:
            yield
        finally:
            self.b.start_server()
            wait_until(lambda: self.resolves(LISTED), 30, "the list is back")

    def close(self):
        self.unbound.stop()
        self.b.__exit__(None, None, None)


def smtp_session(client, sender, port=25, server=OUR_MX, recipient="user@example.net", seconds=60):
    """One message from `client`; (code, text) of the first refusal, or of the end of data."""
    family = "::1" if ":" in client else server
    with smtplib.SMTP(timeout=seconds * PATIENCE, source_address=(client, 0)) as smtp:
        smtp.connect(family, port)
        smtp.ehlo("mx.sender.example")
        for step in (lambda: smtp.mail(sender), lambda: smtp.rcpt(recipient),
                     lambda: smtp.data(BOUNCE.format(client=client, number=time.monotonic_ns()))):
            try:
                code, text = step()
            except smtplib.SMTPDataError as refusal:
                return refusal.smtp_code, refusal.smtp_error.decode()
            if code >= 400:
                return code, text.decode()
        return code, text.decode()


class MailServer:
    """What every mail server that speaks SMTP has to show. `self.port` is where it listens."""

    port = 25

    def test_a_listed_client_with_a_null_sender_is_turned_away_with_our_text(self):
        code, text = smtp_session(LISTED, "", self.port)
        self.assertIn(code, (550, 554), text)
        self.assertIn(TEXT, " ".join(text.split()))

    def test_a_listed_client_by_ipv6_is_turned_away(self):
        code, text = smtp_session(LISTED6, "", self.port)
        self.assertIn(code, (550, 554), text)
        self.assertIn(LISTED6, text)

    def test_the_same_client_with_a_real_sender_is_let_through(self):
        self.assertEqual(smtp_session(LISTED, "someone@sender.example", self.port)[0], 250)

    def test_an_unlisted_client_passes(self):
        self.assertEqual(smtp_session(UNLISTED, "", self.port)[0], 250)

    def test_mail_flows_while_our_server_is_down(self):
        with NET.server_down():
            began = time.monotonic()
            self.assertEqual(smtp_session(LISTED_TOO, "", self.port)[0], 250)
            self.assertLess(time.monotonic() - began, 30 * PATIENCE)


class Postfix(MailServer, unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        if not shutil.which("postfix", path="/usr/sbin"):
            raise unittest.SkipTest("postfix isn't installed")
        home = NET.dir / "postfix"
        for name in ("etc", "spool", "lib"):
            (home / name).mkdir(parents=True)
        shutil.chown(home / "lib", "postfix")
        shutil.copy("/usr/share/postfix/main.cf.dist", home / "etc" / "main.cf.proto")
        (home / "etc" / "main.cf").write_text(
            "compatibility_level = 3.6\nmyhostname = mx.example.net\nmydestination =\nmaillog_file = /var/lib/postfix/log\nmaillog_file_prefixes = /var\n"
            "inet_interfaces = 192.0.2.25, ::1\nmynetworks = 127.0.0.0/8\nvirtual_mailbox_domains = example.net\nvirtual_transport = discard:\n"
            "smtpd_relay_restrictions = permit_mynetworks, reject_unauth_destination\nsmtpd_delay_reject = yes\n\n" +
            (SNIPPETS / "postfix" / "main.cf").read_text())
        (home / "etc" / "master.cf").write_text(
            "smtp inet n - n - - smtpd\npickup unix n - n 60 1 pickup\ncleanup unix n - n - 0 cleanup\nqmgr unix n - n 300 1 qmgr\n"
            "tlsmgr unix - - n 1000? 1 tlsmgr\nrewrite unix - - n - - trivial-rewrite\nbounce unix - - n - 0 bounce\ndefer unix - - n - 0 bounce\n"
            "trace unix - - n - 0 bounce\nverify unix - - n - 1 verify\nflush unix n - n 1000? 0 flush\nproxymap unix - - n - - proxymap\n"
            "discard unix - - n - - discard\nerror unix - - n - - error\nretry unix - - n - - error\nanvil unix - - n - 1 anvil\n"
            "scache unix - - n - 1 scache\npostlog unix-dgram n - n - 1 postlogd\n")
        for file in ("postfix-files", "postfix-script", "post-install"):
            if os.path.exists(f"/etc/postfix/{file}"):
                shutil.copy(f"/etc/postfix/{file}", home / "etc" / file)
        cover("/etc/postfix", home / "etc")
        cover("/var/spool/postfix", home / "spool")
        cover("/var/lib/postfix", home / "lib")
        run("/usr/sbin/postfix", "start")
        wait_until(lambda: cls.greets(), 20, lambda: "Postfix greets:\n" + (home / "lib" / "log").read_text())

    @staticmethod
    def greets():
        try:
            with socket.create_connection((OUR_MX, 25), timeout=5) as s:
                return s.recv(100).startswith(b"220")
        except OSError:
            return False

    @classmethod
    def tearDownClass(cls):
        run("/usr/sbin/postfix", "stop")

    def test_a_sender_callout_passes(self):
        with smtplib.SMTP(timeout=30 * PATIENCE, source_address=(LISTED, 0)) as smtp:
            smtp.connect(OUR_MX, 25)
            smtp.ehlo("mx.sender.example")
            smtp.mail("")
            self.assertEqual(smtp.rcpt("user@example.net")[0], 250)


class Exim(MailServer, unittest.TestCase):
    """Postfix and Exim can't be installed side by side, so Exim is unpacked from its packages."""

    port = 2525

    @classmethod
    def setUpClass(cls):
        cls.home = NET.dir / "exim"
        cls.home.mkdir()
        program = shutil.which("exim4", path="/usr/sbin") or cls.unpacked()
        for file in ("passwd", "group"):
            names = NET.dir / file
            text = pathlib.Path("/etc", file).read_text()
            if "Debian-exim" not in text:
                text += "Debian-exim:x:64999:64999::/nonexistent:/usr/sbin/nologin\n" if file == "passwd" else "Debian-exim:x:64999:\n"
            names.write_text(text)
            names.chmod(0o644)
            cover(f"/etc/{file}", names)
        (cls.home / "spool").mkdir()
        shutil.chown(cls.home / "spool", 64999, 64999)
        config = cls.home / "exim.conf"
        config.write_text(
            f"primary_hostname = mx.example.net\nspool_directory = {cls.home}/spool\nlog_file_path = {cls.home}/spool/%slog\ntls_advertise_hosts =\n"
            "local_interfaces = <; 192.0.2.25 ; ::1\ndomainlist local_domains = example.net\nacl_smtp_rcpt = check_rcpt\nacl_smtp_data = check_data\n"
            "host_lookup =\nkeep_environment =\nbegin acl\ncheck_rcpt:\n  accept domains = +local_domains\n  deny\ncheck_data:\n" +
            (SNIPPETS / "exim" / "acl.conf").read_text() + "  accept\nbegin routers\nall:\n  driver = redirect\n  data = :blackhole:\n")
        cls.exim = Daemon([program, "-bdf", "-oX", str(cls.port), "-oP", str(cls.home / "pid"), "-C", str(config)], cls.home / "log")

        def greets():
            if not cls.exim.running():
                raise AssertionError(f"Exim ended:\n{cls.exim.log()}")
            try:
                with socket.create_connection((OUR_MX, cls.port), timeout=5) as s:
                    return s.recv(100).startswith(b"220")
            except OSError:
                return False

        wait_until(greets, 20, lambda: f"Exim greets:\n{cls.exim.log()}")

    @classmethod
    def unpacked(cls):
        cache = ROOT / "build" / "exim"
        program = cache / "usr" / "sbin" / "exim4"
        if not program.exists():
            raise unittest.SkipTest("exim4 isn't there; tests/run.sh unpacks it into build/exim")
        return str(program)

    @classmethod
    def tearDownClass(cls):
        cls.exim.stop()


class Rspamd(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        if not shutil.which("rspamd"):
            raise unittest.SkipTest("rspamd isn't installed")
        home = NET.dir / "rspamd"
        for name in ("local.d", "lib", "log", "run"):
            (home / name).mkdir(parents=True)
        for file in ("rbl.conf", "composites.conf"):
            shutil.copy(SNIPPETS / "rspamd" / file, home / "local.d")
        (home / "local.d" / "logging.inc").write_text('type = "file"; filename = "/var/log/rspamd/rspamd.log"; level = "warning";\n')
        (home / "local.d" / "options.inc").write_text('filters = "regexp";\ndns { nameserver = ["127.0.0.1"]; timeout = 1s; retransmits = 2; }\n')
        cover("/etc/rspamd/local.d", home / "local.d")
        for place in ("lib", "log"):
            os.makedirs(f"/var/{place}/rspamd", exist_ok=True)
            cover(f"/var/{place}/rspamd", home / place)
        for path in home.rglob("*"):
            shutil.chown(path, "_rspamd", "_rspamd")
        cls.rspamd = Daemon([shutil.which("rspamd"), "-f", "-u", "_rspamd", "-g", "_rspamd", "-c", "/etc/rspamd/rspamd.conf"], NET.dir / "rspamd.log")

        def answers():
            if not cls.rspamd.running():
                raise AssertionError(f"Rspamd ended:\n{cls.rspamd.log()}")
            try:
                socket.create_connection(("127.0.0.1", 11333), timeout=1).close()
                return True
            except OSError:
                return False

        wait_until(answers, 150, lambda: f"Rspamd listens:\n{cls.rspamd.log()}\n" + "".join(p.read_text() for p in (home / "log").glob("*.log")))

    @classmethod
    def tearDownClass(cls):
        cls.rspamd.stop()

    @staticmethod
    def symbols(client, sender):
        import http.client
        connection = http.client.HTTPConnection("127.0.0.1", 11333, timeout=60 * PATIENCE)
        connection.request("POST", "/checkv2", BOUNCE.format(client=client, number=time.monotonic_ns()).encode(),
                           {"IP": client, "From": f"<{sender}>", "Rcpt": "user@example.net", "Helo": "mx.sender.example"})
        return json.loads(connection.getresponse().read())["symbols"]

    def test_a_listed_client_with_a_null_sender_scores(self):
        found = self.symbols(LISTED, "")
        self.assertIn("BACKSCATTER_LISTED", found)
        self.assertEqual(found["BACKSCATTER_LISTED"]["score"], 6.0)
        self.assertIn("BACKSCATTER_LISTED", self.symbols(LISTED6, ""))

    def test_the_same_client_with_a_real_sender_does_not(self):
        found = self.symbols(LISTED, "someone@sender.example")
        self.assertNotIn("BACKSCATTER_LISTED", found)
        self.assertEqual(sum(s["score"] for name, s in found.items() if name.startswith("BACKSCATTER")), 0)

    def test_an_unlisted_client_does_not(self):
        self.assertNotIn("BACKSCATTER_LISTED", self.symbols(UNLISTED, ""))

    def test_mail_is_judged_while_our_server_is_down(self):
        with NET.server_down():
            self.assertNotIn("BACKSCATTER_LISTED", self.symbols(LISTED_TOO, ""))


class SpamAssassin(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        if not shutil.which("spamassassin"):
            raise unittest.SkipTest("spamassassin isn't installed")
        cls.site = NET.dir / "spamassassin"
        cls.site.mkdir()
        shutil.copy(SNIPPETS / "spamassassin" / "blowback.cf", cls.site)
        # Our rules alone: it starts in a second then, and nothing else of Debian's own asks the network.
        cls.rules = NET.dir / "rules"
        cls.rules.mkdir()
        (cls.rules / "report.cf").write_text("report_safe 0\nadd_header all Status _YESNO_, score=_SCORE_ tests=_TESTS_\n")
        (cls.site / "local.cf").write_text("dns_available yes\ndns_server 127.0.0.1\nuse_bayes 0\nuse_auto_whitelist 0\nrbl_timeout 5\n"
                                           "trusted_networks 192.0.2.25\ninternal_networks 192.0.2.25\n")
        (cls.site / "init.pre").write_text("loadplugin Mail::SpamAssassin::Plugin::DNSEval\nloadplugin Mail::SpamAssassin::Plugin::Check\n")

    def hits(self, client, sender):
        message = f"Return-Path: <{sender}>\n" + BOUNCE.format(client=client, number=1).replace(
            "by mx.example.net (Postfix)", f"by mx.example.net ([{OUR_MX}]) (Postfix)")
        said = run("spamassassin", "-x", "--configpath", self.rules, "--siteconfigpath", self.site, "-t", input=message)
        status = re.search(r"^X-Spam-Status:(.*(?:\n[ \t].*)*)", said, re.MULTILINE)
        return status[1] if status else said

    def test_a_listed_client_with_a_null_sender_scores(self):
        self.assertIn("BACKSCATTER_LISTED", self.hits(LISTED, ""))

    def test_the_same_client_with_a_real_sender_does_not(self):
        self.assertNotIn("BACKSCATTER_LISTED", self.hits(LISTED, "someone@sender.example"))

    def test_an_unlisted_client_does_not(self):
        self.assertNotIn("BACKSCATTER_LISTED", self.hits(UNLISTED, ""))

    def test_mail_is_judged_while_our_server_is_down(self):
        with NET.server_down():
            self.assertNotIn("BACKSCATTER_LISTED", self.hits(LISTED_TOO, ""))


NET = None


def main():
    global NET
    if os.environ.get(INSIDE) is None:
        if os.getuid() != 0 or not all(map(shutil.which, ("unshare", "ip", "unbound"))):
            print("needs root, iproute2 and unbound: the mail servers run in a namespace of their own")
            sys.exit(77)
        os.environ[INSIDE] = "1"
        os.execvp("unshare", ["unshare", "--net", "--mount", "--propagation", "private", sys.executable, *sys.argv])
    NET = Net()
    try:
        result = unittest.main(verbosity=2, exit=False).result
    finally:
        NET.close()
    sys.exit(not result.wasSuccessful())


if __name__ == "__main__":
    main()
