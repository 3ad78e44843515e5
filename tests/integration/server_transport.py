#!/usr/bin/env python3
"""TCP in all its ways: many queries, torn at any byte, slow and silent clients, readers who don't read; and UDP's silence."""

import os
import socket
import struct
import time
import unittest

from harness import ZONE, Blowback, owner_name, parse_header, query, receive_tcp, wait_until


def framed(message):
    return struct.pack("!H", len(message)) + message


class Transport(unittest.TestCase):
    def setUp(self):
        self.b = Blowback(server={"tcp_idle": "2s", "tcp_connections": 64, "workers": 1})
        self.b.__enter__()
        self.addCleanup(self.b.__exit__, None, None, None)
        self.assertEqual(self.b.cli("list", "192.0.2.10", "--reason", "test").returncode, 0)
        # AddressSanitizer keeps what was freed for a while, which would hide what the server holds.
        self.b.start_server(env={**os.environ, "ASAN_OPTIONS": "quarantine_size_mb=1"})

    def test_many_queries_on_one_connection_are_all_answered(self):
        asked = [query(owner_name("192.0.2.10"), "A", ident=n) for n in range(1, 1001)]
        answers = self.b.raw_tcp(*asked)
        self.assertEqual(sorted(parse_header(a).ident for a in answers), list(range(1, 1001)))
        self.assertTrue(all(a[-4:] == bytes([127, 0, 0, 9]) for a in answers))

    def test_a_query_torn_at_every_byte_is_answered(self):
        wire = framed(query(owner_name("192.0.2.10"), "A"))
        with self.b.connect_tcp() as s:
            s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for cut in range(1, len(wire)):
                s.sendall(wire[:cut])
                s.sendall(wire[cut:])
                self.assertEqual(parse_header(receive_tcp(s)).answers, 1, f"cut at {cut}")

    def test_what_was_asked_before_a_half_close_is_answered(self):
        with self.b.connect_tcp() as s:
            s.sendall(framed(query(owner_name("192.0.2.10"), "A")) * 3)
            s.shutdown(socket.SHUT_WR)
            self.assertEqual([parse_header(receive_tcp(s)).answers for _ in range(3)], [1, 1, 1])
            self.assertIsNone(receive_tcp(s))

    def test_slow_and_silent_clients_lock_nobody_out(self):
        held = []
        try:
            for n in range(200):  # three times what the server holds
                s = self.b.connect_tcp()
                if n % 2:
                    s.sendall(b"\x00")
                held.append(s)
            for _ in range(20):
                answers = self.b.raw_tcp(query(owner_name("192.0.2.10"), "A"))
                self.assertEqual(parse_header(answers[0]).answers, 1)
                self.assertTrue(self.b.listed("192.0.2.10"))
        finally:
            for s in held:
                s.close()

    def test_an_idle_connection_is_closed_also_when_octets_dribble_in(self):
        with self.b.connect_tcp(timeout=30) as silent, self.b.connect_tcp(timeout=30) as dribbling:
            silent.setblocking(False)
            dribbling.setblocking(False)
            wire = framed(query(owner_name("192.0.2.10"), "A"))
            sent = 0

            def is_closed(s):
                try:
                    return s.recv(1) == b""
                except BlockingIOError:
                    return False
                except ConnectionResetError:
                    return True

            def both_closed():
                nonlocal sent
                if sent < len(wire) - 1:
                    try:
                        sent += dribbling.send(wire[sent:sent + 1])
                    except OSError:
                        sent = len(wire)
                closed[0] = closed[0] or is_closed(silent)
                closed[1] = closed[1] or is_closed(dribbling)
                return all(closed)

            closed = [False, False]
            wait_until(both_closed, 10, "both are closed", pause=0.2)

    def test_a_client_that_asks_and_never_reads_holds_bounded_memory(self):
        def resident():
            with open(f"/proc/{self.b.server.pid}/statm") as f:
                return int(f.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

        before = resident()
        with self.b.connect_tcp() as s:
            s.setblocking(False)
            burst = framed(query(owner_name("192.0.2.10"), "TXT")) * 1000
            end = time.monotonic() + 1.5
            while time.monotonic() < end:
                try:
                    s.send(burst)
                except BlockingIOError:
                    self.assertTrue(self.b.listed("192.0.2.10"))
                except OSError:
                    break
        self.assertLess(resident() - before, 32 << 20)

    def test_garbage_is_met_with_silence_or_formerr_and_harms_nobody(self):
        self.assertIsNone(self.b.raw_udp(b"x", timeout=0.3))
        self.assertIsNone(self.b.raw_udp(struct.pack("!6H", 7, 0x8000, 0, 0, 0, 0), timeout=0.3), "a response")
        self.assertEqual(parse_header(self.b.raw_udp(struct.pack("!6H", 7, 0, 1, 0, 0, 0))).rcode, 1)
        two = bytearray(query(ZONE, "SOA"))
        two[5] = 2
        self.assertEqual(parse_header(self.b.raw_udp(bytes(two) + two[12:])).rcode, 1)
        with self.b.connect_tcp() as s:
            s.sendall(framed(os.urandom(300)) + framed(b"") + framed(query(owner_name("192.0.2.10"), "A", ident=9)))
            while (answer := receive_tcp(s)) is not None and parse_header(answer).ident != 9:
                pass
            self.assertEqual(parse_header(answer).answers, 1)


if __name__ == "__main__":
    unittest.main(verbosity=2)
