#!/usr/bin/env python3
"""Guard rails: nobody lists, exempts or delists half the Internet by mistake. What reaches far is refused without --wide, with the number
of addresses, by each command; with it, it is done. `doctor` sees a list that covers the world, and each wide decision in force."""

import json
import unittest

from harness import Blowback, wait_until

WORLD = "4,294,967,296 IPv4 addresses"
WORLD6 = "340,282,366,920,938,463,463,374,607,431,768,211,456 IPv6 addresses"
REACHING_FAR = [("0.0.0.0/0", WORLD), ("::/0", WORLD6), ("10.0.0.0/8", "16,777,216 IPv4 addresses"), ("127.0.0.10", "1 IPv4 address")]


def everything(b):
    return [b.cli(*command, "--format", "json").stdout for command in (("listings",), ("exemptions",), ("log",))]


class Commands(unittest.TestCase):
    maxDiff = None

    def refused(self, b, before, *command, addresses, stdin=b""):
        done = b.cli(*command, "--reason", "a slip", stdin=stdin)
        self.assertEqual((done.returncode, done.stdout), (2, ""), command)
        self.assertIn(addresses, done.stderr)
        self.assertIn("--wide", done.stderr)
        self.assertEqual(everything(b), before, "a refused command changed something")
        return done.stderr

    def test_what_reaches_far_needs_wide_and_is_done_with_it(self):
        with Blowback() as b:
            self.assertEqual(b.cli("list", "192.0.2.1", "--reason", "stays").returncode, 0)
            before = everything(b)
            for network, addresses in REACHING_FAR:
                for command in ("list", "delist", "exempt"):
                    with self.subTest(command=command, network=network):
                        self.refused(b, before, command, network, addresses=addresses)
            b.start_server()
            b.wait_listed("192.0.2.1")
            for network, inside in (("0.0.0.0/0", "8.8.8.8"), ("::/0", "2a00::1"), ("10.0.0.0/8", "10.1.2.3"), ("127.0.0.10", None)):
                addresses = dict(REACHING_FAR)[network]
                with self.subTest(network=network):
                    listed = b.cli("list", network, "--wide", "--reason", "meant")
                    self.assertEqual(listed.returncode, 0, listed.stderr)
                    self.assertIn(addresses, listed.stdout)
                    if inside:
                        b.wait_listed(inside, 5)
                    delisted = b.cli("delist", network, "--wide", "--reason", "meant")
                    self.assertEqual(delisted.returncode, 0, delisted.stderr)
                    self.assertIn(addresses, delisted.stdout)
                    if inside:
                        b.wait_not_listed(inside, 5)
            # The first one ended the earlier listing; its undo needs no flag.
            entry = next(row["id"] for row in b.cli_json("log") if (row["action"], row["subject"]) == ("delist", "0.0.0.0/0"))
            self.assertEqual(b.cli("undo", str(entry), "--reason", "a slip").returncode, 0)
            b.wait_listed("192.0.2.1", 5)
            exempt = b.cli("exempt", "0.0.0.0/0", "--wide", "--reason", "meant")
            self.assertEqual(exempt.returncode, 0, exempt.stderr)
            self.assertIn(WORLD, exempt.stdout)
            b.wait_not_listed("192.0.2.1", 5)
            self.assertEqual(b.cli("exempt", "0.0.0.0/0", "--end", "--reason", "over").returncode, 0)

    def test_a_blocklist_file_with_0_0_0_0_8_in_it_is_refused_whole(self):
        with Blowback() as b:
            self.assertEqual(b.cli("db", "migrate").returncode, 0)
            before = everything(b)
            path = b.dir / "blocklist.txt"
            path.write_text("# a firewall's list\n198.51.100.7\n0.0.0.0/8 ; bogons\n0.0.0.0/8 # bogons\n203.0.113.0/24\n")
            said = self.refused(b, before, "import", str(path), addresses="16,777,473 IPv4 addresses")
            for number in (3, 4):
                self.assertIn(f"{path}:{number}: 0.0.0.0/8 is special-use space; this would list 16,777,216 IPv4 addresses", said)
            self.assertIn("Nothing was imported", said)
            self.refused(b, before, "import", "-", stdin=path.read_bytes(), addresses="16,777,473 IPv4 addresses")
            done = b.cli("import", str(path), "--wide", "--reason", "meant")
            self.assertEqual(done.returncode, 0)
            self.assertIn("5 lines: 3 listed, 0 unchanged, 0 exempt, 1 duplicate, 1 comment or blank, 0 not understood", done.stdout)
            self.assertIn("16,777,473 IPv4 addresses", done.stdout)

    def test_a_million_addresses_are_imported_and_three_hundred_networks_of_16_bits_are_not(self):
        with Blowback() as b:
            self.assertEqual(b.cli("db", "migrate").returncode, 0)
            before = everything(b)
            networks = "\n".join(f"{20 + n // 256}.{n % 256}.0.0/16" for n in range(300)).encode()
            self.refused(b, before, "import", "-", stdin=networks, addresses="19,660,800 IPv4 addresses")
            # Spread over 300 networks of /16: their number counts.
            single = "\n".join(f"{20 + (n >> 20)}.{n >> 12 & 255}.{n >> 4 & 255}.{(n & 15) * 16}" for n in range(1_000_000)).encode()
            done = b.cli("import", "-", "--reason", "a partner's", stdin=single, seconds=300)
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            self.assertIn("1000000 listed", done.stdout)


