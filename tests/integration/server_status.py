#!/usr/bin/env python3
"""What the running server tells of itself: its numbers grow by just what was asked, and the socket that tells them is in nobody's
way, whoever reads there."""

import json
import os
import signal
import socket
import struct
import time
import unittest

from harness import ZONE, Blowback, has_ipv6, owner_name, parse_header, query, wait_until

CLIENT_COOKIE = struct.pack("!HH", 10, 8) + b"\x01\x02\x03\x04\x05\x06\x07\x08"


def ask(path, timeout=5.0):
    """The document that the socket at `path` gives."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as s:
        s.settimeout(timeout)
        s.connect(str(path))
        octets = b""
        while more := s.recv(65536):
            octets += more
    return json.loads(octets)


def flat(document, before=""):
    """{"queries.udp.types.A": 3, …}: numbers alone."""
    numbers = {}
    for key, value in document.items():
        if isinstance(value, dict):
            numbers |= flat(value, before + key + ".")
        elif isinstance(value, int) and not isinstance(value, bool):
            numbers[before + key] = value
    return numbers


def socket_of(b):
    return b.dir / "blowback.db.server"


def start(b, **options):
    """The socket comes after the answers; the log says when all is there."""
    log = b.dir / "blowback-server.log"
    before = log.read_text().count(" serving ") if log.exists() else 0
    b.start_server(**options)
    wait_until(lambda: b.server.log().count(" serving ") > before, 10, "the server is there as a whole")


def reload(b):
    """Writes the config, and comes back when it is in force."""
    b.write_config()
    before = b.server.log().count("config-read")
    os.kill(b.server.pid, signal.SIGHUP)
    wait_until(lambda: b.server.log().count("config-read") > before, 5, "the new config is in force")


def growth(before, after):
    before, after = flat(before), flat(after)
    return {name: value - before[name] for name, value in after.items() if value != before[name] and not name.startswith(("list.", "journal."))}


class Status(unittest.TestCase):
    maxDiff = None

    def test_numbers_grow_by_just_what_was_asked(self):
        with Blowback(server={"allow": ["127.0.0.0/8", "::1/128"]}) as b:
            b.cli("list", "192.0.2.1", "--reason", "test")
            start(b)
            b.wait_listed("192.0.2.1")

            def timed(document):
                return sum(step["queries"] for step in document["latency_us"])

            def settled():
                """An answer is sent, then timed: what was asked so far was, too."""
                document = ask(socket_of(b))
                return document if timed(document) == document["queries"]["udp"]["total"] else None

            before = wait_until(settled, 5, "every earlier query by UDP was timed")
            self.assertEqual((before["zone"], before["list"]["ready"], before["list"]["stale"], before["list"]["entries"]), (ZONE, True, False, 1))

            for _ in range(3):
                self.assertIsNotNone(b.raw_udp(query(owner_name("192.0.2.1"), "A")))
            self.assertIsNotNone(b.raw_udp(query(owner_name("192.0.2.1"), "TXT", edns=(1232, 0, False, CLIENT_COOKIE))))
            self.assertIsNotNone(b.raw_udp(query(owner_name("192.0.2.2"), "A")))
            self.assertIsNotNone(b.raw_udp(query("2.0.0.127." + ZONE, "A")))
            self.assertIsNotNone(b.raw_udp(query("elsewhere.example", "MX")))
            # A header that counts a question which isn't there.
            self.assertIsNotNone(b.raw_udp(struct.pack("!6H", 7, 0, 1, 0, 0, 0)))
            # No header at all, and a response: silence.
            self.assertIsNone(b.raw_udp(b"short", timeout=0.2))
            self.assertIsNone(b.raw_udp(query(ZONE, "SOA", flags=0x8000), timeout=0.2))
            if has_ipv6():
                self.assertIsNotNone(b.raw_udp(query(owner_name("192.0.2.2"), "A"), v6=True))
            self.assertEqual(len(b.raw_tcp(query(owner_name("192.0.2.1"), "A"), query(ZONE, "SOA"))), 2)

            six = 1 if has_ipv6() else 0
            expected = {
                "queries.udp.total": 10 + six,
                "queries.udp.outcomes.listed": 4,
                "queries.udp.outcomes.nxdomain": 1 + six,
                "queries.udp.outcomes.test_point": 1,
                "queries.udp.outcomes.refused": 1,
                "queries.udp.outcomes.formerr": 1,
                "queries.udp.outcomes.dropped": 2,
                "queries.udp.rcodes.NOERROR": 5,
                "queries.udp.rcodes.NXDOMAIN": 1 + six,
                "queries.udp.rcodes.REFUSED": 1,
                "queries.udp.rcodes.FORMERR": 1,
                "queries.udp.families.ipv4": 10,
                "queries.udp.families.ipv6": six,
                "queries.udp.hits.operator": 4,  # the TXT counts as a hit, too; a test point does not
                "queries.udp.cookies.none": 9 + six,
                "queries.udp.cookies.client_only": 1,
                "queries.tcp.total": 2,
                "queries.tcp.outcomes.listed": 1,
                "queries.tcp.outcomes.apex": 1,
                "queries.tcp.types.A": 1,
                "queries.tcp.types.SOA": 1,
                "queries.tcp.rcodes.NOERROR": 2,
                "queries.tcp.families.ipv4": 2,
                "queries.tcp.hits.operator": 1,
                "queries.tcp.cookies.none": 2,
                "tcp_connections": 1,
                "drops.not_a_query": 2,
            }
            expected = {name: value for name, value in expected.items() if value}

            def grown():
                return {name: value for name, value in growth(before, ask(socket_of(b))).items() if not name.startswith("queries.udp.types.")}

            wait_until(lambda: grown() == expected, 5, lambda: f"{grown()} becomes {expected}")
            types = {name.removeprefix("queries.udp.types."): value for name, value in growth(before, ask(socket_of(b))).items()
                     if name.startswith("queries.udp.types.")}
            self.assertEqual((types["A"], types["TXT"], types["MX"], sum(types.values())), (5 + six, 1, 1, 10 + six))

            wait_until(lambda: timed(ask(socket_of(b))) - timed(before) == 10 + six, 5, "every query by UDP was timed")

    def test_hits_are_counted_by_kind(self):
        with Blowback() as b:
            b.start_ingest()
            start(b, wait=False)
            b.list_sender("192.0.2.7")
            b.wait_listed("192.0.2.7", seconds=20)
            before = ask(socket_of(b))
            for _ in range(4):
                b.raw_udp(query(owner_name("192.0.2.7"), "A"))
            wait_until(lambda: growth(before, ask(socket_of(b))).get("queries.udp.hits.dsn") == 4, 5, "four hits of dsn")

    def test_limited_answers_and_good_cookies_appear(self):
        with Blowback(server={"workers": 1}) as b:
            b.sections["server.rate_limit"] = {"responses": 1, "slip": 2, "exempt": []}
            b.write_config()
            b.cli("list", "192.0.2.1", "--reason", "test")
            start(b)
            before = ask(socket_of(b))
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
                s.connect(("127.0.0.1", b.port))
                for _ in range(50):
                    s.send(query(owner_name("192.0.2.1"), "A"))
                wait_until(lambda: growth(before, ask(socket_of(b))).get("queries.udp.total") == 50, 5, "all were counted")
                grown = growth(before, ask(socket_of(b)))
                limited = grown["queries.udp.rate_limited"]
                self.assertEqual(grown["drops.rate_limited"], limited)
                self.assertGreater(limited, 15)
                self.assertGreater(grown["queries.udp.slipped"], 15)
                self.assertEqual(grown["queries.udp.truncated"], grown["queries.udp.slipped"])
                self.assertEqual(grown["queries.udp.rcodes.NOERROR"], 50 - limited, "who gets silence gets no RCODE")

            # The server's cookie comes with the answer to a client's own; with it a client isn't limited.
            def cookie():
                answer = b.raw_udp(query(owner_name("192.0.2.9"), "A", edns=(1232, 0, False, CLIENT_COOKIE)), timeout=0.5)
                at = answer.find(struct.pack("!HH", 10, 24)) if answer else -1
                return answer[at:at + 28] if at > 0 else None
            option = wait_until(cookie, 10, "an answer with a cookie")
            before = ask(socket_of(b))
            for _ in range(20):
                self.assertIsNotNone(b.raw_udp(query(owner_name("192.0.2.1"), "A", edns=(1232, 0, False, option))))
            wait_until(lambda: growth(before, ask(socket_of(b))).get("queries.udp.cookies.good") == 20, 5, "twenty good cookies")
            self.assertNotIn("queries.udp.rate_limited", growth(before, ask(socket_of(b))))

    def test_ages_say_when_the_database_was_read_and_when_the_list_changed(self):
        with Blowback(server={"stale_after": "2s"}) as b:
            b.cli("list", "192.0.2.1", "--reason", "test")
            start(b)
            first = ask(socket_of(b))["list"]
            wait_until(lambda: ask(socket_of(b))["list"]["changed_seconds_ago"] > 0.5, 5, "time goes by")
            later = ask(socket_of(b))["list"]
            self.assertLess(later["checked_seconds_ago"], later["changed_seconds_ago"])
            b.cli("list", "192.0.2.2", "--reason", "test")
            b.wait_listed("192.0.2.2")
            now = ask(socket_of(b))
            self.assertEqual((now["list"]["serial"], now["list"]["entries"]), (first["serial"] + 1, 2))
            self.assertLess(now["journal"]["publish_ms"], 1000)
            self.assertEqual(b.figures()["server.journal.lag"], 0)
            for suffix in ("", "-wal", "-shm"):
                (b.dir / f"blowback.db{suffix}").unlink(missing_ok=True)
            wait_until(lambda: ask(socket_of(b))["list"]["stale"], 10, "the list is stale")
            self.assertGreater(ask(socket_of(b))["list"]["checked_seconds_ago"], 1.5)

    def test_before_there_is_a_database_it_tells_that_it_is_not_ready(self):
        with Blowback() as b:
            start(b, wait=False)
            document = ask(socket_of(b))
            self.assertEqual((document["list"]["ready"], document["list"]["checked_seconds_ago"]), (False, None))

    def test_a_dead_servers_socket_is_replaced_and_removed_at_the_end(self):
        with Blowback() as b:
            b.cli("list", "192.0.2.1", "--reason", "test")
            start(b)
            b.server.kill()
            self.assertTrue(socket_of(b).is_socket(), "a killed server leaves its file")
            self.assertIn("server: not running (no answer at ", b.cli("stats").stdout)
            start(b)
            self.assertEqual(ask(socket_of(b))["zone"], ZONE)
            self.assertEqual(socket_of(b).stat().st_mode & 0o7777, 0o660)
            self.assertNotIn("status-socket-skipped", b.server.log())
            self.assertEqual(b.server.stop(), 0)
            self.assertFalse(socket_of(b).exists())

    def test_a_living_servers_socket_is_left_alone_and_taken_later_by_sighup(self):
        with Blowback() as first, Blowback(zone={"name": "other.example.org"}) as second:
            second.sections["server"]["status_socket"] = str(socket_of(first))
            second.write_config()
            for b in (first, second):
                b.cli("list", "192.0.2.1", "--reason", "test")
                start(b)
            self.assertIn("status-socket-skipped", second.server.log())
            self.assertTrue(second.listed("192.0.2.1"), "it serves without")
            self.assertEqual(ask(socket_of(first))["zone"], ZONE)
            second.server.stop()
            self.assertEqual(ask(socket_of(first))["zone"], ZONE, "who didn't make it doesn't remove it")
            start(second)
            first.server.stop()
            reload(second)
            self.assertEqual(ask(socket_of(first))["zone"], "other.example.org", "the path is free now, and taken")

    def test_a_path_that_cannot_be_leaves_the_server_without(self):
        with Blowback() as b:
            b.cli("list", "192.0.2.1", "--reason", "test")
            (b.dir / "precious").write_text("a file")
            b.sections["server"]["status_socket"] = str(b.dir / "precious")
            b.write_config()
            start(b)
            self.assertIn("status-socket-skipped", b.server.log())
            self.assertEqual((b.dir / "precious").read_text(), "a file")
            # The default beside a database whose path is too long for a socket: no mistake of the operator's.
            b.server.stop()
            folder = b.dir / ("d" * 100)
            folder.mkdir()
            del b.sections["server"]["status_socket"]
            b.sections["database"] = str(folder / "blowback.db")
            b.write_config()
            b.cli("list", "192.0.2.1", "--reason", "test")
            start(b)
            self.assertEqual(b.server.log().count("status-socket-skipped"), 2)
            self.assertTrue(b.listed("192.0.2.1"))
            self.assertEqual(b.cli("stats").returncode, 0)

    def test_readers_who_do_not_read_hold_up_neither_answers_nor_others_beyond_the_bound(self):
        with Blowback(server={"workers": 1}) as b:
            b.cli("list", "192.0.2.1", "--reason", "test")
            start(b)
            b.wait_listed("192.0.2.1")
            idle = []
            try:
                for _ in range(5):
                    s = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
                    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
                    s.connect(str(socket_of(b)))
                    idle.append(s)
                began = time.monotonic()
                for _ in range(100):
                    self.assertTrue(b.listed("192.0.2.1"))
                self.assertEqual(ask(socket_of(b), timeout=10)["zone"], ZONE)
                # A second for each of them; in truth the kernel has room for the document, and nobody waits.
                self.assertLess(time.monotonic() - began, 8)
                idle[0].settimeout(5)
                self.assertTrue(idle[0].recv(1 << 20).startswith(b'{"version"'))
            finally:
                for s in idle:
                    s.close()
            os.kill(b.server.pid, signal.SIGTERM)
            self.assertEqual(b.server.wait(5), 0)

    def test_sighup_keeps_the_counts_though_workers_start_anew_and_moves_the_socket(self):
        with Blowback(server={"workers": 1}) as b:
            b.cli("list", "192.0.2.1", "--reason", "test")
            start(b)
            b.wait_listed("192.0.2.1")
            before = ask(socket_of(b))
            for workers in (2, 3):
                for _ in range(5):
                    b.raw_udp(query(owner_name("192.0.2.1"), "A"))
                b.raw_tcp(query(owner_name("192.0.2.1"), "A"))
                b.sections["server"]["workers"] = workers
                reload(b)
            document = ask(socket_of(b))
            self.assertEqual(document["started_at"], before["started_at"])
            grown = growth(before, document)
            self.assertEqual((grown["queries.udp.outcomes.listed"], grown["queries.tcp.outcomes.listed"], grown["tcp_connections"]), (10, 2, 2))

            b.sections["server"]["status_socket"] = str(b.dir / "elsewhere")
            reload(b)
            self.assertFalse(socket_of(b).exists())
            self.assertEqual(growth(document, ask(b.dir / "elsewhere")), {})
            b.sections["server"]["status_socket"] = ""
            reload(b)
            self.assertFalse((b.dir / "elsewhere").exists(), "it is switched off")
            self.assertTrue(b.listed("192.0.2.1"))
            self.assertNotIn("server", b.cli("stats").stdout)
            self.assertEqual(b.server.stop(), 0)
            self.assertRegex(b.server.log(), r"answered transport=tcp listed=2 ", "all that came since the start")


class Tool(unittest.TestCase):
    def test_stats_shows_the_servers_part_in_each_form(self):
        with Blowback() as b:
            b.cli("list", "192.0.2.1", "--reason", "test")
            done = b.cli("stats")
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertTrue(done.stdout.endswith(f"\nserver: not running (no answer at {socket_of(b)})\n"), done.stdout)
            figures = b.figures()
            self.assertEqual(figures["server.running"], 0)
            self.assertNotIn("server.zone", figures)

            start(b)
            b.wait_listed("192.0.2.1")
            for _ in range(7):
                b.raw_udp(query(owner_name("192.0.2.1"), "A"))
            figures = b.figures()
            self.assertEqual((figures["server.running"], figures["server.zone"], figures["server.list.serial"], figures["server.journal.lag"]),
                             (1, ZONE, figures["serial"], 0))
            self.assertGreaterEqual(figures["server.queries.udp.outcomes.listed"], 8)
            self.assertEqual(figures["server.queries.udp.outcomes.misuse"], 0)
            self.assertGreater(figures["server.latency_us.p50"], 0)
            self.assertIn("server.running,1\r\n", b.cli("stats", "--format", "csv").stdout)

            shown = b.cli("stats").stdout
            print("\n" + shown, flush=True)
            self.assertRegex(shown, r"\nserver +value\nzone +bl\.example\.org\n")
            self.assertRegex(shown, r"\njournal lag +0\n")
            self.assertRegex(shown, r"\nlatency p99\.9 +less than \d+ us\n")
            self.assertRegex(shown, r"\nqueries +udp +tcp\n")
            self.assertRegex(shown, r"\nlisted as operator +\d+ +0\n")
            self.assertNotIn("misuse", shown, "what is 0 is left out")

    def test_what_else_may_be_at_that_path_is_told_and_no_error(self):
        with Blowback() as b:
            b.cli("list", "192.0.2.1", "--reason", "test")
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as s:
                s.bind(str(socket_of(b)))
                s.listen(1)
                began = time.monotonic()
                done = b.cli("stats")  # nobody accepts, nothing comes
                self.assertLess(time.monotonic() - began, 4)
                self.assertEqual(done.returncode, 0)
                self.assertIn(f"server: can't be asked at {socket_of(b)}: it doesn't answer", done.stdout)
                self.assertIsNone(b.figures()["server.running"])


if __name__ == "__main__":
    unittest.main(verbosity=2)
