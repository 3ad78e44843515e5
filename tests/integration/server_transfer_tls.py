#!/usr/bin/env python3
"""Transfers over TLS (RFC 9103): kdig, NSD and BIND get the same zone as over TCP, and follow it. Clients that aren't secondaries are refused in the
handshake or limited, and a renewed certificate is taken over without an interruption. What Debian's packages aren't there for is left out."""

import contextlib
import os
import shutil
import socket
import ssl
import struct
import subprocess
import unittest

import server_transfer
from harness import PATIENCE, ZONE, Blowback, free_port, parse_strictly, query, wait_until
from name_servers import TLS_SECONDARIES, Secondary, Tls, executable
from server_transfer import AXFR, SOA, dig_axfr, exported, ixfr, messages, records_of, serial_at, serial_of, transferred, transferred_on

NAME = "primary.example.org"
LIST = [f"198.51.{i // 250}.{i % 250}" for i in range(3000)] + ["203.0.113.0/24", "2001:db8:1::/48"]


class Authority:
    """Issues certificates; its own is in the file `certificate`."""

    def __init__(self, folder, name="authority"):
        self.folder = folder
        self.certificate, self.key = self._make(name, "-addext", "basicConstraints=critical,CA:TRUE")

    def issue(self, name):
        """A certificate and its key, which others can't read."""
        return self._make(name, "-CA", self.certificate, "-CAkey", self.key, "-addext", f"subjectAltName=DNS:{name}", "-addext", "basicConstraints=CA:FALSE")

    def _make(self, name, *options):
        certificate, key = (self.folder / f"{name}{end}" for end in (".pem", ".key"))
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", f"/CN={name}",
                        *options, "-keyout", key, "-out", certificate], check=True, capture_output=True, timeout=60 * PATIENCE)
        key.chmod(0o600)
        return certificate, key


def serves_tls(b, *, clients=None):
    """Lets `b` transfer over TLS, with a certificate of an authority of its own. Returns the authority; the port is b.tls_port."""
    authority = Authority(b.dir)
    certificate, key = authority.issue(NAME)
    b.tls_port = free_port()
    b.sections.setdefault("transfer", {}).update({"tls": [f"127.0.0.1:{b.tls_port}"], "tls_certificate": str(certificate), "tls_key": str(key)})
    if clients:
        b.sections["transfer"]["tls_clients"] = str(clients.certificate)
    b.write_config()
    return authority


