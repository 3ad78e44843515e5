"""Shared code of the mta_* tests: one of Debian's mail servers or filters queries a real list through a real Unbound, with the
unchanged snippet of deploy/mta/, except for the zone's name.

Each test runs in namespaces of its own (`enter_namespaces`). Its loopback has the clients' addresses, so that SMTP sessions really come
from them. It has its own ports 53 and 25 and its own /etc, so that programs run as on a machine of their own and the real machine
isn't changed. That needs root. tests/fetch-mail-servers.sh unpacks the programs without installing them."""

import contextlib
import json
import os
import pathlib
import re
import shutil
import signal
import smtplib
import socket
import subprocess
import sys
import tempfile
import time

import harness
from harness import PATIENCE, ROOT, Blowback, Daemon, make_dsn, wait_until

PATH = "/usr/sbin:/usr/bin:/sbin:/bin"
SERVERS = pathlib.Path(os.environ.get("BLOWBACK_MAIL_SERVERS") or ROOT / "build" / "mail-servers")
SNIPPETS = ROOT / "deploy" / "mta"

# The test's own folder, in memory, mounted over one that every Debian has and that none of our files is in.
_used = [str(path) for path in (ROOT, SERVERS.resolve(), harness.BIN.resolve(), tempfile.gettempdir())]
OWN = next(pathlib.Path(folder) for folder in ("/mnt", "/media", "/srv") if not any(path.startswith(folder + "/") for path in _used))

# Differs from the zone in the snippets, so that the test finds a name that wasn't replaced.
ZONE = "backscatter.list.example"
SNIPPET_ZONE = "bl.example.org"

BOUNCER = "192.0.2.10"  # listed by its mail: 127.0.0.2
BY_HAND = "192.0.2.20"  # listed by the operator: 127.0.0.9
CALLER = "192.0.2.30"  # listed for callouts only: 127.0.0.4
BOUNCER6 = "2001:db8:1::25"  # listed by the operator, as a /64
# Listed, and not queried before the list is down, so that no resolver has them in its cache.
FRESH = [f"192.0.2.{last}" for last in range(101, 110)]
UNLISTED = "198.51.100.7"
UNLISTED6 = "2001:db8:2::25"

RECIPIENT = "postmaster@mx.example"
SENDER = "someone@sender.example"

# The users that the programs run as; created for the test.
USERS = {"postfix": 6101, "postdrop": 6102, "Debian-exim": 6103, "smmta": 6104, "smmsp": 6105, "_rspamd": 6106}

# Seconds that a mail server may need to accept a message while the list is dead or silent. Unbound and the servers' own resolvers decide.
PATIENT = 45


def skip(why):
    print(f"skipped: {why}")
    sys.exit(77)


