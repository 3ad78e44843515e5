#!/usr/bin/env python3
"""How the operator learns what the other name servers of the zone have: the server's metrics and log, `doctor`, and `conform --compare`, each with a real
secondary that follows, stands still or serves something else."""

import contextlib
import json
import os
import re
import signal
import socket
import unittest
import urllib.request

from harness import ZONE, Blowback, free_port, wait_until
from name_servers import KINDS, SECONDARIES, NameServer, Secondary


def first_installed():
    """One that SIGSTOP stops as a whole: NSD answers from another process than the one that transfers."""
    kind = next((kind for kind in SECONDARIES if kind != "nsd" and Secondary.installed(kind)), None)
    if kind is None:
        raise unittest.SkipTest("neither Knot DNS nor BIND nor PowerDNS is installed")
    return kind


@contextlib.contextmanager
def followed(kind, log=None):
    """(b, secondary): a list of a few entries, and a secondary that has it."""
    with Blowback(transfer={"allow": ["127.0.0.1"]}) as b:
        b.metrics_port = free_port()
        b.sections["metrics"] = {"server": f"127.0.0.1:{b.metrics_port}"}
        grow(b, "198.51.100.0/24", "2001:db8:1::/48", *(f"192.0.2.{i}" for i in range(40)))
        assert b.cli("exempt", "198.51.100.128/26", "--reason", "test").returncode == 0
        secondary = Secondary(kind, b.dir, b.port)
        b.sections["transfer"]["notify"] = [f"127.0.0.1:{secondary.port}"]
        b.write_config()
        b.start_server()
        with secondary:
            wait_until(lambda: metric(b, "serial_behind") == 0, 60, lambda: secondary.daemon.log()[-3000:] + b.server.log()[-3000:])
            yield b, secondary


def grow(b, *networks):
    done = b.cli("import", "-", "--reason", "test", stdin="\n".join(networks).encode())
    assert done.returncode == 0, done.stderr


def metric(b, name):
    """Of the one secondary; None: there is no such sample."""
    with urllib.request.urlopen(f"http://127.0.0.1:{b.metrics_port}/metrics", timeout=10) as reply:
        for line in reply.read().decode().splitlines():
            if line.startswith(f"blowback_server_secondary_{name}{{"):
                return float(line.split()[-1])
    return None


def findings(b):
    return {row["check"]: row for row in json.loads(b.cli("doctor", "--format", "json").stdout)}


class Lag(unittest.TestCase):
    def test_a_secondary_that_stands_still_lags_until_it_follows(self):
        with followed(first_installed()) as (b, secondary):
            check = f"secondary 127.0.0.1:{secondary.port}"
            self.assertEqual((metric(b, "answers"), metric(b, "seconds_behind")), (1, 0))
            self.assertEqual(findings(b)[check]["state"], "ok")
            figures = b.figures()
            self.assertEqual(figures[f"server.secondaries.127.0.0.1:{secondary.port}.serial"], figures["server.list.serial"])
            os.kill(secondary.daemon.process.pid, signal.SIGSTOP)
            try:
                grow(b, "192.0.2.100", "192.0.2.101")
                wait_until(lambda: metric(b, "serial_behind") == 2 and metric(b, "seconds_behind") > 0, 30, lambda: b.server.log()[-3000:])
                wait_until(lambda: metric(b, "answers") == 0, 60, "three queries have no answer")
                row = findings(b)[check]
                self.assertEqual((row["state"], "no answer" in row["found"]), ("problem", True), row)
                self.assertIn("doesn't answer for the zone", b.cli("stats").stdout)
            finally:
                os.kill(secondary.daemon.process.pid, signal.SIGCONT)
            wait_until(lambda: (metric(b, "answers"), metric(b, "serial_behind"), metric(b, "seconds_behind")) == (1, 0, 0), 120, lambda: secondary.daemon.log()[-3000:])
            self.assertEqual(findings(b)[check]["state"], "ok")
            b.sections["transfer"]["notify"] = []
            b.write_config()
            os.kill(b.server.pid, signal.SIGHUP)
            wait_until(lambda: metric(b, "answers") is None, 20, lambda: b.server.log()[-3000:])


