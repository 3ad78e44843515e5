#!/usr/bin/env python3
"""The attack: somebody sends one forged mailing to unknown users of a provider, so that its bounces hit every trap there is
and the provider is listed. It must not be; what its server does on more than one mailing must."""

import random
import unittest

from harness import TRAP_DOMAIN, Blowback, make_dsn

PROVIDER = "192.0.2.10"
TRAPS = 40


def bounces(mailing, count, first):
    """`count` bounces of one mailing: the same original, sent back from the provider to one trap after the other."""
    return [make_dsn(PROVIDER, f"t{n % TRAPS}@{TRAP_DOMAIN}", first + n, campaign=f"mailing-{mailing}")
            for n in range(count)]


class JoeJob(unittest.TestCase):
    def test_one_mailing_aimed_at_one_provider_does_not_list_it(self):
        with Blowback() as b:
            attack = bounces(1, 400, 0)
            random.Random(1).shuffle(attack)
            for message in attack:
                b.deliver(message)
            self.assertEqual(b.start_ingest(once=True).process.returncode, 0)
            self.assertEqual(b.feed_counts()["incidents"], 400, "all are on record")
            self.assertEqual(b.cli("check", PROVIDER).returncode, 1, "and nobody is listed")
            why = b.cli("why", PROVIDER)
            told = " ".join(why.stdout.split())
            self.assertIn("NOT LISTED", told)
            self.assertIn("All of it is one forged mailing", told)
            self.assertIn("joe-job", told)
            self.assertIn("because one forged mailing can add at most 2.00", told, "the cap is told")
            b.start_server()
            self.assertEqual(b.dig_ip(PROVIDER).rcode, "NXDOMAIN")

            # The same attack again tomorrow, the mail read once more: still one mailing.
            for message in attack[:50]:
                b.deliver(message)
            self.assertEqual(b.start_ingest(once=True).process.returncode, 0)
            self.assertEqual(b.cli("check", PROVIDER).returncode, 1)

    def test_two_mailings_to_one_trap_do_not_list_it_either(self):
        with Blowback() as b:
            for mailing in (1, 2, 3, 4):
                for n in range(10):
                    b.deliver(make_dsn(PROVIDER, f"only@{TRAP_DOMAIN}", 100 * mailing + n,
                                       campaign=f"mailing-{mailing}"))
            self.assertEqual(b.start_ingest(once=True).process.returncode, 0)
            self.assertEqual(b.cli("check", PROVIDER).returncode, 1)

    def test_a_server_that_bounces_whatever_comes_is_listed(self):
        with Blowback() as b:
            for mailing in (1, 2):
                for message in bounces(mailing, 3, 1000 * mailing):
                    b.deliver(message)
            self.assertEqual(b.start_ingest(once=True).process.returncode, 0)
            self.assertEqual(b.cli("check", PROVIDER).returncode, 0)
            self.assertNotIn("joe-job", b.cli("why", PROVIDER).stdout)


if __name__ == "__main__":
    unittest.main(verbosity=2)
