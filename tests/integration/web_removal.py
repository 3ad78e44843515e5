#!/usr/bin/env python3
"""Removal over HTTPS, with the real programs: the listed host removes itself on its page or by one line of curl, and nobody else can.

A proxy on loopback names the visitor, as nginx does. Who isn't trusted as a proxy can name whom it likes."""

import concurrent.futures
import json
import re
import shutil
import signal
import subprocess
import time
import unittest

from harness import WITNESSES, Blowback, make_dsn, wait_until

URL = "https://bl.example.org"


class Removing(Blowback):
    def __init__(self, **removal):
        super().__init__()
        self.sections["removal"] = removal
        self.numbers = 0

    def get_listed(self, *addresses):
        for address in addresses:
            for witness in WITNESSES[:6]:
                self.numbers += 1
                self.deliver(make_dsn(address, witness, self.numbers, campaign=self.numbers))
        self.start_ingest(once=True)
        for address in addresses:
            if not self.is_listed(address):
                raise AssertionError(f"{address} isn't listed")

    def is_listed(self, address):
        return self.cli("check", address).returncode == 0

    def visit(self, visitor, target="/192.0.2.10", host="bl.example.org"):
        return self.get(target, {"X-Forwarded-For": visitor, "Host": host})

    def form(self, visitor, address="192.0.2.10"):
        found = re.search(r'name="form" value="([^"]+)"', self.visit(visitor, f"/{address}")[2])
        return found and found[1]

    def post(self, visitor, form, address="192.0.2.10", **changes):
        """As a browser posts the form; `changes`: of header fields, `_` for a hyphen, None for none."""
        fields = {"Host": "bl.example.org", "Origin": URL, "Sec-Fetch-Site": "same-origin", "X-Forwarded-For": visitor,
                  "Content-Type": "application/x-www-form-urlencoded"}
        fields |= {name.replace("_", "-"): value for name, value in changes.items()}
        return self.get(f"/{address}/removal", {name: value for name, value in fields.items() if value is not None}, method="POST",
                        body=f"form={form}" if form is not None else None)

    def curl_line(self, visitor, address="192.0.2.10", **changes):
        """As the line that the page shows."""
        fields = {"Host": "bl.example.org", "X-Blowback-Removal": "yes", "X-Forwarded-For": visitor}
        fields |= {name.replace("_", "-"): value for name, value in changes.items()}
        status, _, body = self.get(f"/api/v1/ip/{address}/removal", {name: value for name, value in fields.items() if value is not None}, method="POST")
        return status, json.loads(body)

    def requests(self):
        return [(row["sender"], row["proof"], row["state"]) for row in self.cli_json("removals")]