class Compare(unittest.TestCase):
    def compare(self, b, port, *arguments):
        done = b.cli("conform", ZONE, "--compare", f"127.0.0.1:{b.port}", f"127.0.0.1:{port}", "--format", "json", "--seed", "1", *arguments, seconds=150)
        self.assertIn(done.returncode, (0, 1), done.stderr)
        return done, json.loads(done.stdout or "[]")

    def test_secondaries_answer_as_their_primary(self):
        for kind in SECONDARIES:
            if not Secondary.installed(kind):
                continue
            with self.subTest(kind), followed(kind) as (b, secondary):
                done, differences = self.compare(b, secondary.port)
                if kind == "pdns":
                    # docs/distributing.md: RRSIG is refused, and its database takes no such octets.
                    self.assertTrue(differences)
                    differences = [row for row in differences if row["type"] != "RRSIG" and not re.search(r"\\000|\\255", row["name"])]
                    self.assertEqual((differences, done.stderr), ([], ""))
                else:
                    self.assertEqual((done.returncode, differences, done.stderr), (0, [], ""))

    def test_a_zone_with_one_record_more_or_less_is_found(self):
        kind = next((kind for kind in KINDS if NameServer.installed(kind)), None)
        if kind is None:
            self.skipTest(f"none of {', '.join(KINDS)} is installed")
        with Blowback() as b:
            grow(b, *(f"192.0.2.{i}" for i in range(40)))
            zone = b.dir / "zone"
            self.assertEqual(b.cli("export", "--format", "zone", "--to", zone).returncode, 0)
            lines = zone.read_text().splitlines(keepends=True)
            # One listing less, and 1 and 2 of another's codes.
            gone = [line for line in lines if not line.startswith("7.2.0.192")]
            self.assertLess(len(gone), len(lines))
            zone.write_text("".join(gone) + "8.2.0.192 A 127.0.0.99\n")
            b.start_server()
            with NameServer(kind, b.dir, zone) as other:
                other.ready()
                done, differences = self.compare(b, other.port, "--count", "3000")
                self.assertEqual(done.returncode, 1)
                for row in differences:
                    self.assertRegex(row["name"].lower(), rf"(^|\.)[78]\.2\.0\.192\.{ZONE}$")
                for owner in ("7", "8"):
                    self.assertTrue([row for row in differences if row["name"].lower().endswith(f"{owner}.2.0.192.{ZONE}")], differences)

    def test_servers_with_different_serials_are_not_compared(self):
        with Blowback() as b, Blowback() as other:
            grow(b, "192.0.2.1")
            grow(other, "192.0.2.1", "192.0.2.2")
            b.start_server()
            other.start_server()
            done, differences = self.compare(b, other.port, "--wait", "1s")
            self.assertEqual((done.returncode, differences), (1, []))
            self.assertIn("nothing was compared: the serials aren't equal: 1 and 2", done.stderr)


class NameServers(unittest.TestCase):
    """`doctor` at name servers that are found by name, which takes port 53 of an address of our own."""

    def setUp(self):
        self.address = None
        for _ in range(20):
            address = f"127.{os.getpid() % 200 + 20}.{os.urandom(1)[0]}.{os.urandom(1)[0] | 1}"
            try:
                with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp, socket.socket(socket.AF_INET, socket.SOCK_STREAM) as tcp:
                    udp.bind((address, 53))
                    tcp.bind((address, 53))
            except PermissionError:
                self.skipTest("port 53 needs root, or CAP_NET_BIND_SERVICE")
            except OSError:
                continue
            self.address = address
            return
        self.fail("no address has a free port 53")

    def test_each_address_of_the_ns_set_is_asked(self):
        servers = [f"ns1.{ZONE} {self.address}", "ns.example.net"]
        with Blowback(zone={"nameservers": servers}) as b, Blowback(zone={"name": "example.net", "hosts": [f"ns {self.address}"]}) as resolver:
            self.assertEqual(resolver.cli("db", "migrate").returncode, 0)
            grow(b, "192.0.2.1")
            b.start_server()
            resolver.start_server()

            def rows():
                done = b.cli("doctor", "--resolver", f"127.0.0.1:{resolver.port}", "--format", "json")
                return {row["check"]: row for row in json.loads(done.stdout)}
            check = f"name server ns1.{ZONE} {self.address}:53"
            found = rows()
            self.assertEqual(found[check]["state"], "problem", found[check])
            # Both names have the same address, which is asked once.
            self.assertFalse([name for name in found if name.startswith("name server ns.example.net")])
            # Another server, of a list of its own.
            with Blowback(server={"listen": [f"{self.address}:53"]}) as other:
                grow(other, "192.0.2.1")
                other.start("blowback-server")
                wait_until(lambda: rows()[check]["state"] == "ok", 30, lambda: rows()[check])
                grow(b, "192.0.2.2", "192.0.2.3")
                row = rows()[check]
                self.assertEqual((row["state"], "2 changes behind" in row["found"]), ("problem", True), row)


if __name__ == "__main__":
    unittest.main()
