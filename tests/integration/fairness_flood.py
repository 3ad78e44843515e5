#!/usr/bin/env python3
"""Floods of sender callouts neither delay another client's bounce nor fill the database.

Each flood is ten seconds of `MAIL FROM:<>`, 100 recipients and RSET, pipelined: to one address, to invented ones, and from several
connections. Meanwhile and afterwards another client's bounce gets its 250 within two seconds, and the database grows by less than
1 MB. Its write-ahead log, which is written over, has a bound of its own. A thousand configured traps are witnesses each, and no way
around these bounds."""

import socket
import sqlite3
import threading
import time
import unittest

from smtp_listener import ListeningBlowback, bounce
from harness import PATIENCE, TRAP_DOMAIN

FLOOD_SECONDS = 10
WITHIN_SECONDS = 2
GROWTH_OCTETS = 1_000_000
WAL_OCTETS = 64_000_000
PAUSE_SECONDS = 0.2


class Flooder(threading.Thread):
    """Sends rounds of commands without pause, and reads the replies. `recipients` returns those of a round."""

    def __init__(self, blowback, address, recipients):
        super().__init__()
        self.client = blowback.client()
        self.client.begin()
        self.client.expect(220, f"XCLIENT ADDR={address}")  # which applies to the session, as its own address would
        self.client.expect(250, "EHLO flooder.example.com")
        self.recipients = recipients
        self.stop = threading.Event()
        self.rounds = 0
        self.reader = threading.Thread(target=self.read)

    def read(self):
        try:
            while self.client.socket.recv(1 << 18):
                pass
        except OSError:
            pass

    def run(self):
        self.reader.start()
        while not self.stop.is_set():
            lines = ["MAIL FROM:<>", *(f"RCPT TO:<{name}>" for name in self.recipients(self.rounds)), "RSET", ""]
            self.client.send("\r\n".join(lines).encode())
            self.rounds += 1

    def end(self):
        self.stop.set()
        self.join()
        self.client.socket.shutdown(socket.SHUT_RDWR)
        self.reader.join()
        self.client.socket.close()


class Flood(unittest.TestCase):
    def setUp(self):
        self.bounces = 0

    def test_one_address_again_and_again(self):
        self.assert_fair({"192.0.2.50": lambda n: [f"a@{TRAP_DOMAIN}"] * 100})

    def test_a_new_address_for_each_recipient(self):
        self.assert_fair({"192.0.2.50": lambda n: [f"t{n}.{m}@{TRAP_DOMAIN}" for m in range(100)]})

    def test_several_clients_at_once(self):
        self.assert_fair({f"192.0.2.{50 + last}": lambda n: [f"t{n}.{m}@{TRAP_DOMAIN}" for m in range(100)] for last in range(8)})

    def test_ten_thousand_traps_that_are_witnesses_each(self):
        traps = [f"old.user.{n}@example.com" for n in range(10_000)]
        self.assert_fair({"192.0.2.50": lambda n: traps[n % 100 * 100:][:100]}, traps={"addresses": traps})

    def assert_fair(self, floods, **sections):
        with ListeningBlowback(policy={"list_at": 1e6, "allow_documentation": True}, **sections) as blowback:
            blowback.start_listening()
            waited, grown = self.flood(blowback, floods)
            self.assertLess(self.wal(blowback), WAL_OCTETS)
        self.assertLess(waited, WITHIN_SECONDS * PATIENCE)
        self.assertLess(grown, GROWTH_OCTETS)

    def flood(self, blowback, floods):
        """The longest time until a bounce got its 250, and the growth of the database in octets."""
        with blowback.client(timeout=300) as other:
            other.begin()
            self.deliver(other)  # so that rows per sender and day exist
            before = self.octets(blowback)
            flooders = [Flooder(blowback, address, recipients) for address, recipients in floods.items()]
            over = threading.Event()
            threading.Timer(FLOOD_SECONDS, over.set).start()
            for flooder in flooders:
                flooder.start()
            waits = []
            try:
                while not over.wait(PAUSE_SECONDS):
                    waits.append(self.deliver(other))
            finally:
                over.wait()
                for flooder in flooders:
                    flooder.end()
            waits += [self.deliver(other) for _ in range(2)]
            grown = self.octets(blowback) - before
        print(f"\n{sum(flooder.rounds for flooder in flooders):,} rounds of 100 recipients by {len(floods)} connections: "
              f"{len(waits)} bounces, the worst waited {max(waits) * 1000:.0f} ms; the database grew by {grown:,} octets; "
              f"{self.callouts(blowback):,} callouts in it", flush=True)
        return max(waits), grown

    def deliver(self, client):
        """Delivers a bounce of another client; returns the seconds until its 250."""
        self.bounces += 1
        client.expect(250, "XFORWARD ADDR=192.0.2.99 HELO=mail.example.com")
        began = time.monotonic()
        self.assertEqual(client.deliver(bounce(self.bounces)), "250 2.0.0 Ok")
        return time.monotonic() - began

    @staticmethod
    def wal(blowback):
        return (blowback.dir / "blowback.db-wal").stat().st_size

    def octets(self, blowback):
        """The size of the database, including what is only in the WAL."""
        return self.ask(blowback, "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size")

    def callouts(self, blowback):
        return self.ask(blowback, "SELECT count(*) FROM evidence WHERE size = 0")

    @staticmethod
    def ask(blowback, query):
        connection = sqlite3.connect(f"file:{blowback.database}?mode=ro", uri=True, timeout=60)
        try:
            return connection.execute(query).fetchone()[0]
        finally:
            connection.close()


if __name__ == "__main__":
    unittest.main(verbosity=2)