def connect(b, authority, *, alpn="dot", client=None, version=ssl.TLSVersion.TLSv1_3, receive_buffer=None):
    """A TLS connection to the server, whose certificate is verified."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(authority.certificate)
    context.minimum_version = context.maximum_version = version
    if alpn:
        context.set_alpn_protocols([alpn])
    if client:
        context.load_cert_chain(*client)
    plain = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    if receive_buffer:
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    plain.settimeout(30 * PATIENCE)
    plain.connect(("127.0.0.1", b.tls_port))
    try:
        return context.wrap_socket(plain, server_hostname=NAME)
    except BaseException:
        plain.close()
        raise


def ask(s, wire):
    s.sendall(struct.pack("!H", len(wire)) + wire)
    return next(messages(s), None)


def octets_of_transfer(s):
    """The messages of an AXFR, as they are."""
    wire = query(ZONE, AXFR)
    s.sendall(struct.pack("!H", len(wire)) + wire)
    found = []
    soas = 0
    for message in messages(s):
        found.append(message)
        soas += sum(record.type == SOA for record in parse_strictly(message).answers)
        if soas == 2:
            return found
    raise AssertionError("the connection was closed")


def kdig(b, *options):
    return subprocess.run(["kdig", "@127.0.0.1", "-p", str(b.tls_port), "+tls", "+noall", "+answer", "+time=30", "+retry=0", *options], capture_output=True,
                          text=True, timeout=120 * PATIENCE)


def s_client(b, *options):
    """What `openssl s_client` says of a handshake."""
    done = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{b.tls_port}", *options], input="", capture_output=True, text=True,
                          timeout=60 * PATIENCE)
    return done.stdout + done.stderr


def reload(b, *, refused=False):
    word = "config-kept" if refused else "config-read"
    def lines():
        return [line for line in b.server.log().splitlines() if word in line]
    before = len(lines())
    os.kill(b.server.pid, 1)
    wait_until(lambda: len(lines()) > before, 10, b.server.log)
    return lines()[-1]


class OneList(unittest.TestCase):
    """One server for all of these."""

    @classmethod
    def setUpClass(cls):
        b = cls.b = Blowback(server={"tcp_idle": "1h"}, transfer={"allow": ["127.0.0.1"], "connections": 8})
        cls.addClassCleanup(b.__exit__, None)
        cls.authority = serves_tls(b)
        cls.key = server_transfer.Transfers.signed(None, b, "hmac-sha256")
        cls.list(LIST)
        b.start_server()

    @classmethod
    def list(cls, lines):
        done = cls.b.cli("import", "-", "--wide", "--reason", "test", stdin="\n".join(lines).encode(), seconds=120)
        assert done.returncode == 0, done.stderr

    def test_each_octet_is_the_same_as_by_tcp(self):
        with socket.create_connection(("127.0.0.1", self.b.port), timeout=30 * PATIENCE) as plain, connect(self.b, self.authority) as tls:
            self.assertEqual(tls.selected_alpn_protocol(), "dot")
            self.assertEqual(tls.version(), "TLSv1.3")
            self.assertEqual(octets_of_transfer(tls), octets_of_transfer(plain))
            # Another one on the same connection, and other queries; several at once are answered in their order.
            self.assertEqual(octets_of_transfer(tls), octets_of_transfer(plain))
            serial = serial_at(self.b)
            for wire in (query(ZONE, "SOA"), query("2.0.0.127." + ZONE), ixfr(serial), query("example.org", "A"), query(ZONE, "NS", edns=(1232, 0, False, b""))):
                self.assertEqual(ask(tls, wire), ask(plain, wire))
            wires = [query(ZONE, "SOA", ident=i) for i in range(40)]
            tls.sendall(b"".join(struct.pack("!H", len(wire)) + wire for wire in wires))
            stream = messages(tls)
            self.assertEqual([parse_strictly(next(stream)).ident for _ in wires], list(range(40)))

    def test_an_ixfr_gets_what_has_changed(self):
        serial = serial_at(self.b)
        self.list(["192.0.2.77"])
        wait_until(lambda: serial_at(self.b) > serial, 10, self.b.server.log)
        with connect(self.b, self.authority) as tls:
            records = transferred_on(tls, ixfr(serial))
            self.assertEqual(records, transferred(self.b, ixfr(serial)))
            self.assertEqual(len(records), 6)

    @unittest.skipUnless(shutil.which("kdig"), "kdig isn't installed")
    def test_kdig_gets_the_exported_zone_with_and_without_a_key(self):
        expected = exported(self.b)
        for options in ((), ("-y", ":".join([self.key[1], self.key[0], self.key[2]]))):
            done = kdig(self.b, f"+tls-ca={self.authority.certificate}", f"+tls-hostname={NAME}", *options, ZONE, "AXFR")
            self.assertEqual(records_of(done.stdout), expected, done.stdout[-500:] + done.stderr)
        done = kdig(self.b, "-y", f"{self.key[1]}:other.example:{self.key[2]}", ZONE, "AXFR")
        self.assertEqual(records_of(done.stdout), [], done.stdout)

    def test_other_clients_are_refused_in_the_handshake(self):
        self.assertRegex(s_client(self.b, "-tls1_3"), "no application protocol|alert number 120")
        self.assertRegex(s_client(self.b, "-tls1_3", "-alpn", "h2"), "no application protocol|alert number 120")
        self.assertRegex(s_client(self.b, "-tls1_2", "-alpn", "dot"), "protocol version|alert number 70")
        self.assertIn("ALPN protocol: dot", s_client(self.b, "-tls1_3", "-alpn", "h2,dot"))
        with socket.create_connection(("127.0.0.1", self.b.tls_port), timeout=30 * PATIENCE) as s:
            wire = query(ZONE, AXFR)
            s.sendall(struct.pack("!H", len(wire)) + wire)
            with contextlib.suppress(ConnectionResetError):
                # An alert (RFC 8446 §6) in clear text, at most.
                self.assertLess(len(s.recv(1000)), 20)

    def test_a_hundred_connections_take_nothing_from_a_transfer_or_from_newcomers(self):
        with contextlib.ExitStack() as all_of_them:
            slow = all_of_them.enter_context(connect(self.b, self.authority, receive_buffer=4096))
            wire = query(ZONE, AXFR)
            slow.sendall(struct.pack("!H", len(wire)) + wire)
            stream = messages(slow)
            soas = sum(record.type == SOA for record in parse_strictly(next(stream)).answers)
            self.assertEqual(soas, 1)
            for i in range(100):
                s = all_of_them.enter_context(socket.create_connection(("127.0.0.1", self.b.tls_port), timeout=30 * PATIENCE))
                # Some begin a handshake, and none goes on.
                s.sendall(b"\x16\x03\x01\x02\x00"[:i % 6])
            first = s
            wait_until(lambda: self.counted("turned_away") >= 90, 10, self.b.server.log)
            with connect(self.b, self.authority) as newcomer:
                self.assertEqual(parse_strictly(ask(newcomer, query(ZONE, "SOA"))).rcode, "NOERROR")
            self.assertEqual(self.b.dig_ip("198.51.0.7").rdata("A"), ["127.0.0.9"])
            while soas < 2:
                soas += sum(record.type == SOA for record in parse_strictly(next(stream)).answers)
            first.close()

    def counted(self, name):
        return self.b.cli_json("stats")[f"server.transfers.{name}"]

    def test_what_is_sent_is_logged_and_counted(self):
        before = self.counted("complete_by_tls")
        with connect(self.b, self.authority) as tls:
            octets_of_transfer(tls)
        wait_until(lambda: self.counted("complete_by_tls") > before, 10, self.b.server.log)
        line = next(line for line in reversed(self.b.server.log().splitlines()) if " transferred " in line)
        self.assertIn("transport=tls", line)
        self.assertIn("result=complete", line)


class OwnList(unittest.TestCase):
    def test_secondaries_follow_with_and_without_a_key(self):
        """All of them at once, and of one list."""
        kinds = [kind for kind in TLS_SECONDARIES if Secondary.installed(kind)]
        with Blowback(transfer={"allow": ["127.0.0.1"]}) as b, contextlib.ExitStack() as running:
            clients = Authority(b.dir, "clients")
            authority = serves_tls(b, clients=clients)
            tls = Tls(NAME, authority.certificate, clients.issue("secondary.example.org"))
            key = server_transfer.Transfers.signed(None, b, "hmac-sha256")
            server_transfer.Transfers.list(self, b, LIST, exempt=["203.0.113.128/26"])
            secondaries = []
            for kind in kinds:
                for signs in (None, key):
                    folder = b.dir / ("signed" if signs else "unsigned")
                    folder.mkdir(exist_ok=True)
                    folder.chmod(0o755)
                    secondaries.append((Secondary(kind, folder, b.tls_port, signs, tls), signs))
            b.sections["transfer"]["notify"] = [f"127.0.0.1:{each.port}" + (f" key {signs[0]}" if signs else "") for each, signs in secondaries]
            b.write_config()
            b.start_server()
            for each, _ in secondaries:
                running.enter_context(each)
            for i in range(3):
                server_transfer.Transfers.list(self, b, [f"192.0.2.{i}"])
                for each, signs in secondaries:
                    with self.subTest(each.kind, signs=signs is not None):
                        wait_until(lambda: serial_of(each.port) == serial_of(b.port), 30, lambda: each.daemon.log()[-3000:] + b.server.log()[-3000:])
            expected = exported(b)
            for each, signs in secondaries:
                with self.subTest(each.kind, signs=signs is not None):
                    self.assertEqual(records_of(dig_axfr(each.port).stdout), expected)
            lines = [line for line in b.server.log().splitlines() if " transferred " in line]
            self.assertGreaterEqual(sum("incremental=1" in line for line in lines), 2 * len(secondaries), lines)
            for line in lines:
                self.assertIn("transport=tls", line)
            self.assertNotIn("notify-refused", b.server.log())

    def test_a_client_needs_a_certificate_if_the_config_says_so(self):
        with Blowback(transfer={"allow": ["127.0.0.1"]}) as b:
            clients = Authority(b.dir, "clients")
            authority = serves_tls(b, clients=clients)
            server_transfer.Transfers.list(self, b, ["192.0.2.1"])
            b.sections["log"] = {"level": "debug"}
            b.write_config()
            b.start_server()
            with connect(b, authority, client=clients.issue("secondary.example.org")) as tls:
                self.assertGreater(len(transferred_on(tls, query(ZONE, AXFR))), 4)
            for wrong in (None, authority.issue("stranger.example.org")):
                # The client's part of the handshake is over before the server has seen its certificate (RFC 8446 §2).
                with self.assertRaises(ssl.SSLError), connect(b, authority, client=wrong) as tls:
                    ask(tls, query(ZONE, "SOA"))
            wait_until(lambda: b.server.log().count("handshake-failed") == 2, 10, b.server.log)
            self.assertIn("peer did not return a certificate", b.server.log())
            self.assertIn("the client's certificate: ", b.server.log())

    def test_a_handshake_that_never_ends_is_cut_off(self):
        with Blowback(server={"tcp_idle": "1s"}, transfer={"allow": ["127.0.0.1"]}) as b:
            serves_tls(b)
            server_transfer.Transfers.list(self, b, ["192.0.2.1"])
            b.start_server()
            with socket.create_connection(("127.0.0.1", b.tls_port), timeout=30 * PATIENCE) as s:
                s.sendall(b"\x16\x03\x01\x02\x00\x01")
                self.assertEqual(s.recv(100), b"")

    def test_a_renewed_certificate_is_taken_over_and_a_bad_one_is_not(self):
        with Blowback(server={"tcp_idle": "1h"}, transfer={"allow": ["127.0.0.1"]}) as b:
            server_transfer.Transfers.list(self, b, ["192.0.2.1"])
            b.start_server()
            # In the sandbox, where OpenSSL wasn't used before.
            authority = serves_tls(b)
            reload(b)
            key = b.dir / f"{NAME}.key"
            with connect(b, authority) as before:
                first = before.getpeercert()["serialNumber"]
                authority.issue(NAME)
                reload(b)
                with connect(b, authority) as after:
                    second = after.getpeercert()["serialNumber"]
                self.assertNotEqual(second, first)

                def breaks_the_certificate():
                    b.sections["transfer"]["tls_certificate"] = str(b.dir / "missing.pem")
                    return "missing.pem"

                def another_key():
                    _, other = authority.issue("other.example.org")
                    b.sections["transfer"]["tls_key"] = str(other)
                    return "key values mismatch"

                def a_key_that_everybody_can_read():
                    key.chmod(0o644)
                    return "chmod o="

                def no_authority():
                    b.sections["transfer"]["tls_clients"] = str(key)
                    return "authorities"

                def a_port_in_use():
                    b.sections["transfer"]["tls"].append(f"127.0.0.1:{taken.getsockname()[1]}")
                    return "Address already in use"

                good = dict(b.sections["transfer"])
                with socket.create_server(("127.0.0.1", 0)) as taken:
                    for fails in (breaks_the_certificate, another_key, a_key_that_everybody_can_read, no_authority, a_port_in_use):
                        with self.subTest(fails.__name__):
                            b.sections["transfer"] = dict(good, tls=list(good["tls"]))
                            found = fails()
                            b.write_config()
                            self.assertIn(found, reload(b, refused=True))
                            key.chmod(0o600)
                            with connect(b, authority) as still:
                                self.assertEqual(still.getpeercert()["serialNumber"], second)
                # The connection has seen all of that.
                self.assertGreater(len(transferred_on(before, query(ZONE, AXFR))), 4)
                b.sections["transfer"] = {"allow": ["127.0.0.1"]}
                b.write_config()
                reload(b)
                wait_until(lambda: self.is_refused(b), 10, b.server.log)
                self.assertGreater(len(transferred_on(before, query(ZONE, AXFR))), 4)

    @staticmethod
    def is_refused(b):
        try:
            socket.create_connection(("127.0.0.1", b.tls_port), timeout=30 * PATIENCE).close()
        except ConnectionRefusedError:
            return True
        return False

    def test_the_tools_see_a_certificate_that_cant_be_used_or_expires_soon(self):
        with Blowback() as b:
            serves_tls(b)
            self.assertEqual(b.cli("db", "migrate").returncode, 0)
            done = b.cli("config", "check")
            self.assertRegex(done.stdout, r"(?m)^warning .*transfer\.tls .*expires on ")
            self.assertEqual(done.returncode, 0, done.stdout)
            (b.dir / f"{NAME}.pem").write_text("nonsense")
            for command in (("config", "check"), ("doctor",)):
                self.assertRegex(b.cli(*command).stdout, rf"(?m)^problem .*transfer\.tls .*{NAME}\.pem can't be used")


if __name__ == "__main__":
    if shutil.which("dig") is None or shutil.which("openssl") is None or executable("named-compilezone") is None:
        print("dig, openssl or named-compilezone isn't installed")
        raise SystemExit(77)
    unittest.main()
