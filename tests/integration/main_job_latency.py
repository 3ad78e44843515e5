#!/usr/bin/env python3
"""From the rename into new/ to the first right DNS answer: under one second, each time.

A hundred deliveries, each the one that takes a new sender over the threshold, into a running blowback-ingest and
blowback-server. Prints median and worst."""

import os
import statistics
import time
import unittest

from harness import PATIENCE, TRAP_DOMAIN, Blowback, make_dsn, owner_name, parse_header, query, wait_until

ROUNDS = 100
LIMIT = 1.0


class Latency(unittest.TestCase):
    def test_a_new_listing_is_answered_within_a_second_of_the_delivery(self):
        with Blowback() as b:
            # Two reports of two traps for each sender, one short of a listing.
            senders = [f"192.0.2.{n}" if n % 2 else f"2001:db8:{n:x}::25" for n in range(1, ROUNDS + 1)]
            for n, ip in enumerate(senders):
                for k, trap in enumerate("ab"):
                    b.deliver(make_dsn(ip, f"{trap}@{TRAP_DOMAIN}", 10 * n + k))
            self.assertEqual(b.start_ingest(once=True).process.returncode, 0)
            b.start_server()
            b.start_ingest()
            warm = "203.0.113.1"
            b.list_sender(warm)
            b.wait_listed(warm, seconds=10)

            taken = []
            for n, ip in enumerate(senders):
                self.assertFalse(b.listed(ip), f"{ip} is listed before its third report")
                wire = query(owner_name(ip), "A")
                message = make_dsn(ip, f"c@{TRAP_DOMAIN}", 10 * n + 9)
                began = time.monotonic()  # before the write to tmp/, so that everything is measured
                b.deliver(message)

                def answered(wire=wire):
                    answer = b.raw_udp(wire, timeout=0.5)
                    return answer is not None and parse_header(answer).rcode == 0 and answer[-4:] == bytes([127, 0, 0, 2])

                wait_until(answered, 10, f"{ip} is answered with 127.0.0.2", pause=0.002)
                taken.append(time.monotonic() - began)

            median, worst = statistics.median(taken), max(taken)
            print(f"\nfrom Maildir to DNS answer, {ROUNDS} deliveries: median {median * 1000:.0f} ms, "
                  f"worst {worst * 1000:.0f} ms ({os.cpu_count()} cores)", flush=True)
            self.assertLess(worst, LIMIT * PATIENCE)


if __name__ == "__main__":
    unittest.main(verbosity=2)