class Doctor(unittest.TestCase):
    maxDiff = None

    def look(self, b):
        done = b.cli("doctor", "--format", "json")
        rows = {row["check"]: row for row in json.loads(done.stdout)}
        for row in rows.values():
            self.assertEqual(row["mend"] is None, row["state"] == "ok", row)
        self.assertEqual(done.returncode, 1 if any(row["state"] == "problem" for row in rows.values()) else 0)
        return rows

    def bystanders(self, b):
        return f"dns 127.0.0.1:{b.port} bystanders"

    def started(self, b, *commands):
        self.assertEqual(b.cli("db", "migrate").returncode, 0)
        for command in commands:
            self.assertEqual(b.cli(*command, "--reason", "a test").returncode, 0)
        b.start_server()

    def test_an_honest_list_is_well(self):
        with Blowback() as b:
            self.started(b, ("list", "192.0.2.1"), ("list", "8.8.0.0/16"), ("exempt", "10.0.0.0/8", "--wide"))
            rows = self.look(b)
            self.assertEqual(rows[self.bystanders(b)]["state"], "ok", rows[self.bystanders(b)])
            self.assertRegex(rows[self.bystanders(b)]["found"], r"^[01] of 64 random public addresses and none of 27 special-use ones are listed$")
            self.assertEqual(rows["reach"]["state"], "ok")

    def test_a_list_that_covers_the_world_is_a_problem(self):
        for network, family in (("0.0.0.0/0", "IPv4"), ("2000::/3", "IPv6"), ("0.0.0.0/1", "IPv4")):
            with self.subTest(network=network), Blowback() as b:
                self.started(b, ("list", network, "--wide"))
                rows = self.look(b)
                row = rows[self.bystanders(b)]
                self.assertEqual(row["state"], "problem", row)
                self.assertIn("the list covers the world", row["found"])
                for way in ("blowback listings", "blowback undo N", "blowback delist CIDR --wide"):
                    self.assertIn(way, row["mend"])
                self.assertEqual(rows[f"wide listing {network}"]["state"], "warning")
                self.assertIn(f"{network} is wider than /{16 if family == 'IPv4' else 32}", rows[f"wide listing {network}"]["found"])
                # As doctor recommends.
                self.assertEqual(b.cli("delist", network, "--wide", "--reason", "doctor said so").returncode, 0)
                rows = wait_until(lambda: (rows := self.look(b))[self.bystanders(b)]["state"] == "ok" and rows, 10, "the problem is over")
                self.assertEqual(rows["reach"]["state"], "ok")

    def test_listed_special_use_space_is_a_problem(self):
        for network in ("10.0.0.0/8", "127.0.0.0/8", "192.168.0.0/16", "fe80::/10", "::1", "64:ff9b::/96"):
            with self.subTest(network=network), Blowback() as b:
                self.started(b, ("list", network, "--wide"))
                rows = self.look(b)
                self.assertEqual(rows[self.bystanders(b)]["state"], "problem")
                self.assertIn("the list covers special-use addresses", rows[self.bystanders(b)]["found"])
                self.assertEqual(rows[f"wide listing {network}"]["state"], "warning")

    def test_wide_exemptions_are_told_and_many_listings_are_counted(self):
        with Blowback() as b:
            networks = "\n".join(f"10.0.{n}.0/24" for n in range(25)).encode()
            self.assertEqual(b.cli("import", "-", "--wide", "--reason", "a test", stdin=networks).returncode, 0)
            self.assertEqual(b.cli("exempt", "2a00::/12", "--wide", "--reason", "a test").returncode, 0)
            rows = self.look(b)
            self.assertEqual(rows["wide exemption 2a00::/12"]["state"], "warning")
            self.assertIn("blowback exempt 2a00::/12 --end", rows["wide exemption 2a00::/12"]["mend"])
            self.assertEqual(sum(name.startswith("wide listing ") for name in rows), 20)
            self.assertEqual(rows["reach"]["found"], "25 wide or special-use listings and 1 wide exemptions in all")

    def test_a_server_that_limits_answers_is_still_asked(self):
        with Blowback() as b:
            b.sections["server.rate_limit"] = {"responses": 1, "slip": 0, "exempt": []}
            b.write_config()
            self.started(b, ("list", "0.0.0.0/0", "--wide"))
            wait_until(lambda: self.look(b).get(self.bystanders(b), {}).get("state") == "problem", 30, "doctor sees it")


if __name__ == "__main__":
    unittest.main(verbosity=2)
