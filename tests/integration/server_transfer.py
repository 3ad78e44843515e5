#!/usr/bin/env python3
"""The whole zone, transferred: dig, NSD, Knot DNS and BIND get exactly the records of the exported zone file. Nobody else gets anything, and slow clients
harm nobody. What Debian's packages aren't there for is left out."""

import base64
import contextlib
import os
import re
import shutil
import socket
import struct
import subprocess
import time
import unittest

from harness import PATIENCE, ZONE, Blowback, encode_name, parse_strictly, query, wait_until
from name_servers import SECONDARIES, Secondary, executable

AXFR, IXFR, SOA = 252, 251, 6


def records_of(text):
    """Records of a zone file or of dig's output in one form, sorted: names, TTLs and all."""
    found = []
    for line in text.splitlines():
        if not line.strip() or line.startswith((";", "$")):
            continue
        owner, ttl, klass, rtype, rdata = line.split(None, 4)
        found.append((owner.lower(), int(ttl), klass, rtype, re.sub(r"\s+", " ", rdata).strip()))
    return sorted(set(found))


def dig_axfr(port, *options, server="127.0.0.1", zone=ZONE):
    return subprocess.run(["dig", f"@{server}", "-p", str(port), zone, "AXFR", "+noall", "+answer", "+onesoa", "+time=30", "+tries=1", *options],
                          capture_output=True, text=True, timeout=120 * PATIENCE)