class WebRemoval(unittest.TestCase):
    def test_only_the_listed_host_removes_itself(self):
        with Removing() as b:
            b.get_listed("192.0.2.10", "192.0.2.11")
            b.start_web(url=URL)
            b.start_server()
            mine, others = b.form("192.0.2.10"), b.form("192.0.2.11", "192.0.2.11")
            self.assertTrue(mine and others)
            self.assertIsNone(b.form("192.0.2.11"))
            for status, answer in ((403, b.post("192.0.2.11", mine)), (403, b.post("192.0.2.10, 192.0.2.11", mine)), (403, b.post(None, mine)),
                                   (403, b.post("192.0.2.10", None)), (403, b.post("192.0.2.10", others)), (403, b.post("192.0.2.10", "1" + mine)),
                                   (403, b.post("192.0.2.10", mine, Origin="https://evil.example")), (403, b.post("192.0.2.10", mine, Origin="null")),
                                   (403, b.post("192.0.2.10", mine, Sec_Fetch_Site="cross-site")), (421, b.post("192.0.2.10", mine, Host="evil.example")),
                                   (415, b.post("192.0.2.10", mine, Content_Type="text/plain")), (413, b.post("192.0.2.10", mine + "a" * 5000)),
                                   (403, b.post("192.0.2.10", None, X_Blowback_Removal="yes")),
                                   (303, b.get("/192.0.2.10/removal", {"X-Forwarded-For": "192.0.2.10", "Host": "bl.example.org"})),
                                   (303, b.get("/192.0.2.10/removal", {"X-Forwarded-For": "192.0.2.10", "Host": "bl.example.org"}, method="HEAD")),
                                   (405, b.get("/192.0.2.10/removal", {"X-Forwarded-For": "192.0.2.10", "Host": "bl.example.org"}, method="OPTIONS"))):
                self.assertEqual(answer[0], status, answer)
                self.assertNotIn("access-control-allow-origin", answer[1])
            self.assertEqual(b.curl_line("192.0.2.11")[0], 403)
            self.assertEqual(b.curl_line("192.0.2.10", Origin="https://evil.example")[0], 403)
            self.assertEqual(b.curl_line("192.0.2.10", X_Blowback_Removal=None)[0], 403)
            self.assertEqual(b.requests(), [])
            b.web.process.send_signal(signal.SIGHUP)  # a reload: forms that were shown still work
            wait_until(lambda: "config-read" in b.web.log(), 10, "the config is read again")
            status, fields, _ = b.post("192.0.2.10", mine)
            self.assertEqual((status, fields["location"]), (303, "/192.0.2.10#removal"))
            self.assertEqual(b.requests(), [("192.0.2.10", "https", "pending")])
            self.assertIn("takes effect within a minute", b.visit("192.0.2.10")[2])
            b.start_ingest()
            wait_until(lambda: b.requests() == [("192.0.2.10", "https", "done")], 30, "ingest removes it")
            wait_until(lambda: not b.dig_ip("192.0.2.10").rdata("A"), 10, "DNS follows")
            self.assertTrue(b.dig_ip("192.0.2.11").rdata("A"))
            self.assertIn('class="state not_listed"', b.visit("192.0.2.10")[2])
            self.assertEqual([(row["who"], row["reason"]) for row in b.cli_json("log")],
                             [("removal:https", "requested over HTTPS by 192.0.2.10 itself")])
            self.assertIn("removal-requested", b.web.log())

    def test_who_is_no_trusted_proxy_names_nobody(self):
        with Removing() as b:
            b.get_listed("192.0.2.10")
            b.start_web(url=URL, proxies=["10.9.9.9"])
            self.assertIsNone(b.form("192.0.2.10"))
            self.assertEqual(b.curl_line("192.0.2.10")[0], 403)
            self.assertEqual(b.requests(), [])

    def test_the_line_that_the_page_shows_works_and_a_flood_files_one_request(self):
        with Removing() as b:
            b.get_listed("192.0.2.10")
            b.start_web(url=URL, requests=0)
            with concurrent.futures.ThreadPoolExecutor(8) as many:
                answers = list(many.map(lambda n: b.curl_line("192.0.2.10"), range(1000)))
            self.assertLessEqual({status for status, _ in answers}, {202, 503})
            self.assertEqual(sum(body.get("new", False) for _, body in answers), 1)
            self.assertEqual(len(b.requests()), 1)

    @unittest.skipUnless(shutil.which("curl"), "needs curl")
    def test_the_line_of_curl_is_one_that_curl_accepts(self):
        with Removing() as b:
            b.get_listed("192.0.2.10")
            b.start_web(url="http://127.0.0.1:1")
            b.sections["web"]["url"] = f"http://127.0.0.1:{b.web_port}"
            b.write_config()
            b.web.process.send_signal(signal.SIGHUP)
            wait_until(lambda: "config-read" in b.web.log(), 10, "the config is read again")
            page = b.get("/192.0.2.10")[2]
            line = re.search(r"<code>(curl [^<]*)</code>", page)[1].replace("&#39;", "'")
            done = subprocess.run(f"{line} -s -H 'X-Forwarded-For: 192.0.2.10'", shell=True, capture_output=True, text=True, timeout=60)
            self.assertEqual(json.loads(done.stdout)["state"], "pending", done)
            # Without the proxy's field it is the visitor from loopback.
            done = subprocess.run(f"{line} -s", shell=True, capture_output=True, text=True, timeout=60)
            self.assertEqual(json.loads(done.stdout)["error"], "not-from-here")

    def test_repeated_removals_wait_and_the_operators_listings_stay(self):
        with Removing() as b:
            b.get_listed("192.0.2.10")
            b.start_web(url=URL)
            self.assertEqual(b.curl_line("192.0.2.10")[0], 202)
            b.start_ingest(once=True)
            self.assertFalse(b.is_listed("192.0.2.10"))
            removed = int(time.time())
            wait_until(lambda: time.time() >= removed + 1, 5, "mail arrives in a later second than the removal")
            b.get_listed("192.0.2.10")
            self.assertIn("removed once before at its own request. So a request waits 1 day now", b.visit("198.51.100.1")[2])
            status, body = b.curl_line("192.0.2.10")
            self.assertEqual(status, 202)
            self.assertNotEqual(body["requested_at"], body["due_at"])
            b.start_ingest(once=True)
            self.assertTrue(b.is_listed("192.0.2.10"))
            self.assertEqual(b.cli("list", "198.51.100.7", "--reason", "by hand").returncode, 0)
            self.assertEqual(b.cli("list", "203.0.113.0/24", "--reason", "by hand").returncode, 0)
            for address, why in (("198.51.100.7", "by-operator"), ("203.0.113.9", "by-operator"), ("192.0.2.77", "not-listed")):
                self.assertIsNone(b.form(address, address))
                status, body = b.curl_line(address, address)
                self.assertEqual((status, body["error"]), (409, why))
            self.assertEqual(len(b.requests()), 2)


if __name__ == "__main__":
    unittest.main(verbosity=2)
