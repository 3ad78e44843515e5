#!/usr/bin/env python3
"""All outlets of the list agree: each export is loaded into the program it is for, and that is asked about the same
addresses as our own server. What Debian's package isn't there for is skipped."""

import ipaddress
import json
import os
import random
import resource
import shutil
import signal
import socket
import stat
import subprocess
import unittest

from harness import PATIENCE, ZONE, Blowback, Daemon, free_port, owner_name, parse_dig, parse_strictly, query, wait_until

# Beside ordinary ones: networks off octet and nibble borders, and some whose names get in the way of the other family's.
LISTED = """
192.0.2.1
198.51.100.0/24
203.0.113.64/26
5.16.0.0/13
2.0.1.0/24
2.0.2.3
2.0.3.0/24
4.0.0.7
4000::/12
8.0.0.0/9
2001:db8:1::/48
2001:db8:2:3::/64
2001:db8:2:5::/66
2001:db8:ffff::7
3fff:e00::/23
"""
EXEMPT = ["198.51.100.77", "198.51.100.128/27", "5.17.3.0/24", "2.0.1.9", "2001:db8:1:8::/61", "2001:db8:1:ff:1::9", "203.0.113.200",
          "2001:db8:2:5::/67"]
BOTH = "198.51.100.9"  # listed by its traps within a network listed by the operator
NEVER = ["127.0.0.1", "127.0.0.8", "2001:db8:9::1", "2010::1", "2003:1::1",
         "2030:1::5",  # as 2.0.3.0/24's wildcard would have it
         "9.128.0.1", "8.128.0.0", "1.2.3.4"]
TEST_POINTS = [f"127.0.0.{n}" for n in (2, 3, 4, 5, 6, 7, 9)]


def executable(name):
    return shutil.which(name) or shutil.which(name, path="/usr/sbin:/sbin")


def addresses():
    """Both ends of every network and what is next to them, and some within."""
    chance = random.Random(7)
    found = set(NEVER + [BOTH, "4007:1::5"])  # the last: in 4000::/12, below the name of 4.0.0.7
    for text in LISTED.split() + EXEMPT:
        network = ipaddress.ip_network(text)
        first, last = int(network[0]), int(network[-1])
        for number in (first - 1, first, last, last + 1, *(chance.randint(first, last) for _ in range(4))):
            found.add(str(type(network[0])(number)))
    return sorted(found)


def rdata_of(reply, rtype):
    return [".".join(map(str, record.rdata)) if rtype == "A" else record.rdata[1:].decode() for record in reply.answers]


