#!/usr/bin/env python3
"""The page, `why`, the API and DNS say the same at equal serials, while listings come and go; and no page ever has a trap."""

import base64
import codecs
import concurrent.futures
import html
import json
import re
import unittest
import urllib.parse

from harness import TRAP_DOMAIN, WITNESSES, Blowback, make_dsn, wait_until

CODES = {"dsn": 2, "challenge": 5, "virus_notice": 6, "auto_reply": 3, "mdn": 7, "callout": 4, "operator": 9}


def text_of(page):
    """Without markup, and with the blanks of one line."""
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]*>", " ", re.sub(r"<svg.*?</svg>", " ", page, flags=re.S))))


def bounces(client, count, start):
    """Enough of them list a client: other traps, mailings and networks each time."""
    return [make_dsn(client, WITNESSES[n % 8], start + n, campaign=start + n) for n in range(count)]


def codings(address):
    """A trap's address and its parts, in the ways in which a sender may hide them in what it sends."""
    local, domain = address.split("@")
    found = []
    for text in (address, local, f"{local}={domain}"):
        octets = text.encode()
        found += [text, text.upper(), text[::-1], codecs.encode(text, "rot13"), octets.hex(), octets.hex().upper(),
                  base64.b64encode(octets).decode().rstrip("="), base64.b32encode(octets).decode().rstrip("="),
                  "".join(f"%{octet:02x}" for octet in octets), "".join(f"={octet:02X}" for octet in octets)]
    return found