def exported(b, zone=ZONE):
    """The records of the export, by BIND's own reader of zone files."""
    file = b.dir / "exported.zone"
    done = b.cli("export", "--format", "zone", "--zone", zone, "--to", file)
    assert done.returncode == 0, done.stderr
    done = subprocess.run([executable("named-compilezone"), "-i", "none", "-k", "ignore", "-q", "-o", "-", zone, str(file)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return records_of(done.stdout)


def messages(s):
    """The messages on a connection until it is closed."""
    def exactly(count):
        octets = b""
        while len(octets) < count:
            more = s.recv(count - len(octets))
            if not more:
                return None
            octets += more
        return octets
    while (head := exactly(2)) is not None:
        yield exactly(struct.unpack("!H", head)[0])


def ixfr(serial, ident=0x1234, zone=ZONE):
    """A query for the changes since `serial`."""
    soa = encode_name("a") * 2 + struct.pack("!5I", serial, 1, 1, 1, 1)
    wire = query(zone, IXFR, ident=ident)
    return wire[:8] + struct.pack("!H", 1) + wire[10:] + b"\xc0\x0c" + struct.pack("!HHIH", SOA, 1, 0, len(soa)) + soa


def transferred(b, wire):
    """The records of an AXFR or IXFR: up to the SOA of the present version that ends it."""
    with socket.create_connection(("127.0.0.1", b.port), timeout=30 * PATIENCE) as s:
        return transferred_on(s, wire)


def transferred_on(s, wire):
    """The same on a connection."""
    s.sendall(struct.pack("!H", len(wire)) + wire)
    records = []
    for message in messages(s):
        records += parse_strictly(message).answers
        soas = [record.rdata for record in records if record.type == SOA]
        # A difference begins with two SOAs, and has the present one three times.
        is_difference = len(records) > 1 and records[1].type == SOA
        if len(records) > 1 and soas.count(soas[0]) == (3 if is_difference else 2):
            return records
    raise AssertionError(f"the connection was closed after {len(records)} records")


def key_of(record):
    return (record.owner.lower(), record.type, record.ttl, record.rdata)


def zone_in(records):
    """The records of a whole zone, without the second SOA."""
    assert records[0].type == SOA and records[1].type != SOA
    return {key_of(record) for record in records}


def applied(zone, records):
    """A zone after a difference (RFC 1995 §4), which must remove only what is there, and add only what isn't."""
    new, old = records[0], records[1]
    zone = set(zone)
    removes = True
    for record in records[1:-1]:
        if record.type == SOA and record.rdata == new.rdata:
            removes = False
        if removes:
            assert key_of(record) in zone, record
            zone.remove(key_of(record))
        else:
            assert key_of(record) not in zone, record
            zone.add(key_of(record))
    assert old.rdata != new.rdata
    return zone


class Transfers(unittest.TestCase):
    def list(self, b, lines, *, exempt=()):
        done = b.cli("import", "-", "--wide", "--reason", "test", stdin="\n".join(lines).encode(), seconds=120)
        self.assertEqual(done.returncode, 0, done.stderr)
        for network in exempt:
            self.assertEqual(b.cli("exempt", network, "--reason", "test").returncode, 0)

    def test_dig_gets_the_exported_zone(self):
        zone = {"nameservers": [f"ns1.{ZONE} 192.0.2.53 2001:db8::53", "ns.example.net"], "hosts": ["www 192.0.2.80 2001:db8::80", "www 192.0.2.81"]}
        with Blowback(transfer={"allow": ["127.0.0.1", "::1"]}, zone=zone) as b:
            self.list(b, [f"198.51.{i // 250}.{i % 250}" for i in range(2000)] + ["203.0.113.0/24", "1.2.3.0/24", "2001:db8:1::/48", "2001:db8::1"], exempt=["203.0.113.128/26"])
            b.start_server()
            expected = exported(b)
            for options in ((b.port,), (b.port, "+cookie"), (b.port, "+noedns")):
                done = dig_axfr(*options)
                self.assertEqual(records_of(done.stdout), expected, done.stdout[-500:])
            if b.port6:
                self.assertEqual(records_of(dig_axfr(b.port6, server="::1").stdout), expected)

    def test_nobody_else_gets_it(self):
        for transfer in ({}, {"allow": ["192.0.2.0/24"]}):
            with Blowback(transfer=transfer) as b:
                self.list(b, ["192.0.2.1"])
                b.start_server()
                for wire in (query(ZONE, AXFR), ixfr(0)):
                    reply = parse_strictly(b.raw_tcp(wire)[0])
                    self.assertEqual((reply.rcode, reply.answers), ("REFUSED", []))
                    self.assertEqual(parse_strictly(b.raw_udp(wire)).rcode, "REFUSED")

    def test_names_other_than_the_zones_own_and_udp(self):
        with Blowback(transfer={"allow": ["127.0.0.1"]}) as b:
            self.list(b, ["192.0.2.1"])
            b.start_server()
            self.assertEqual(parse_strictly(b.raw_tcp(query("2.0.192." + ZONE, AXFR))[0]).rcode, "NOTAUTH")
            self.assertEqual(parse_strictly(b.raw_tcp(query("example.org", AXFR))[0]).rcode, "REFUSED")
            self.assertEqual(parse_strictly(b.raw_udp(query(ZONE, AXFR))).rcode, "FORMERR")
            # An IXFR without the client's SOA.
            self.assertEqual(parse_strictly(b.raw_tcp(query(ZONE, IXFR))[0]).rcode, "FORMERR")

    def test_ixfr_without_a_version_that_is_kept_is_the_zone_or_the_soa_alone(self):
        with Blowback(transfer={"allow": ["127.0.0.1"]}) as b:
            self.list(b, ["192.0.2.1", "192.0.2.2"])
            b.start_server()
            serial = serial_at(b)
            for theirs in (0, serial - 1, (serial - 2**31) % 2**32):
                records = transferred(b, ixfr(theirs))
                self.assertGreater(len(records), 30, theirs)
                self.assertEqual((records[0].type, records[-1].type), (SOA, SOA))
            for theirs in (serial, serial + 1, serial + 2**31 - 1):
                self.assertEqual([record.type for record in parse_strictly(b.raw_tcp(ixfr(theirs))[0]).answers], [SOA], theirs)
            for theirs in (0, serial, serial + 1):
                reply = parse_strictly(b.raw_udp(ixfr(theirs)))
                self.assertEqual([record.type for record in reply.answers], [SOA], theirs)

    def test_ixfr_from_every_version_leads_to_the_present_one(self):
        with Blowback(transfer={"allow": ["127.0.0.1"], "history": 30}) as b:
            self.list(b, [f"198.51.100.{i}" for i in range(250)] + ["203.0.113.0/24", "2001:db8:1::/48"])
            b.start_server()
            versions = {}
            for step in range(20):
                versions[serial_at(b)] = zone_in(transferred(b, query(ZONE, AXFR)))
                if step % 5 == 0:
                    self.assertEqual(b.cli("exempt", f"203.0.113.{step // 5 * 4}/30", "--reason", "test").returncode, 0)
                elif step % 5 == 1:
                    self.list(b, [f"10.{step}.0.0/17"])
                elif step % 5 == 2:
                    self.assertEqual(b.cli("delist", f"198.51.100.{step}", "--reason", "test").returncode, 0)
                elif step % 5 == 3:
                    # It ends by the clock, and no ingest runs that would record it.
                    self.assertEqual(b.cli("list", f"192.0.2.{step}", "--for", "1s", "--reason", "test").returncode, 0)
                    wait_until(lambda: serial_at(b) > max(versions) + 1, 30, b.server.log)
                else:
                    self.list(b, [f"203.0.113.{step}", f"2001:db8:1::{step}"])
                wait_until(lambda: serial_at(b) > max(versions), 10, b.server.log)
            present = zone_in(transferred(b, query(ZONE, AXFR)))
            for serial, version in versions.items():
                records = transferred(b, ixfr(serial))
                self.assertEqual(applied(version, records), present, serial)
                self.assertEqual(records[1].type, SOA, serial)
            # The zone's own records aren't part of a difference: after their change there is none.
            b.sections["zone"]["txt"] = "Another text about {ip}"
            b.write_config()
            os.kill(b.server.pid, 1)
            wait_until(lambda: "config-read" in b.server.log(), 10, b.server.log)
            serial = serial_at(b)
            self.list(b, ["192.0.2.200"])
            wait_until(lambda: serial_at(b) > serial, 10, b.server.log)
            records = transferred(b, ixfr(min(versions)))
            self.assertEqual(zone_in(records), zone_in(transferred(b, query(ZONE, AXFR))))

    def test_versions_beyond_the_configured_number_are_forgotten(self):
        with Blowback(transfer={"allow": ["127.0.0.1"], "history": 2}) as b:
            self.list(b, [f"198.51.100.{i}" for i in range(250)])
            b.start_server()
            serials = [serial_at(b)]
            for i in range(4):
                self.list(b, [f"192.0.2.{i}"])
                wait_until(lambda: serial_at(b) > serials[-1], 10, b.server.log)
                serials.append(serial_at(b))
            for serial, is_kept in zip(serials[:-1], (False, False, True, True)):
                self.assertEqual(len(transferred(b, ixfr(serial))) < 20, is_kept, serial)

    def test_queries_are_answered_beside_transfers_and_a_slow_client_is_cut_off(self):
        with Blowback(server={"workers": 1}, transfer={"allow": ["127.0.0.1"], "connections": 4, "time": "3s"}) as b:
            self.list(b, [f"11.{i >> 16}.{i >> 8 & 255}.{i & 255}" for i in range(60000)])
            b.start_server()
            slow = []
            for _ in range(3):
                s = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
                s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
                s.settimeout(30 * PATIENCE)
                s.connect(("127.0.0.1", b.port))
                wire = query(ZONE, AXFR)
                s.sendall(struct.pack("!H", len(wire)) + wire)
                slow.append(s)
            began = time.monotonic()
            # Two of the four connections are for one client: the third is closed.
            self.assertEqual(slow[2].recv(100), b"")
            asked = 0
            while not all(b"timed_out" in line for line in self.transferred(b, 2)):
                for s in slow[:2]:
                    with contextlib.suppress(BlockingIOError):
                        s.recv(50, socket.MSG_DONTWAIT)
                before = time.monotonic()
                self.assertEqual(b.dig_ip("11.0.0.7").rdata("A"), ["127.0.0.9"])
                self.assertLess(time.monotonic() - before, 1 * PATIENCE)
                asked += 1
                self.assertLess(time.monotonic() - began, 30 * PATIENCE)
            self.assertGreater(time.monotonic() - began, 2.5)
            self.assertGreater(asked, 10)
            self.assertEqual(len(records_of(dig_axfr(b.port).stdout)), len(exported(b)))
            for s in slow:
                s.close()

    @staticmethod
    def transferred(b, count):
        lines = [line.encode() for line in b.server.log().splitlines() if " transferred " in line]
        return lines if len(lines) >= count else [b""]

    def test_a_transfer_is_one_list_whatever_is_committed_meanwhile(self):
        with Blowback(transfer={"allow": ["127.0.0.1"]}) as b:
            self.list(b, [f"11.{i >> 16}.{i >> 8 & 255}.{i & 255}" for i in range(50000)])
            b.start_server()
            expected = exported(b)
            with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as s:
                s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
                s.settimeout(30 * PATIENCE)
                s.connect(("127.0.0.1", b.port))
                wire = query(ZONE, AXFR)
                s.sendall(struct.pack("!H", len(wire)) + wire)
                stream = messages(s)
                replies = [parse_strictly(next(stream))]
                self.list(b, ["192.0.2.1", "192.0.2.2"])
                wait_until(lambda: b.listed("192.0.2.2"), 5, "the new list is served")
                while sum(record.type == SOA for reply in replies for record in reply.answers) < 2:
                    replies.append(parse_strictly(next(stream)))
            records = [record for reply in replies for record in reply.answers]
            self.assertEqual(records[0].rdata, records[-1].rdata)
            self.assertEqual(len(records), len(expected) + 1)
            self.assertNotIn(b"\x011\x012\x010\x03192" + encode_name(ZONE), [record.owner for record in records])

    def test_a_reload_changes_who_may_transfer(self):
        with Blowback() as b:
            self.list(b, ["192.0.2.1"])
            b.start_server()
            self.assertIn("Transfer failed", dig_axfr(b.port).stdout)
            b.sections["transfer"] = {"allow": ["127.0.0.1"]}
            b.write_config()
            os.kill(b.server.pid, 1)
            wait_until(lambda: "config-read" in b.server.log(), 10, b.server.log)
            self.assertEqual(records_of(dig_axfr(b.port).stdout), exported(b))

    def signed(self, b, algorithm):
        """Lets the holder of a key transfer, and nobody else; returns the key."""
        octets = bytes(range(64 if algorithm == "hmac-sha512" else 32))
        file = b.dir / "xfr.key"
        file.write_text(base64.b64encode(octets).decode() + "\n")
        file.chmod(0o640)
        b.sections.setdefault("transfer", {})["key"] = [{"name": "xfr.example.org", "algorithm": algorithm, "secret_file": str(file)}]
        b.write_config()
        return "xfr.example.org", algorithm, file.read_text().strip()

    def test_a_key_instead_of_an_address(self):
        for algorithm in ("hmac-sha256", "hmac-sha512"):
            with self.subTest(algorithm), Blowback() as b:
                name, _, secret = self.signed(b, algorithm)
                self.list(b, [f"198.51.{i // 250}.{i % 250}" for i in range(2000)])
                b.start_server()
                done = dig_axfr(b.port, "-y", f"{algorithm}:{name}:{secret}")
                self.assertEqual(records_of(done.stdout), exported(b), done.stdout[-500:] + done.stderr)
                self.assertIn("Transfer failed", dig_axfr(b.port).stdout)
                for wrong in (f"{algorithm}:other.example:{secret}", f"{algorithm}:{name}:{base64.b64encode(bytes(32)).decode()}"):
                    done = dig_axfr(b.port, "-y", wrong)
                    self.assertEqual(records_of(done.stdout), [], done.stdout)
                # An ordinary query is signed, too: dig warns if the reply's signature isn't valid.
                done = subprocess.run(["dig", "@127.0.0.1", "-p", str(b.port), "-y", f"{algorithm}:{name}:{secret}", ZONE, "SOA"], capture_output=True, text=True)
                self.assertIn("status: NOERROR", done.stdout)
                self.assertNotIn("verify", done.stdout + done.stderr)
                done = subprocess.run(["dig", "@127.0.0.1", "-p", str(b.port), "-y", wrong, ZONE, "SOA"], capture_output=True, text=True)
                self.assertIn("status: NOTAUTH", done.stdout)

    def test_a_secret_that_everybody_can_read_is_refused(self):
        with Blowback() as b:
            self.signed(b, "hmac-sha256")
            (b.dir / "xfr.key").chmod(0o644)
            server = b.start_server(wait=False)
            server.wait(10)
            self.assertEqual(server.process.returncode, 3)
            self.assertIn("chmod o=", server.log())
            self.assertIn("chmod o=", b.cli("config", "check").stdout)

    def test_secondaries_of_four_makes_follow_with_and_without_a_key(self):
        for kind in SECONDARIES:
            if not Secondary.installed(kind):
                continue
            for algorithm in (None, "hmac-sha256", "hmac-sha512"):
                with self.subTest(kind, algorithm=algorithm), Blowback(transfer={"allow": ["192.0.2.0/24" if algorithm else "127.0.0.1"]}) as b:
                    key = self.signed(b, algorithm) if algorithm else None
                    self.list(b, [f"198.51.{i // 250}.{i % 250}" for i in range(3000)] + ["203.0.113.0/24", "2001:db8:1::/48"], exempt=["203.0.113.128/26"])
                    secondary = Secondary(kind, b.dir, b.port, key)
                    # With a key, NSD and Knot DNS accept no NOTIFY without it.
                    b.sections["transfer"]["notify"] = [f"127.0.0.1:{secondary.port}" + (f" key {key[0]}" if key else "")]
                    b.write_config()
                    b.start_server()
                    with secondary:
                        # NOTIFY: the SOA's refresh is ten minutes.
                        for i in range(3):
                            self.list(b, [f"192.0.2.{i}"])
                            wait_until(lambda: serial_of(secondary.port) == serial_of(b.port), 30, lambda: secondary.daemon.log()[-3000:] + b.server.log()[-3000:])
                        done = dig_axfr(secondary.port)
                        self.assertEqual(records_of(done.stdout), exported(b), done.stdout[-500:])
                        self.assertNotIn("notify-refused", b.server.log())

    def test_after_a_restart_secondaries_get_what_has_changed_meanwhile(self):
        kinds = [kind for kind in SECONDARIES if Secondary.installed(kind)]
        with Blowback(transfer={"allow": ["127.0.0.1"]}) as b, contextlib.ExitStack() as stack:
            self.list(b, [f"198.51.{i // 250}.{i % 250}" for i in range(3000)] + ["203.0.113.0/24", "2001:db8:1::/48"])
            secondaries = [Secondary(kind, b.dir, b.port) for kind in kinds]
            b.sections["transfer"]["notify"] = [f"127.0.0.1:{each.port}" for each in secondaries]
            b.write_config()
            b.start_server()

            def followed():
                serial = serial_of(b.port)
                return all(serial_of(each.port) == serial for each in secondaries)
            for each in secondaries:
                stack.enter_context(each)
            wait_until(followed, 60, lambda: b.server.log()[-3000:])
            self.list(b, ["192.0.2.1"])
            wait_until(followed, 60, lambda: b.server.log()[-3000:])
            versions = {serial_at(b): zone_in(transferred(b, query(ZONE, AXFR)))}
            for end in (b.server.stop, b.server.kill):
                before = len(b.server.log())
                end()
                self.assertEqual(b.cli("list", "192.0.2.77", "--for", "1s", "--reason", "test").returncode, 0)
                self.list(b, [f"192.0.2.{100 + len(versions)}"])
                self.assertEqual(b.cli("delist", f"198.51.1.{len(versions)}", "--reason", "test").returncode, 0)
                self.assertEqual(b.cli("exempt", f"203.0.113.{len(versions) * 8}/29", "--reason", "test").returncode, 0)
                b.start_server()
                wait_until(followed, 60, lambda: b.server.log()[-3000:])
                lines = [line for line in b.server.log()[before:].splitlines() if " transferred " in line]
                self.assertGreaterEqual(len(lines), len(kinds))
                self.assertEqual([line for line in lines if "incremental=1" not in line], [])
                for serial, version in versions.items():
                    self.assertEqual(applied(version, transferred(b, ixfr(serial))), zone_in(transferred(b, query(ZONE, AXFR))), serial)
                versions[serial_at(b)] = zone_in(transferred(b, query(ZONE, AXFR)))
            for each in secondaries:
                wait_until(followed, 60, lambda: b.server.log()[-3000:])
                self.assertEqual(records_of(dig_axfr(each.port).stdout), exported(b), each.kind)

    def test_without_a_place_for_it_a_restart_costs_the_whole_zone(self):
        with Blowback(transfer={"allow": ["127.0.0.1"]}) as b:
            self.list(b, [f"198.51.100.{i}" for i in range(100)])
            (b.database.parent / (b.database.name + ".served")).mkdir()
            b.start_server()
            self.assertIn("versions-skipped", b.server.log())
            serial = serial_at(b)
            self.list(b, ["192.0.2.1"])
            wait_until(lambda: serial_at(b) > serial, 10, b.server.log)
            self.assertLess(len(transferred(b, ixfr(serial))), 20)
            b.server.stop()
            b.start_server()
            self.assertGreater(len(transferred(b, ixfr(serial))), 100)

    def test_a_second_zone_has_its_own_codes_in_transfers_and_secondaries_follow_it(self):
        zone = "dsn.example.net"
        with Blowback(transfer={"allow": ["127.0.0.1"]}, further_zones=[{"name": zone, "codes": ["dsn"]}]) as b, contextlib.ExitStack() as running:
            self.list(b, ["203.0.113.0/24", "11.1.2.3"])
            b.list_sender("11.1.2.3")
            self.assertEqual(b.start_ingest(once=True).process.returncode, 0)
            secondaries = [Secondary(kind, b.dir, b.port, zone=zone) for kind in SECONDARIES if kind != "pdns" and Secondary.installed(kind)]
            b.sections["transfer"]["notify"] = [f"127.0.0.1:{secondary.port}" for secondary in secondaries]
            b.write_config()
            b.start_server()
            serial = serial_of(b.port)
            self.assertEqual(serial_of(b.port, zone), serial)
            first = zone_in(transferred(b, query(zone, AXFR)))
            self.assertEqual({record[3] for record in first if record[0].startswith(b"\x013\x012\x011\x0211") and record[1] == 1}, {b"\x7f\0\0\2"})
            for secondary in secondaries:
                running.enter_context(secondary)

            def follow():
                for secondary in secondaries:
                    wait_until(lambda: serial_of(secondary.port, zone) == serial_of(b.port), 30, lambda: secondary.daemon.log()[-3000:] + b.server.log()[-3000:])
                    self.assertEqual(records_of(dig_axfr(secondary.port, zone=zone).stdout), exported(b, zone), secondary.kind)
            follow()
            # The first change isn't in this zone: only its serial moves. The next one is, and then the operator's listing remains alone.
            for change in (lambda: self.list(b, ["192.0.2.1"]), lambda: self.sender(b, "11.4.5.6"), lambda: b.cli("delist", "11.1.2.3", "--reason", "test"),
                           lambda: self.list(b, ["11.1.2.3"])):
                before = serial_of(b.port)
                change()
                wait_until(lambda: serial_of(b.port) != before, 10, b.server.log)
                follow()
            self.assertEqual(applied(first, transferred(b, ixfr(int(serial[0]), zone=zone))), zone_in(transferred(b, query(zone, AXFR))))
            self.assertEqual(records_of(dig_axfr(b.port).stdout), exported(b))
            self.assertNotEqual(len(exported(b)), len(exported(b, zone)))
            # A restart keeps the versions of all zones, unless one of these was changed meanwhile.
            since = ixfr(int(serial[0]), zone=zone)
            before = len(b.server.log())
            b.server.stop()
            b.start_server()
            wait_until(lambda: "versions-recalled" in b.server.log()[before:], 10, b.server.log)
            self.assertEqual(applied(first, transferred(b, since)), zone_in(transferred(b, query(zone, AXFR))))
            b.server.stop()
            b.further_zones[0]["ttl"] = "10m"
            b.write_config()
            b.start_server()
            zone_in(transferred(b, since))

    @staticmethod
    def sender(b, ip):
        b.list_sender(ip)
        assert b.start_ingest(once=True).process.returncode == 0

    def test_a_change_notifies_until_it_is_answered(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.bind(("127.0.0.1", 0))
            s.settimeout(10 * PATIENCE)
            with Blowback(transfer={"notify": [f"127.0.0.1:{s.getsockname()[1]}"]}) as b:
                self.list(b, ["192.0.2.1"])
                b.start_server()

                def notified():
                    """The next NOTIFY: the server asks for the SOA as well."""
                    while (read := s.recvfrom(512))[0][2] & 0x78 != 4 << 3:
                        pass
                    return read
                first, _ = notified()
                second, sender = notified()
                for wire in (first, second):
                    self.assertEqual((wire[2], wire[3]), (0x24, 0))
                s.sendto(second[:2] + b"\xa4" + second[3:], sender)
                self.list(b, ["192.0.2.2"])
                third, sender = notified()
                self.assertNotEqual(third[12:], second[12:])
                s.sendto(third[:2] + b"\xa4" + third[3:], sender)


def serial_at(b):
    return int(b.dig(ZONE, "SOA").rdata()[0].split()[2])


def serial_of(port, zone=ZONE):
    done = subprocess.run(["dig", "@127.0.0.1", "-p", str(port), "+short", "+time=2", zone, "SOA"], capture_output=True, text=True)
    return done.stdout.split()[2:3]


if __name__ == "__main__":
    if shutil.which("dig") is None or executable("named-compilezone") is None:
        print("dig or named-compilezone isn't installed")
        raise SystemExit(77)
    unittest.main()