class Exports(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.b = Blowback(zone={"nameservers": ["ns1.example.net", "ns2.example.net"], "hostmaster": "host.master@example.net",
                               "hosts": ["www 192.0.2.80 192.0.2.81 2001:db8::80"]}).__enter__()
        assert cls.b.cli("import", "-", "--wide", "--reason", "test", stdin=LISTED.encode()).returncode == 0
        for prefix in EXEMPT:
            assert cls.b.cli("exempt", prefix, "--reason", "test").returncode == 0
        cls.b.list_sender(BOTH)
        cls.b.start_ingest(once=True)
        cls.b.start_server()
        cls.asked = addresses()
        cls.truth = {ip: cls.ours(ip) for ip in cls.asked}
        checked = cls.b.cli_json("check", *cls.asked)
        assert {row["ip"]: row["answers"] for row in checked} == cls.truth, "`check` and the server differ"
        listed = sum(1 for codes in cls.truth.values() if codes)
        assert listed > 40 and len(cls.truth) - listed > 40, f"{listed} of {len(cls.truth)} are listed: a poor test"
        assert len(cls.truth[BOTH]) == 2

    @classmethod
    def tearDownClass(cls):
        cls.b.__exit__(None)

    @classmethod
    def ours(cls, ip, rtype="A"):
        reply = parse_strictly(cls.b.raw_udp(query(owner_name(ip), rtype)))
        return rdata_of(reply, rtype)

    def export(self, name):
        path = self.b.dir / f"export.{name}"
        done = self.b.cli("export", "--format", name, "--to", path)
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""))
        return path

    def program(self, name):
        path = executable(name)
        if not path:
            self.skipTest(f"{name} isn't installed")
        return path

    def agree(self, listed, *, ordered=False):
        """`listed(ip)`: a bool, or the list of its A records."""
        wrong = {}
        for ip in self.asked:
            expected = self.truth[ip]
            found = listed(ip)
            if isinstance(found, bool):
                expected = bool(expected)
            elif not ordered:
                expected, found = sorted(expected), sorted(found)
            if found != expected:
                wrong[ip] = (found, expected)
        self.assertEqual(wrong, {}, "what it says, and what our server says")

    def in_networks(self, networks):
        networks = [ipaddress.ip_network(text) for text in networks]
        for i, one in enumerate(networks):
            self.assertFalse(any(one.version == other.version and one.overlaps(other) for other in networks[i + 1:]), f"{one} overlaps")
        return lambda ip: any(ipaddress.ip_address(ip) in network for network in networks)

    @staticmethod
    def asked_at(port):
        def answer(ip, rtype="A"):
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
                s.settimeout(5 * PATIENCE)
                s.connect(("127.0.0.1", port))
                s.send(query(owner_name(ip), rtype))
                reply = parse_strictly(s.recv(65535))
            assert reply.rcode in ("NOERROR", "NXDOMAIN"), (ip, reply.rcode)
            return rdata_of(reply, rtype)
        return answer

    def same_host(self, port, types):
        """Whoever answers from an export has the addresses of the zone's own hosts."""
        for name, rtype in [("www." + ZONE, rtype) for rtype in types] + [("x.www." + ZONE, "A")]:
            theirs = parse_dig(subprocess.run(["dig", "+time=5", "+tries=1", "+noedns", "@127.0.0.1", "-p", str(port), name, rtype], capture_output=True, text=True).stdout)
            ours = self.b.dig(name, rtype)
            self.assertEqual((theirs.rcode, sorted(theirs.rdata())), (ours.rcode, sorted(ours.rdata())), (name, rtype))
            self.assertEqual({record.ttl for record in theirs.answers}, {record.ttl for record in ours.answers})

    def ask_all_of(self, answer, *, txt, of_networks=(), ordered=False):
        self.agree(answer, ordered=ordered)
        for ip in TEST_POINTS:
            self.assertEqual(answer(ip), [ip])
        for n in (2, 9):
            self.assertEqual(answer(f"::ffff:7f00:{n}"), [f"127.0.0.{n}"])
        for ip in txt:
            self.assertEqual(answer(ip, "TXT"), self.ours(ip, "TXT"))
        # In the TXT of a wildcard our server has the network, and rbldnsd the address.
        for ip in of_networks:
            self.assertEqual(answer(ip, "TXT"), [f"Backscatter from {ip}, see https://bl.example.org/{ip}"])
            self.assertNotEqual(answer(ip, "TXT"), self.ours(ip, "TXT"))

    def test_plain_and_cidr_are_networks_that_do_not_overlap(self):
        for name in ("plain", "cidr"):
            lines = self.export(name).read_text().splitlines()
            self.agree(self.in_networks(lines))
            self.assertEqual(all("/" in line for line in lines), name == "cidr")

    def test_what_is_listed_alone_comes_out_as_it_is(self):
        lines = self.export("plain").read_text().splitlines()
        for line in ("192.0.2.1", "203.0.113.64/26", "8.0.0.0/9", "2001:db8:2:3::/64", "3fff:e00::/23"):
            self.assertIn(line, lines)

    def test_json_keeps_listings_apart_and_agrees(self):
        rows = json.loads(self.export("json").read_text())
        networks = [(ipaddress.ip_network(row["prefix"]), row["answers"]) for row in rows]

        def answers(ip):
            return sorted({answer for network, codes in networks if ipaddress.ip_address(ip) in network for answer in codes})
        self.agree(answers)
        both = [row["source"] for row in rows if ipaddress.ip_address(BOTH) in ipaddress.ip_network(row["prefix"])]
        self.assertEqual(sorted(both), ["automatic", "operator"])

    def test_postfix_finds_the_same_by_postmap(self):
        postmap = self.program("postmap")
        table = self.export("postfix")
        folder = self.b.dir / "postfix"
        folder.mkdir(exist_ok=True)
        (folder / "main.cf").write_text("compatibility_level = 3.6\n")
        # One run for all: keys on standard input, found ones on standard output.
        done = subprocess.run([postmap, "-c", str(folder), "-q", "-", f"cidr:{table}"], input="\n".join(self.asked) + "\n",
                              capture_output=True, text=True, timeout=60)
        self.assertEqual(done.stderr, "")
        found = dict(line.split("\t", 1) for line in done.stdout.splitlines())
        self.agree(lambda ip: ip in found)
        self.assertEqual(found["192.0.2.1"], "REJECT 5.7.1 Backscatter from 192.0.2.1, see https://bl.example.org/192.0.2.1")

    def test_nft_takes_it_and_finds_the_same(self):
        nft = self.program("nft")
        file = self.export("nft")
        own_network = ["unshare", "-n"]
        if subprocess.run([*own_network, nft, "list", "ruleset"], capture_output=True).returncode != 0:
            self.skipTest("no network namespace of our own can be made here")
        done = subprocess.run([*own_network, nft, "-c", "-f", str(file)], capture_output=True, text=True)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        # Twice: the second replaces the first.
        script = f'{nft} -f "$0" && {nft} -f "$0" || exit 9\nwhile read -r set ip; do {nft} get element inet blowback $set "{{ $ip }}" >/dev/null 2>&1 && echo $ip; done'
        keys = "".join(f"listed{6 if ':' in ip else 4} {ip}\n" for ip in self.asked)
        done = subprocess.run([*own_network, "sh", "-c", script, str(file)], input=keys, capture_output=True, text=True, timeout=60)
        self.assertNotEqual(done.returncode, 9, done.stderr)
        found = set(done.stdout.split())
        self.agree(lambda ip: ip in found)

    def test_rbldnsd_answers_the_same(self):
        rbldnsd = self.program("rbldnsd")
        file = self.export("rbldnsd")
        port = free_port()
        os.chmod(self.b.dir, 0o755)
        daemon = Daemon([rbldnsd, "-n", "-f", "-b", f"127.0.0.1/{port}", *self.user_of_rbldnsd(), "-w", str(self.b.dir),
                         f"bl.example.org:combined:{file.name}"], self.b.dir / "rbldnsd.log")
        try:
            answer = self.asked_at(port)
            wait_until(lambda: self.answers(port) or not daemon.running(), 10, daemon.log)
            self.assertTrue(daemon.running(), daemon.log())
            self.assertNotIn("warning", daemon.log())
            self.assertNotIn("error", daemon.log())
            self.ask_all_of(answer, txt=["192.0.2.1", "198.51.100.5", BOTH, "2.0.1.5"], of_networks=["5.16.1.1", "8.100.2.3", "2001:db8:2:3::1"], ordered=True)
            self.same_host(port, ["A", "TXT"])  # it has no AAAA records
        finally:
            daemon.stop()

    @staticmethod
    def user_of_rbldnsd():
        return ["-u", "nobody"] if os.getuid() == 0 else []

    @staticmethod
    def answers(port):
        done = subprocess.run(["dig", "+time=1", "+tries=1", "+noedns", "@127.0.0.1", "-p", str(port), "bl.example.org", "SOA"],
                              capture_output=True, text=True)
        return parse_dig(done.stdout).rcode == "NOERROR"

    def test_the_zone_is_well_formed_to_bind_and_nsd(self):
        file = self.export("zone")
        checked = 0
        for name in ("named-checkzone", "nsd-checkzone"):
            if path := executable(name):
                done = subprocess.run([path, "bl.example.org", str(file)], capture_output=True, text=True)
                self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
                checked += 1
        if not checked:
            self.skipTest("neither named-checkzone nor nsd-checkzone is installed")

    def test_named_answers_the_same_from_the_zone(self):
        named = self.program("named")
        file = self.export("zone")
        folder = self.b.dir / "named"
        folder.mkdir(exist_ok=True)
        port = free_port()
        (folder / "named.conf").write_text(f"""
options {{ directory "{folder}"; pid-file none; session-keyfile none; listen-on port {port} {{ 127.0.0.1; }}; listen-on-v6 {{ none; }};
  recursion no; dnssec-validation no; notify no; rrset-order {{ order none; }}; }};
controls {{ }};
zone "bl.example.org" {{ type primary; file "{file}"; }};
""")
        daemon = Daemon([named, "-g", "-c", str(folder / "named.conf")], self.b.dir / "named.log")
        try:
            wait_until(lambda: self.answers(port) or not daemon.running(), 20, daemon.log)
            self.assertTrue(daemon.running(), daemon.log())
            self.ask_all_of(self.asked_at(port), txt=["192.0.2.1", "2.0.2.3", "2.0.1.5", "5.16.1.1", "8.100.2.3", "2001:db8:2:3::1"])
            self.same_host(port, ["A", "AAAA", "TXT", "MX"])
            soa = parse_dig(subprocess.run(["dig", "@127.0.0.1", "-p", str(port), "bl.example.org", "SOA"], capture_output=True,
                                           text=True).stdout).rdata("SOA")
            self.assertEqual(soa, self.b.dig("bl.example.org", "SOA").rdata("SOA"), "the whole SOA is our server's")
        finally:
            daemon.stop()

    def test_a_file_is_replaced_whole_or_not_at_all(self):
        path = self.b.dir / "out"
        path.write_text("old")
        os.chmod(path, 0o640)
        self.assertEqual(self.b.cli("export", "--to", path).returncode, 0)
        self.assertIn("192.0.2.1\n", path.read_text())
        self.assertEqual(stat.S_IMODE(path.stat().st_mode), 0o640)
        before = sorted(entry.name for entry in self.b.dir.iterdir())
        # The disk is full after one block: what was there stays, and no temporary file does.
        def little_room():
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (64, 64))
        kept = path.read_text()
        failed = self.b.run("blowback", "export", "--format", "zone", "--to", path, preexec=little_room)
        self.assertEqual(failed.returncode, 3, failed.stderr)
        self.assertIn("the former file is unchanged", failed.stderr)
        self.assertEqual(path.read_text(), kept)
        self.assertEqual(sorted(entry.name for entry in self.b.dir.iterdir()), before)
        missing = self.b.cli("export", "--to", self.b.dir / "nowhere" / "out")
        self.assertEqual(missing.returncode, 3)
        self.assertIn("No such file or directory", missing.stderr)

    def test_a_name_server_within_the_zone_is_told(self):
        with Blowback(zone={"nameservers": None}) as other:
            self.assertEqual(other.cli("db", "migrate").returncode, 0)
            done = other.cli("export", "--format", "zone")
            self.assertEqual(done.returncode, 0)
            self.assertIn("ns.bl.example.org is in the zone", done.stderr)

    @unittest.skipUnless(shutil.which("named-checkzone", path="/usr/sbin:/usr/bin"), "named-checkzone isn't installed")
    def test_a_name_server_within_the_zone_goes_with_its_addresses(self):
        with Blowback(zone={"nameservers": [f"ns1.{ZONE} 192.0.2.53 2001:db8::53", "ns.example.net"]}) as other:
            path = other.dir / "zone"
            done = other.cli("list", "192.0.2.1", "--reason", "r")
            self.assertEqual(done.returncode, 0, done.stderr)
            done = other.cli("export", "--format", "zone", "--to", path)
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            checked = subprocess.run(["named-checkzone", "-D", ZONE, path], env={"PATH": "/usr/sbin:/usr/bin"}, capture_output=True, text=True,
                                     check=False)
            self.assertEqual(checked.returncode, 0, checked.stdout + checked.stderr)
            self.assertRegex(checked.stdout, rf"ns1\.{ZONE}\.\s+\d+\s+IN A\s+192\.0\.2\.53")
            self.assertRegex(checked.stdout, rf"ns1\.{ZONE}\.\s+\d+\s+IN AAAA\s+2001:db8::53")


if __name__ == "__main__":
    unittest.main()
