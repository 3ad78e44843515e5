#!/usr/bin/env python3
"""What looks outward: `doctor` sees each thing that is broken on purpose, `conform` tells a good list from rbldnsd, and bash
completes commands and options from the tool's own tree."""

import json
import os
import shutil
import socket
import subprocess
import unittest

from harness import PATIENCE, TRAP_DOMAIN, ZONE, Blowback, Daemon, free_port, make_dsn, parse_dig, program, wait_until


def executable(name):
    return shutil.which(name) or shutil.which(name, path="/usr/sbin:/sbin")


def serves(port):
    """Whether there is a zone to be asked."""
    done = subprocess.run(["dig", "+time=1", "+tries=1", "+noedns", "@127.0.0.1", "-p", str(port), "bl.example.org", "SOA"],
                          capture_output=True, text=True)
    return parse_dig(done.stdout).rcode == "NOERROR"


class Doctor(unittest.TestCase):
    def look(self, b, *arguments):
        done = b.cli("doctor", "--format", "json", *arguments)
        self.assertIn(done.returncode, (0, 1), done.stderr)
        rows = {row["check"]: row for row in json.loads(done.stdout)}
        self.assertEqual(done.returncode == 1, any(row["state"] == "problem" for row in rows.values()))
        for row in rows.values():
            self.assertEqual(row["mend"] is None, row["state"] == "ok", row)
        return rows

    def state(self, rows, check, state, found=""):
        self.assertIn(check, rows)
        self.assertEqual(rows[check]["state"], state, rows[check])
        self.assertIn(found, rows[check]["found"])

    def test_a_running_list_is_well(self):
        with Blowback() as b:
            b.list_sender("192.0.2.1")
            b.start_ingest(once=True)
            b.start_server()
            # Our own server stands in for a resolver that knows the zone, but not the names of its servers.
            rows = self.look(b, "--resolver", f"127.0.0.1:{b.port}")
            self.assertEqual([row["check"] for row in rows.values() if row["state"] != "ok"], ["name server ns1.example.org"])
            self.assertIn("REFUSED", rows["name server ns1.example.org"]["found"])
            self.assertIn(f"dns 127.0.0.1:{b.port} tcp", rows)
            text = b.cli("doctor", "--resolver", f"127.0.0.1:{b.port}")
            self.assertEqual(text.returncode, 1)
            self.assertTrue(text.stdout.splitlines()[-1].endswith(" ok, 0 warnings, 1 problem"), text.stdout)
            self.assertNotIn("\033", text.stdout)

    def test_traps_that_can_never_be_enough_witnesses_are_a_problem(self):
        with Blowback(traps={"addresses": None}) as b:
            self.state(self.look(b), "witnesses", "problem", "no sender will ever be listed")
        with Blowback(traps={"addresses": [f"old@{TRAP_DOMAIN}"]}, policy={"reverse_path": "any"}) as b:
            rows = self.look(b)
            self.state(rows, "witnesses", "ok", "2, of which 2 must agree")
            self.state(rows, "reverse path", "warning", "anybody who can send mail")

    def test_a_feed_without_reverse_paths_is_told(self):
        with Blowback() as b:
            for n in range(4):
                b.deliver(make_dsn("192.0.2.1", f"a@{TRAP_DOMAIN}", n, reverse_path=None))
            self.assertEqual(b.start_ingest(once=True).process.returncode, 0)
            self.state(self.look(b), "reverse path traps", "warning", "4 of its 4 incidents")

    def test_what_is_missing_is_a_problem_with_its_mend(self):
        with Blowback(traps={"domains": None, "addresses": None}, feeds=[{"name": "gone", "type": "maildir", "path": "/nonexistent/Maildir"},
                                                      {"name": "later", "type": "mbox", "path": "/nonexistent/mbox"}]) as b:
            rows = self.look(b)
            self.state(rows, "traps", "warning", "every recipient")
            self.state(rows, "feed gone", "problem", "/nonexistent/Maildir/new")
            self.state(rows, "feed later", "problem", "doesn't exist")
            self.state(rows, "quoting later", "warning", "none counts")
            self.state(rows, "database", "problem", "no database there")
            self.state(rows, "server", "problem", "not running")
            self.state(rows, f"dns 127.0.0.1:{b.port} udp", "problem")

    def test_feeds_that_listen_need_no_path(self):
        with Blowback(feeds=[{"name": "mx", "type": "smtp", "listen": ["127.0.0.1:2525"]},
                             {"name": "own", "type": "lmtp", "certificate": "/nonexistent/x.pem", "key": "/nonexistent/x.key"},
                             {"name": "beside", "type": "milter"}]) as b:
            rows = self.look(b)
            self.state(rows, "feed mx", "ok", "self-signed")
            self.state(rows, "feed own", "problem", "/nonexistent/x.pem")
            self.state(rows, "feed beside", "ok", "milter")

    def test_a_config_with_a_mistake_is_the_first_problem(self):
        with Blowback() as b:
            b.sections["zone"]["nam"] = "x"
            b.write_config()
            self.state(self.look(b), "config", "problem", "zone.nam")

    def test_a_damaged_database_is_seen(self):
        with Blowback() as b:
            for n in range(200):
                b.deliver(make_dsn("192.0.2.1", "a@trap.example.net", n))
            b.start_ingest(once=True)
            self.state(self.look(b), "integrity", "ok")
            with open(b.database, "r+b") as file:
                size = os.stat(b.database).st_size
                file.seek(size * 3 // 4 // 4096 * 4096)  # in the middle are pages without which it cannot be opened
                file.write(os.urandom(4096 * 4))
            self.state(self.look(b), "integrity", "problem")

    def test_a_server_that_follows_another_database_is_seen(self):
        with Blowback() as b:
            self.assertEqual(b.cli("list", "192.0.2.1", "--reason", "r").returncode, 0)
            b.start_server()
            other = b.dir / "other.db"
            shutil.copy(b.database, other)
            b.sections["database"] = str(other)
            b.sections["server"]["status_socket"] = f"{b.database}.server"
            b.write_config()
            self.assertEqual(b.cli("list", "192.0.2.2", "--reason", "r").returncode, 0)
            rows = self.look(b)
            self.state(rows, "journal", "problem", "1 change behind")
            self.state(rows, f"dns 127.0.0.1:{b.port} udp", "problem", "SOA serial is 1, but the database's is 2")

    def test_a_zone_that_is_not_delegated_is_a_problem_where_a_resolver_is_named(self):
        with Blowback() as b, Blowback(zone={"name": "other.example.org"}) as elsewhere:
            self.assertEqual(b.cli("db", "migrate").returncode, 0)
            self.assertEqual(elsewhere.cli("db", "migrate").returncode, 0)
            b.start_server()
            elsewhere.start_server()
            self.state(self.look(b, "--resolver", f"127.0.0.1:{elsewhere.port}"), f"delegation by 127.0.0.1:{elsewhere.port}", "problem",
                       "REFUSED")


class Conform(unittest.TestCase):
    def conform(self, b, port, *arguments):
        # The server itself as resolver, which refuses names outside the zone: the system's resolver may know more, or nothing.
        if "--resolver" not in arguments:
            arguments = ("--resolver", f"127.0.0.1:{port}", *arguments)
        done = b.cli("conform", "bl.example.org", "--server", f"127.0.0.1:{port}", "--format", "json", *arguments, seconds=100)
        self.assertIn(done.returncode, (0, 1), done.stderr)
        rows = json.loads(done.stdout)
        self.assertEqual(done.returncode == 1, any(row["result"] == "fail" for row in rows))
        return {row["check"]: row for row in rows}

    def test_our_server_passes_whole(self):
        with Blowback(zone={"nameservers": [f"ns1.{ZONE} 192.0.2.53", f"ns2.{ZONE} 2001:db8::53"]}) as b:
            self.assertEqual(b.cli("list", "198.51.100.0/24", "--reason", "r").returncode, 0)
            self.assertEqual(b.cli("list", "2.0.0.0/8", "--wide", "--reason", "r").returncode, 0)
            self.assertEqual(b.cli("list", "2001:db8:5::/48", "--reason", "r").returncode, 0)
            b.start_server()
            for listed in ("198.51.100.9", "2001:db8:5::1"):
                rows = self.conform(b, b.port, "--listed", listed)
                self.assertEqual([row for row in rows.values() if row["result"] != "pass"], [])
            self.assertGreater(len(rows), 20)
            # An address that isn't listed is told, not believed.
            rows = self.conform(b, b.port, "--listed", "192.0.2.99")
            self.assertEqual([name for name, row in rows.items() if row["result"] == "fail"], ["99.2.0.192.bl.example.org is listed"])

    def test_a_name_server_in_the_zone_needs_an_address_there(self):
        check = "addresses of name servers in the zone"
        for servers, result in ((["ns1.bl.example.org 192.0.2.53", "ns2.BL.example.org 2001:db8::53"], "pass"),
                                (["ns1.bl.example.org 192.0.2.53", "ns2.bl.example.org"], "fail"), (["ns1.example.org"], None)):
            with self.subTest(servers=servers), Blowback(zone={"nameservers": servers}) as b:
                self.assertEqual(b.cli("list", "198.51.100.9", "--reason", "r").returncode, 0)
                b.start_server()
                rows = self.conform(b, b.port, "--listed", "198.51.100.9")
                self.assertEqual(rows[check]["result"] if check in rows else None, result)
                doctor = {row["check"]: row["state"] for row in json.loads(b.cli("doctor", "--format", "json").stdout)}
                self.assertEqual(doctor["zone"], "warning" if result == "fail" else "ok")

    def test_a_name_server_outside_the_zone_must_have_an_address(self):
        check = "names of name servers have addresses"
        with Blowback(zone={"nameservers": ["ns.example.net"]}) as b:
            self.assertEqual(b.cli("list", "198.51.100.9", "--reason", "r").returncode, 0)
            b.start_server()
            self.assertEqual(self.conform(b, b.port)[check]["result"], "note")
            for hosts, result in (([], "fail"), (["ns 192.0.2.53"], "pass"), (["ns 2001:db8::53"], "pass")):
                with self.subTest(hosts=hosts), Blowback(zone={"name": "example.net", "hosts": hosts}) as resolver:
                    self.assertEqual(resolver.cli("db", "migrate").returncode, 0)
                    resolver.start_server()
                    row = self.conform(b, b.port, "--resolver", f"127.0.0.1:{resolver.port}")[check]
                    self.assertEqual((row["result"], "Unbound" in (row["breaks"] or "")), (result, result == "fail"), row)

    def test_rbldnsd_fails_where_it_is_known_to(self):
        rbldnsd = executable("rbldnsd")
        if not rbldnsd:
            self.skipTest("rbldnsd isn't installed")
        with Blowback(zone={"nameservers": ["ns1.example.org", "ns2.example.org"]}) as b:
            self.assertEqual(b.cli("list", "198.51.100.0/24", "--reason", "r").returncode, 0)
            self.assertEqual(b.cli("export", "--format", "rbldnsd", "--to", b.dir / "list").returncode, 0)
            os.chmod(b.dir, 0o755)
            port = free_port()
            user = ["-u", "nobody"] if os.getuid() == 0 else []
            daemon = Daemon([rbldnsd, "-n", "-f", "-b", f"127.0.0.1/{port}", *user, "-w", str(b.dir), "bl.example.org:combined:list"],
                            b.dir / "rbldnsd.log")
            try:
                wait_until(lambda: serves(port), 10, daemon.log)
                rows = self.conform(b, port, "--listed", "198.51.100.9")
            finally:
                daemon.stop()
            failed = {name for name, row in rows.items() if row["result"] == "fail"}
            self.assertEqual(failed, {"empty non-terminals are NODATA", "TCP answers as UDP does", "EDNS: OPT is answered by OPT"})
            for name in failed:
                self.assertTrue(rows[name]["breaks"] and rows[name]["source"])

    def test_a_wildcard_zone_and_a_dead_server_fail(self):
        with Blowback() as b, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
            silent.bind(("127.0.0.1", 0))
            rows = self.conform(b, silent.getsockname()[1])
            self.assertEqual([row["result"] for row in rows.values()], ["fail"])
            self.assertIn("no answer within", rows["SOA at the zone's apex"]["found"])
            named = executable("named")
            if not named:
                self.skipTest("named isn't installed")
            port = free_port()
            (b.dir / "zone").write_text("$TTL 7d\n@ SOA ns.example.org. h.example.org. 1 600 120 604800 172800\n@ NS ns.example.org.\n"
                                        "* A 127.0.0.1\n*.1 A 192.0.2.1\n")
            (b.dir / "named.conf").write_text(f'options {{ directory "{b.dir}"; pid-file none; session-keyfile none; recursion no;\n'
                                              f"  listen-on port {port} {{ 127.0.0.1; }}; listen-on-v6 {{ none; }}; }};\ncontrols {{ }};\n"
                                              'zone "bl.example.org" { type primary; file "zone"; };\n')
            daemon = Daemon([named, "-g", "-c", str(b.dir / "named.conf")], b.dir / "named.log")
            try:
                wait_until(lambda: serves(port), 20, daemon.log)
                rows = self.conform(b, port)
            finally:
                daemon.stop()
            failed = {name for name, row in rows.items() if row["result"] == "fail"}
            for name in ("127.0.0.1 is not listed: NXDOMAIN", "A records are codes in 127.0.0.0/8", "TTL of listings",
                         "SOA minimum: how long \"not listed\" is cached", "a name that is no address is not listed",
                         "reserved addresses are not listed", "IPv6 isn't caught by IPv4 wildcards"):
                self.assertIn(name, failed)


class Completion(unittest.TestCase):
    def script(self, shell):
        done = subprocess.run([program("blowback"), "completion", shell], capture_output=True, text=True, timeout=30)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return done.stdout

    def completed(self, line):
        """What bash offers where the line ends, asked of bash itself."""
        words = line.split(" ")
        driver = (f"{self.script('bash')}\nCOMP_WORDS=({' '.join(repr(word) for word in words)})\nCOMP_CWORD={len(words) - 1}\n"
                  "_blowback\nprintf '%s\\n' \"${COMPREPLY[@]}\"\n")
        done = subprocess.run(["bash", "--norc"], input=driver, capture_output=True, text=True, timeout=30 * PATIENCE)
        self.assertEqual((done.returncode, done.stderr), (0, ""), line)
        return set(done.stdout.split())

    def test_bash_completes_commands_options_and_choices(self):
        self.assertEqual(self.completed("blowback li"), {"list", "listings"})
        self.assertEqual(self.completed("blowback db "), {"migrate", "check", "backup", "restore", "compact"})
        self.assertEqual(self.completed("blowback --config /etc/x db b"), {"backup"})
        self.assertEqual(self.completed("blowback export --format "), {"plain", "cidr", "rbldnsd", "zone", "postfix", "nft", "json"})
        self.assertEqual(self.completed("blowback check --format j"), {"json"})
        self.assertEqual(self.completed("blowback check --format = c"), {"csv"})
        self.assertEqual(self.completed("blowback completion "), {"bash", "zsh", "fish"})
        self.assertEqual(self.completed("blowback list --re"), {"--reason"})
        # A value that is called like a command leads nowhere.
        self.assertEqual(self.completed("blowback list --reason export --f"), {"--for"})
        self.assertLessEqual({"--config", "--format", "--help", "--no-color"}, self.completed("blowback stats --"))
        self.assertEqual(self.completed("blowback --fo"), {"--format"})

    def test_bash_completes_files_where_one_is_named(self):
        with Blowback() as b:
            for line in (f"blowback --config {b.dir}/blowb", f"blowback export --to {b.dir}/blowb", f"blowback import {b.dir}/blowb"):
                self.assertIn(f"{b.dir}/blowback.toml", self.completed(line))

    def test_zsh_and_fish_take_their_scripts(self):
        for shell, check in (("zsh", ["zsh", "-n"]), ("fish", ["fish", "--no-execute"])):
            if not shutil.which(shell):
                continue
            with Blowback() as b:
                path = b.dir / f"completion.{shell}"
                path.write_text(self.script(shell))
                done = subprocess.run([*check, str(path)], capture_output=True, text=True, timeout=60)
                self.assertEqual((done.returncode, done.stderr), (0, ""))

    def test_fish_completes_the_same(self):
        if not shutil.which("fish"):
            self.skipTest("fish isn't installed")
        with Blowback() as b:
            path = b.dir / "completion.fish"
            path.write_text(self.script("fish"))

            def completed(line):
                done = subprocess.run(["fish", "--no-config", "-c", f"source {path}; complete -C '{line}'"], capture_output=True, text=True,
                                      timeout=60, env={**os.environ, "HOME": str(b.dir)})
                self.assertEqual(done.stderr, "")
                return {offer.split("\t")[0] for offer in done.stdout.splitlines()}
            self.assertEqual(completed("blowback li"), {"list", "listings"})
            self.assertEqual(completed("blowback db "), {"migrate", "check", "backup", "restore", "compact"})
            self.assertEqual(completed("blowback check --format "), {"table", "json", "csv"})
            self.assertEqual(completed("blowback list --reason export --f"), {"--for"})


if __name__ == "__main__":
    unittest.main()