def enter_namespaces(*programs):
    """Restarts this test in namespaces of its own, or ends it as skipped. Returns the folders of the unpacked programs."""
    folders = [SERVERS / program for program in programs]
    if os.environ.get("BLOWBACK_TEST_NAMESPACE") != "1" or os.getpid() != 1:
        if os.geteuid() != 0:
            skip("needs root, for a network namespace of its own")
        for folder in folders:
            if not (folder / ".packages").exists():
                skip(f"{folder} doesn't exist; `tests/run.sh mta` fetches it")
        for tool in ("unshare", "ip", "unbound"):
            if shutil.which(tool, path=PATH) is None:
                skip(f"{tool} isn't installed; `tests/run.sh mta` installs it")
        command = ["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "--propagation", "private"]
        tried = subprocess.run([*command, "true"], capture_output=True, text=True, check=False)
        if tried.returncode != 0:
            skip(f"can't create namespaces here: {tried.stderr.strip()}")
        # The restarted test is process 1 in its namespace.
        os.execvpe("unshare", [*command, sys.executable, *sys.argv], {**os.environ, "BLOWBACK_TEST_NAMESPACE": "1"})
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    _set_up_namespace()
    return folders


def own_folder(name, owner=0, mode=0o755):
    """A new folder for the program's files, which ends with the test."""
    folder = OWN / name
    folder.mkdir()
    folder.chmod(mode)
    os.chown(folder, owner, owner)
    return folder


def _run(*arguments):
    done = subprocess.run(arguments, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise AssertionError(f"{' '.join(arguments)}: {done.stdout}{done.stderr}")
    return done.stdout


def _set_up_namespace():
    _run("ip", "link", "set", "lo", "up")
    for ip in (BOUNCER, BY_HAND, CALLER, UNLISTED, *FRESH):
        _run("ip", "address", "add", f"{ip}/32", "dev", "lo")
    if harness.has_ipv6():
        for ip in (BOUNCER6, UNLISTED6):
            _run("ip", "address", "add", f"{ip}/128", "dev", "lo", "nodad")
    # A copy of /etc that the test may change.
    _run("mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", str(OWN))
    _run("cp", "-a", "/etc", str(OWN / "etc"))
    _run("mount", "--bind", str(OWN / "etc"), "/etc")
    etc = pathlib.Path("/etc")
    (etc / "resolv.conf").unlink(missing_ok=True)
    (etc / "resolv.conf").write_text("nameserver 127.0.0.1\noptions timeout:2\n")  # 5 by default
    (etc / "hosts").write_text("127.0.0.1 localhost\n::1 localhost\n127.0.0.1 mx.example\n")
    if (etc / "nsswitch.conf").exists():
        text = re.sub(r"(?m)^hosts:.*$", "hosts: files dns", (etc / "nsswitch.conf").read_text())
        (etc / "nsswitch.conf").write_text(text)
    for name, number in USERS.items():
        for table, line in (("passwd", f"{name}:x:{number}:{number}::/nonexistent:/usr/sbin/nologin\n"),
                            ("group", f"{name}:x:{number}:\n")):
            # Replaces such a user of the machine, so that the number is the same everywhere.
            text = re.sub(rf"(?m)^{re.escape(name)}:.*\n", "", (etc / table).read_text())
            (etc / table).write_text(text + line)


def snippet(name):
    """The text of deploy/mta/NAME with the test's zone in place of the example's. The zone has to occur exactly once."""
    text = (SNIPPETS / name).read_text()
    if text.count(SNIPPET_ZONE) != 1:
        raise AssertionError(f"deploy/mta/{name} names {SNIPPET_ZONE} {text.count(SNIPPET_ZONE)} times; a user should have to edit it once")
    return text.replace(SNIPPET_ZONE, ZONE)


class ListBehindUnbound:
    """A list that `blowback` and `blowback-ingest` filled, `blowback-server`, and in front of it Unbound on 127.0.0.1:53."""

    def __init__(self):
        self.events = None
        self.unbound = None
        self.b = Blowback(zone={"name": ZONE, "txt": "Backscatter from {ip}, see https://" + ZONE + "/{ip}"})

    def __enter__(self):
        b = self.b.__enter__()
        self.events = b.dir / "events.jsonl"
        b.feeds.append({"name": "events", "type": "jsonl", "path": str(self.events)})
        b.write_config()
        lines = [json.dumps({"received_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), "client_ip": CALLER, "helo": "mx.caller.example",
                             "mail_from": "", "rcpt_to": [f"t{n}@{harness.TRAP_DOMAIN}"], "event": "callout"}) for n in range(16)]
        self.events.write_text("".join(line + "\n" for line in lines))
        for n in range(3):
            b.deliver(make_dsn(BOUNCER, f"t{n}@{harness.TRAP_DOMAIN}", n))
        assert b.start_ingest(once=True).process.returncode == 0
        done = b.cli("import", "-", "--reason", "test", stdin="\n".join([BY_HAND, "2001:db8:1::/64", *FRESH]).encode())
        assert done.returncode == 0, done.stderr
        self.start()
        return self

    def __exit__(self, *why):
        self.unbound.stop()
        self.b.__exit__(*why)

    def start(self):
        self.b.start_server()
        for ip, code in ((BOUNCER, 2), (BY_HAND, 9), (CALLER, 4)):
            answer = self.b.dig_ip(ip).rdata()
            assert answer == [f"127.0.0.{code}"], f"{ip}: {answer}\n{self.b.cli('why', ip).stdout}"
        config = self.b.dir / "unbound.conf"
        config.write_text(f"""
server:
  interface: 127.0.0.1
  do-daemonize: no
  use-syslog: no
  username: ""
  chroot: ""
  directory: "{self.b.dir}"
  pidfile: ""
  do-not-query-localhost: no
  qname-minimisation: yes
  harden-below-nxdomain: yes
  module-config: "iterator"
  num-threads: 1
  local-zone: "." static
  local-zone: "{ZONE}." transparent
  local-data: "sender.example. A 198.51.100.7"
  local-data: "sender.example. MX 10 sender.example."
  local-data: "mx.example. A 127.0.0.1"
stub-zone:
  name: "{ZONE}"
  stub-addr: 127.0.0.1@{self.b.port}
remote-control:
  control-enable: no
""")
        self.unbound = Daemon(["unbound", "-d", "-c", str(config)], self.b.dir / "unbound.log")

        def answers():
            assert self.unbound.running(), self.unbound.log()
            done = subprocess.run(["dig", "+short", "+time=1", "+tries=1", "@127.0.0.1", "2.0.0.127." + ZONE], capture_output=True, text=True,
                                  check=False)
            return done.stdout.strip() == "127.0.0.2"

        wait_until(answers, 10, lambda: f"Unbound answers:\n{self.unbound.log()}")

    @contextlib.contextmanager
    def down(self, how):
        """Within this context the server is "dead" (its port is closed) or "silent" (it doesn't answer)."""
        if how == "dead":
            self.b.server.stop()
        else:
            self.b.server.freeze()
        try:
            yield
        finally:
            if how == "silent":
                self.b.server.thaw()
                self.b.server.stop()
            # Unbound remembers for a while which server didn't answer.
            self.unbound.stop()
            self.start()


def accepts_connections(port, greeting=b""):
    """Whether a program accepts connections on this port of 127.0.0.1, and sends the greeting first."""
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=5) as s:
        return s.recv(512).startswith(greeting) if greeting else True
    return False


def wait_for_greeting(program):
    """Waits until the mail server accepts sessions on port 25."""
    def greets():
        assert program.running(), program.log()
        return accepts_connections(25, b"220")

    wait_until(greets, 20, lambda: f"the mail server greets:\n{program.log()}", pause=0.1)


class Sent:
    """The result of a session: the command that was refused ("end" is the end of the data), or None."""

    def __init__(self, refused, code, text, seconds):
        self.refused, self.code, self.text, self.seconds = refused, code, text, seconds

    def __repr__(self):
        return f"{self.refused or 'accepted'} {self.code} {self.text} ({self.seconds:.1f} s)"


def send(client, sender, *, port=25, callout=False, server=None):
    """A real SMTP session from the address `client`. `callout`: it ends before DATA."""
    began = time.monotonic()

    def result(stage, reply):
        return Sent(stage, reply[0], reply[1].decode(errors="replace"), time.monotonic() - began)

    host = server or ("::1" if ":" in client else "127.0.0.1")
    try:
        smtp = smtplib.SMTP(host, port, local_hostname="mail.sender.example", timeout=2 * PATIENT * PATIENCE, source_address=(client, 0))
    except smtplib.SMTPConnectError as error:
        return Sent("connect", error.smtp_code, str(error.smtp_error), time.monotonic() - began)
    with contextlib.ExitStack() as end:
        end.callback(smtp.close)
        for stage, command in (("EHLO", "EHLO mail.sender.example"), ("MAIL", f"MAIL FROM:<{sender}>"), ("RCPT", f"RCPT TO:<{RECIPIENT}>")):
            reply = smtp.docmd(command)
            if reply[0] != 250:
                return result(stage, reply)
        if callout:
            return result(None, reply)
        reply = smtp.docmd("DATA")
        if reply[0] != 354:
            return result("DATA", reply)
        smtp.send(f"From: <{sender or 'MAILER-DAEMON@sender.example'}>\r\nTo: <{RECIPIENT}>\r\nSubject: hello\r\n"
                  f"Date: {time.strftime('%a, %d %b %Y %H:%M:%S +0000', time.gmtime())}\r\n"
                  f"Message-ID: <{time.monotonic_ns()}@sender.example>\r\n\r\nhello\r\n.\r\n".encode())
        reply = smtp.getreply()
        if reply[0] != 250:
            return result("end", reply)
        smtp.docmd("QUIT")
        return result(None, reply)


class SafeModeTests:
    """The tests for a mail server that refuses. A subclass starts the program in `start_program`, which returns it; `REFUSES_AT` are the
    commands at which a listed client may be refused."""

    REFUSES_AT = ("DATA", "end")
    # What our TXT for BOUNCER6 is about: the network of the zone's wildcard.
    IPV6_SUBJECT = "2001:db8:1::/64"

    @classmethod
    def setUpClass(cls):
        cls.list = ListBehindUnbound().__enter__()
        cls.addClassCleanup(cls.list.__exit__, None, None, None)
        cls.dir = cls.list.b.dir
        cls.program = cls.start_program()
        cls.addClassCleanup(cls.program.stop)

        wait_for_greeting(cls.program)

    def shown_txt(self, txt):
        """The TXT in the form in which the program shows it."""
        return txt

    def shown(self, sent):
        return f"{sent}\nlog:\n{self.program.log()[-3000:]}"

    def assert_accepted(self, sent):
        self.assertIsNone(sent.refused, self.shown(sent))

    def assert_refused(self, sent, ip):
        self.assertIn(sent.refused, self.REFUSES_AT, self.shown(sent))
        self.assertIn(sent.code, (550, 554), self.shown(sent))
        self.assertIn(self.shown_txt(f"Backscatter from {ip}, see https://{ZONE}/{ip}"), sent.text.replace("\n", " "))

    def test_a_listed_client_with_a_null_sender_is_refused_with_our_txt(self):
        for ip in (BOUNCER, BY_HAND):
            self.assert_refused(send(ip, ""), ip)

    def test_the_same_client_with_a_real_sender_is_accepted(self):
        for ip in (BOUNCER, BY_HAND):
            self.assert_accepted(send(ip, SENDER))

    def test_an_unlisted_client_is_accepted(self):
        for sender in ("", SENDER):
            self.assert_accepted(send(UNLISTED, sender))

    def test_a_listed_clients_callout_is_answered_so_that_mail_to_it_isnt_lost(self):
        self.assert_accepted(send(BOUNCER, "", callout=True))

    def test_a_client_listed_for_callouts_only_may_send_a_bounce(self):
        self.assert_accepted(send(CALLER, ""))

    def test_ipv6_clients_are_looked_up_too(self):
        if not harness.has_ipv6():
            self.skipTest("no IPv6 here")
        self.assert_refused(send(BOUNCER6, ""), self.IPV6_SUBJECT)
        self.assert_accepted(send(BOUNCER6, SENDER))
        self.assert_accepted(send(UNLISTED6, ""))

    def test_mail_is_accepted_when_our_server_is_dead(self):
        with self.list.down("dead"):
            self.assert_in_time(send(FRESH[0], ""))
            self.assert_in_time(send(FRESH[1], SENDER))

    def test_mail_is_accepted_when_our_server_is_silent(self):
        with self.list.down("silent"):
            self.assert_in_time(send(FRESH[2], ""))
            self.assert_in_time(send(FRESH[3], SENDER))

    def assert_in_time(self, sent):
        self.assert_accepted(sent)
        print(f"accepted after {sent.seconds:.1f} s ... ", end="", flush=True)
        self.assertLess(sent.seconds, PATIENT * PATIENCE)
