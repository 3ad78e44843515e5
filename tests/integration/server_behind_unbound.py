#!/usr/bin/env python3
"""Behind a resolver that minimises strictly (RFC 9156): listed addresses are found, also right after an unlisted neighbour.

A list server that says NXDOMAIN to an empty non-terminal makes every listing below it vanish here, silently."""

import shutil
import subprocess
import unittest

from harness import ZONE, Blowback, Daemon, _Ports, owner_name, parse_dig, wait_until

UNBOUND = shutil.which("unbound", path="/usr/sbin:/usr/bin:/sbin:/bin:/usr/local/sbin")


@unittest.skipUnless(UNBOUND, "unbound isn't installed")
class BehindUnbound(unittest.TestCase):
    def test_every_listing_is_found_whatever_was_asked_before(self):
        listed = ["192.0.2.10", "192.0.2.12", "198.51.100.77", "2001:db8:1::25", "2001:db8:1:2::1"]
        unlisted = ["192.0.2.11", "192.0.3.10", "193.0.2.10", "198.51.101.77", "2001:db8:2::25", "2001:db8:1:3::1"]
        with Blowback(zone={"ttl": "0s", "negative_ttl": "1h"}) as b:
            for ip in listed:
                self.assertEqual(b.cli("list", ip, "--reason", "test").returncode, 0)
            b.start_server()
            ports = _Ports()
            config = b.dir / "unbound.conf"
            config.write_text(f"""
server:
  interface: 127.0.0.1@{ports.v4}
  port: {ports.v4}
  do-daemonize: no
  use-syslog: no
  username: ""
  chroot: ""
  directory: "{b.dir}"
  pidfile: ""
  do-not-query-localhost: no
  qname-minimisation: yes
  qname-minimisation-strict: yes
  harden-below-nxdomain: yes
  module-config: "iterator"
  access-control: 127.0.0.0/8 allow
  num-threads: 1
stub-zone:
  name: "{ZONE}"
  stub-addr: 127.0.0.1@{b.port}
  stub-prime: no
remote-control:
  control-enable: no
""")
            ports.release()
            resolver = Daemon([UNBOUND, "-d", "-c", str(config)], b.dir / "unbound.log")
            try:
                def ask(ip, rtype="A"):
                    done = subprocess.run(["dig", "+time=3", "+tries=1", "@127.0.0.1", "-p", str(ports.v4), "-q", owner_name(ip), "-t", rtype],
                                          capture_output=True, text=True, timeout=30)
                    return parse_dig(done.stdout)

                wait_until(lambda: ask("127.0.0.2").rcode == "NOERROR", 15, lambda: f"unbound answers:\n{resolver.log()}")
                for neighbour in unlisted:
                    self.assertEqual(ask(neighbour).rcode, "NXDOMAIN", neighbour)
                    for ip in listed:
                        reply = ask(ip)
                        self.assertEqual(reply.rdata("A"), ["127.0.0.9"], f"{ip} after {neighbour}: {reply.text}")
                for ip in listed:
                    self.assertIn(ip.split(":")[0], ask(ip, "TXT").rdata("TXT")[0])
                self.assertEqual(ask("127.0.0.1").rcode, "NXDOMAIN")
            finally:
                resolver.stop()


if __name__ == "__main__":
    unittest.main(verbosity=2)