class Pages(unittest.TestCase):
    def test_page_why_api_and_dns_agree_at_equal_serials(self):
        with Blowback(policy={"distinct_traps": 2}) as b:
            addresses = [f"192.0.2.{n}" for n in range(1, 8)]
            b.start_ingest(once=True)
            b.start_server()
            b.start_web()
            b.start_ingest()
            for turn in range(3):
                automatic, by_hand = addresses[turn], addresses[3 + turn]
                for message in bounces(automatic, 6, 10 * turn):
                    b.deliver(message)
                b.wait_listed(automatic, 20)
                self.all_agree(b, addresses)
                for command in (("list", by_hand, "--reason", "by hand <b>", "--for", "2h"), ("delist", automatic, "--reason", "fixed"),
                                ("exempt", by_hand, "--reason", "ours", "--for", "3h")):
                    self.assertEqual(b.cli(*command).returncode, 0, command)
                    self.all_agree(b, addresses)

    def all_agree(self, b, addresses):
        for address in addresses:
            self.agree(b, address)

    def agree(self, b, address):
        """Asks all four, and compares them if none of them saw another serial."""
        def serial():
            return int(b.dig(b.zone_name, "SOA").rdata("SOA")[0].split()[2])

        def at_one_serial():
            before = serial()
            answer = b.dig_ip(address)
            api = b.get_json(f"/api/v1/ip/{address}")
            brief = b.get_json(f"/api/v1/ips?ip={address}")
            page = b.get(f"/{address}")[2]
            why = json.loads(b.cli("why", address, "--format", "json").stdout)
            shown = re.search(r"list version (\d+)", page)
            serials = {before, serial(), api["serial"], brief["serial"], why["serial"], int(shown[1])}
            return (answer, api, brief, page, why) if len(serials) == 1 else None

        answer, api, brief, page, why = wait_until(at_one_serial, 20, f"all agree on a serial about {address}")
        octets = {int(rdata.split(".")[3]) for rdata in answer.rdata("A")}
        codes = {code for listing in api["listings"] for code in listing["codes"]} if api["listed"] else set()
        self.assertEqual({CODES[code] for code in codes}, octets)
        self.assertEqual({CODES[code] for code in brief["addresses"][0]["codes"]}, octets)
        self.assertEqual({int(n) for n in re.findall(r"<dd><code>127\.0\.0\.(\d+)</code>", page)}, octets)
        state = re.search(r'class="state (\w+)"', page)[1]
        self.assertEqual(state == "listed", bool(octets))
        self.assertEqual(state == "exempt", api["exempt"])
        # The score fades from one question to the next.
        for one, other in zip(self.fading(api), self.fading(why), strict=True):
            self.assertAlmostEqual(one, other, delta=0.02)
        why.pop("contact")
        api.pop("contact")
        self.assertEqual(api, why)

    @staticmethod
    def fading(account):
        """Takes the numbers that fade out of an account, and returns them."""
        return [each.pop("now") for each in (account["score"], *account["terms"], account["earlier"])]

    def test_no_page_has_a_trap_in_any_coding_or_anything_that_a_sender_chose(self):
        with Blowback() as b:
            secrets = []
            for n, witness in enumerate(WITNESSES[:8]):
                client = f"192.0.2.{n + 1}"
                for m, trap in enumerate((witness, WITNESSES[8 + n], f"user{n}@{TRAP_DOMAIN}")):
                    for k, coding in enumerate(codings(trap)):
                        if len(coding) > 5:
                            secrets.append(coding)
                        token = urllib.parse.quote(coding, safe="")[:60]
                        b.deliver(make_dsn(client, trap, 1000 * n + 100 * m + k, campaign=f"{k}-{token}"[:80], helo=f"x{k}.{token.replace('%', '-').replace('=', '-')[:50]}.example",
                                           diagnostic=f"550 5.1.1 <{token}@corp.example>: User unknown"))
            b.start_ingest(once=True)
            b.start_web(requests=0)
            paths = ["/", "/192.0.2.0/24", "/health", "/robots.txt", "/192.0.2.99", "/x"]
            for n in range(1, 9):
                paths += [f"/192.0.2.{n}", f"/api/v1/ip/192.0.2.{n}"]
            paths = [path + suffix for path in paths for suffix in ("", "?lang=de", "?lang=fr", "?lang=es")]
            for path in paths:
                _, fields, body = b.get(path)
                whole = (body + json.dumps(fields)).lower()
                for secret in secrets:
                    if secret.lower() in whole:
                        self.fail(f"{path} shows {secret}")
                self.assertNotIn("corp.example", whole)
                self.assertNotIn("x1.", whole)
            self.assertIn("incidents", b.get_json("/api/v1/ip/192.0.2.1"))
            self.assertGreater(b.get_json("/api/v1/ip/192.0.2.1")["incidents"], 20)

    def test_the_page_of_the_sample_reads_as_why_does(self):
        with Blowback() as b:
            for message in bounces("192.0.2.10", 6, 0):
                b.deliver(message)
            b.start_ingest(once=True)
            b.start_web(contact="delist@example.org")
            text = text_of(b.get("/192.0.2.10")[2])
            for sentence in ("It is listed since", "If nothing more comes, the listing ends by itself", "6 × bounce (unknown user)", "What to change",
                             "It accepts mail for recipients that don't exist", "Settings for Postfix", "delist@example.org"):
                self.assertIn(sentence, text)
            why = re.sub(r"\s+", " ", b.cli("why", "192.0.2.10").stdout)
            for shared in ("It accepts mail for recipients that don't exist, and bounces it later to the forged sender.", "Traps never send mail."):
                self.assertIn(shared, text)
                self.assertIn(shared, why)
            self.assertEqual(b.get("/192.0.2.10", {"Accept-Language": "fr-CH, fr;q=0.9"})[1]["content-language"], "fr")
            self.assertIn("Gelistet", b.get("/192.0.2.10?lang=de")[2])

    def test_many_visitors_at_once_get_whole_pages(self):
        with Blowback() as b:
            for message in bounces("192.0.2.10", 6, 0):
                b.deliver(message)
            b.start_ingest(once=True)
            b.start_web()
            with concurrent.futures.ThreadPoolExecutor(16) as visitors:
                pages = list(visitors.map(lambda n: b.get(f"/192.0.2.{n % 20}"), range(200)))
            self.assertEqual({status for status, _, _ in pages}, {200})
            self.assertTrue(all(body.rstrip().endswith("</html>") for _, _, body in pages))


if __name__ == "__main__":
    unittest.main(verbosity=2)
