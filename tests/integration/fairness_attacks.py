#!/usr/bin/env python3
"""Attacks by which a stranger tries to get somebody else listed, and mail of innocent servers: none of it gets anybody listed.

Each attack is tried far beyond what once was enough. PROVIDER is a large mail provider that did nothing wrong but to carry a
stranger's mail, or to have one customer whose mailbox answers. The last tests show what must still be listed."""

import base64
import datetime
import json
import unittest

from harness import PATIENCE, TRAP_DOMAIN, WITNESSES, Blowback, make_dsn

PROVIDER = "192.0.2.10"
STRANGER = "198.51.100.66"
HELO = "out.provider.example"
SECOND_DOMAIN = "trap.example.com"
# With sanitizers each run of ingest takes seconds; the rules are the same.
MANY = 60 if PATIENCE == 1 else 24


def invented(n):
    """Invented recipients in two domains of traps."""
    return f"x{n}@{TRAP_DOMAIN if n % 2 else SECOND_DOMAIN}"


def line(message, n, *, mail_from="", rcpt=None, client=PROVIDER, ago=0):
    """A delivery of our SMTP or JSON feed, with a known client. `ago`: seconds."""
    at = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(seconds=ago + MANY - n % MANY)
    said = {"received_at": at.strftime("%Y-%m-%dT%H:%M:%SZ"), "client_ip": client, "helo": HELO, "rcpt_to": rcpt or [invented(n)],
            "message_base64": base64.b64encode(message).decode()}
    if mail_from is not None:
        said["mail_from"] = mail_from
    return said


def by_provider(*, source=STRANGER, helo="stranger.example", name="unknown", recipient=None):
    """The trace field that the provider writes for mail that it accepts, which a client can't prevent."""
    end = f" for <{recipient}>" if recipient else ""
    return f"Received: from {helo} ({name} [{source}])\n\tby mx.provider.example (Postfix) with ESMTP id 77{end}; Tue, 24 Nov 2026 09:59:58 +0000\n"


def dsn(n, *, to=None, trace="", origin=STRANGER, **options):
    """A report of the client, or a forged one; without our own trace, which these feeds don't need."""
    text = make_dsn(PROVIDER, to or invented(n), n, helo=HELO, origin=origin, **options).decode()
    header, body = text.split("\nReceived: by", 1)
    del header
    return (trace + "Received: by" + body).encode()


def without_trace(report):
    """Without the trace of the returned message, as some servers return it."""
    return report.replace(b"\nReceived: from spammer", b"\nX-Was: from spammer", 1)


def note(n, *, sender="anna@provider.example", to=None, trace="", subject="Out of office"):
    return (f"{trace}From: Anna <{sender}>\nTo: {to or invented(n)}\nSubject: {subject}\nAuto-Submitted: auto-replied\n"
            f"In-Reply-To: <q{n}@{TRAP_DOMAIN}>\nReferences: <q{n}@{TRAP_DOMAIN}>\nMessage-ID: <r{n}@provider.example>\n"
            "Precedence: bulk\n\nI am out of the office until Monday and will answer then.\n").encode()


class Attacks(unittest.TestCase):
    def attack(self, lines, *, listed=False, traps=None, least=1, policy=None):
        """Feeds the lines and checks whether PROVIDER is listed. At least so many of them must be incidents, so that an attack isn't considered
        harmless because it wasn't read. Returns what `stats` counts."""
        traps = traps or {"domains": [TRAP_DOMAIN, SECOND_DOMAIN], "addresses": WITNESSES}
        with Blowback(traps=traps, policy=policy, feeds=[{"name": "traps", "type": "jsonl"}]) as b:
            b.feeds[0]["path"] = str(b.dir / "feed.jsonl")
            b.write_config()
            (b.dir / "feed.jsonl").write_text("".join(json.dumps(one) + "\n" for one in lines))
            done = b.start_ingest(once=True)
            self.assertEqual(done.process.returncode, 0, done.log()[-2000:])
            counts = b.feed_counts()
            self.assertGreaterEqual(counts["incidents"], least, counts)
            listings = b.cli_json("listings")
            if listed:
                self.assertEqual([row["prefix"] for row in listings], [PROVIDER], b.cli("why", PROVIDER).stdout)
            else:
                self.assertEqual(listings, [], b.cli("why", PROVIDER).stdout)
            return counts

    # ── mail that a customer sends ──

    def test_an_automatic_reply_written_by_hand_to_invented_recipients(self):
        lines = [line(note(n), n, mail_from="eve@provider.example", rcpt=[invented(n + k) for k in range(5)]) for n in range(MANY)]
        counts = self.attack(lines, least=MANY)
        self.assertEqual(counts["uncounted"], counts["incidents"])

    def test_a_report_written_by_hand_with_a_reverse_path(self):
        counts = self.attack([line(dsn(n, origin=f"77.1.{n}.9"), n, mail_from="eve@provider.example") for n in range(MANY)], least=MANY)
        self.assertEqual(counts["uncounted"], counts["incidents"])

    def test_a_feed_without_reverse_paths_accuses_nobody_and_stats_shows_it(self):
        counts = self.attack([line(dsn(n, origin=f"77.1.{n}.9"), n, mail_from=None) for n in range(MANY)], least=MANY)
        self.assertEqual(counts["unknown_reverse_path"], counts["incidents"])

    def test_any_reverse_path_counts_only_if_the_policy_says_so(self):
        lines = [line(dsn(n, origin=f"77.1.{n}.9"), n, mail_from="eve@provider.example") for n in range(MANY)]
        self.attack(lines, least=MANY, listed=True, policy={"reverse_path": "any"})

    def test_one_message_to_many_recipients_is_one_witness(self):
        with_all = [f"t{n}@{TRAP_DOMAIN}" for n in range(40)] + [f"a@{SECOND_DOMAIN}"]
        counts = self.attack([line(dsn(n, to=with_all[0], origin=f"77.1.{n}.9"), n, rcpt=with_all) for n in range(MANY)], least=MANY)
        self.assertEqual(counts["incidents"], MANY)

    def test_invented_recipients_of_one_domain_are_one_witness(self):
        self.attack([line(dsn(n, to=f"x{n}@{TRAP_DOMAIN}", origin=f"77.1.{n}.9"), n, rcpt=[f"x{n}@{TRAP_DOMAIN}"]) for n in range(MANY)],
                    least=MANY)

    def test_without_named_traps_each_domain_is_one_witness(self):
        self.attack([line(dsn(n, to=f"x{n}@{TRAP_DOMAIN}", origin=f"77.1.{n}.9"), n, rcpt=[f"x{n}@{TRAP_DOMAIN}"]) for n in range(MANY)],
                    least=MANY, traps={"domains": [], "addresses": []})

    # ── forwarded mail ──

    def test_a_report_with_a_null_reverse_path_sent_through_a_forwarder(self):
        for what, trace in {
            "plain": by_provider(),
            "as the provider by HELO": by_provider(helo="out.provider.example"),
            "with a name of his own": by_provider(helo="out.provider.example", name="mail.stranger.example"),
            "with lines of his own below": by_provider() + by_provider(source="10.0.0.5", helo="in.provider.example", name="in.provider.example"),
            "through an inner host": by_provider(source="10.0.0.5", helo="in.provider.example", name="in.provider.example") + by_provider(),
            "Exchange": f"Received: from mail.provider.example ({STRANGER})\n by ex1.provider.example (10.1.2.3) with Microsoft SMTP Server id 15.2.1; Tue, 24 Nov 2026 09:59:58 +0000\n",
            "qmail": f"Received: from mail.provider.example (HELO mail.provider.example) ({STRANGER})\n  by mx.provider.example with SMTP; 24 Nov 2026 09:59:58 -0000\n",
            "a line that nobody can read": f"Received: by some gateway for [{STRANGER}] at noon\n",
            "by another family": by_provider(source="IPv6:2001:db8:66::1"),
            "by 6to4": by_provider(source="IPv6:2002:c633:6442::1"),
            "by a translator": by_provider(source="IPv6:64:ff9b::c633:6442"),
            "with a name that OpenSMTPD doesn't confirm": f"Received: from mail.provider.example (out.provider.example [{STRANGER}])\n\tby mx.provider.example (OpenSMTPD) with ESMTP id 77; Tue, 24 Nov 2026 09:59:58 +0000\n",
            "from a host beside the provider's": by_provider(source="192.0.3.66", helo="x.provider.example"),
            "beside an Exchange": "Received: from x.provider.example (10.1.66.66)\n by ex1.provider.example (10.1.2.3) with Microsoft SMTP Server id 15.2.1; now\n" + by_provider(),
            "submitted by a customer": "Received: from laptop (pool.provider.example [192.0.2.77])\n\tby mx.provider.example (Postfix) with ESMTPSA id 77; Tue, 24 Nov 2026 09:59:58 +0000\n",
            "addressed to the customer": "Received: from in.provider.example (in.provider.example [10.0.0.5])\n\tby mx.provider.example (Postfix) with ESMTP id 77\n\tfor <anna@provider.example>; Tue, 24 Nov 2026 09:59:58 +0000\n",
        }.items():
            with self.subTest(what):
                lines = [line(dsn(n, trace=trace, origin=f"77.1.{n}.9"), n) for n in range(MANY)]
                counts = self.attack(lines, least=MANY)
                self.assertEqual(counts["uncounted"], counts["incidents"])

    def test_messages_marked_by_lists_and_forwarders(self):
        for field in ("List-Id: <dev.provider.example>", "List-Unsubscribe: <mailto:x@provider.example>", "X-BeenThere: dev@provider.example",
                      "Resent-From: anna@provider.example", f"X-Forwarded-To: a@{TRAP_DOMAIN}",
                      "ARC-Authentication-Results: i=1; mx.provider.example; spf=fail smtp.mailfrom=stranger.example; dkim=none"):
            with self.subTest(field):
                counts = self.attack([line(dsn(n, trace=field + "\n", origin=f"77.1.{n}.9"), n) for n in range(MANY)], least=MANY)
                self.assertEqual(counts["uncounted"], counts["incidents"])

    def test_a_message_addressed_to_somebody_else(self):
        lines = []
        for n in range(MANY):
            message = dsn(n, origin=f"77.1.{n}.9").replace(f"\nTo: {invented(n)}\n".encode(), b"\nTo: Anna <anna@provider.example>\n", 1)
            lines.append(line(message, n))
        counts = self.attack(lines, least=MANY)
        self.assertEqual(counts["uncounted"], counts["incidents"])

    def test_header_fields_that_name_a_trap_below_the_trace(self):
        # In a Maildir, where our own mail server names the recipient: here anna, who is no trap.
        with Blowback() as b:
            for n in range(MANY):
                message = make_dsn(PROVIDER, WITNESSES[n % 8], n, to_header=False).decode()
                head, rest = message.split("Received: from", 1)
                stranger = f"X-Original-To: {WITNESSES[n % 8]}\nEnvelope-To: {WITNESSES[n % 8]}\nDelivered-To: {WITNESSES[n % 8]}\n"
                trace, body = rest.split("Received: by", 1)
                b.deliver(f"{head}Delivered-To: anna@example.org\nReceived: from{trace}{stranger}Received: by{body}".encode())
                b.deliver(f"{head}Received: from{trace}{stranger}Received: by{body}".encode())
            self.assertEqual(b.start_ingest(once=True).process.returncode, 0)
            self.assertEqual(b.feed_counts()["not_a_trap"], 2 * MANY)
            self.assertEqual(b.cli_json("listings"), [])

    def test_a_return_path_below_the_trace_makes_no_reverse_path_null(self):
        with Blowback() as b:
            for n in range(MANY):
                b.deliver(make_dsn(PROVIDER, WITNESSES[n % 8], n, reverse_path=None, below=["Return-Path: <>"]))
                b.deliver(make_dsn(PROVIDER, WITNESSES[n % 8], MANY + n, reverse_path="eve@provider.example", below=["Return-Path: <>"]))
            self.assertEqual(b.start_ingest(once=True).process.returncode, 0)
            counts = b.feed_counts()
            self.assertEqual(counts["uncounted"], 2 * MANY)
            self.assertEqual(counts["unknown_reverse_path"], MANY)
            self.assertEqual(b.cli_json("listings"), [])

    # ── one customer of a provider ──

    def test_one_vacation_note_provoked_again_and_again(self):
        self.attack([line(note(n), n, ago=n * 86400 // 4) for n in range(MANY)], least=MANY)

    def test_one_vacation_note_with_a_new_subaddress_each_time(self):
        self.attack([line(note(n, sender=f"anna+{n}@provider.example", to=WITNESSES[n % 40]), n, rcpt=[WITNESSES[n % 40]]) for n in range(MANY)],
                    least=MANY)

    def test_one_autoresponder_with_changing_names(self):
        for what, sender in {"qmail's subaddresses": "anna-{}@provider.example", "no address": "Anna Example {}"}.items():
            with self.subTest(what):
                self.attack([line(note(n, sender=sender.format(n), to=WITNESSES[n % 40]), n, rcpt=[WITNESSES[n % 40]]) for n in range(MANY)],
                            least=MANY)

    def test_one_autoresponder_that_writes_like_a_mailer(self):
        # With Sieve's `vacation :mime` a user can write the whole report; the server adds the originator.
        lines = [line(dsn(n, to=WITNESSES[n % 40], origin=f"77.1.{n}.9").replace(f"From: MAILER-DAEMON@{HELO} (Mail Delivery System)".encode(),
                                                                                b"From: Anna <anna@provider.example>"),
                      n, rcpt=[WITNESSES[n % 40]]) for n in range(MANY)]
        self.attack(lines, least=MANY)

    def test_a_domain_that_is_forwarded_to_unknown_users(self):
        lines = [line(dsn(n, to=WITNESSES[n % 40], origin=f"77.1.{n}.9").replace(
                          b"Final-Recipient: rfc822; nobody@corp.example",
                          b"Final-Recipient: rfc822; x%d@elsewhere.example\nOriginal-Recipient: rfc822; x%d@provider.example" % (n, n)),
                      n, rcpt=[WITNESSES[n % 40]]) for n in range(MANY)]
        self.attack(lines, least=MANY)

    def test_one_mailbox_that_is_full(self):
        lines = [line(dsn(n, to=WITNESSES[n % 40], origin=f"77.1.{n}.9", status="5.2.2", diagnostic="552 5.2.2 <nobody@corp.example>: mailbox full"),
                      n, rcpt=[WITNESSES[n % 40]]) for n in range(MANY)]
        self.attack(lines, least=MANY)

    def test_one_mailbox_that_forwards_to_an_unknown_user(self):
        # Each message comes from another network, but the mailbox is the same.
        for what, refusal in {"by the report": b"\nRemote-MTA: dns; mx.elsewhere.example", "by an alias": b"\nOriginal-Recipient: rfc822; anna@provider.example"}.items():
            with self.subTest(what):
                lines = [line(dsn(n, to=WITNESSES[n % 40], origin=f"77.1.{n}.9").replace(b"\nAction: failed", refusal + b"\nAction: failed"),
                              n, rcpt=[WITNESSES[n % 40]]) for n in range(MANY)]
                self.attack(lines, least=MANY)

    def test_a_customer_who_forges_senders_at_his_providers_relay(self):
        # The relay itself writes these bounces, to two witnesses and more; the returned messages name one customer.
        lines = [line(dsn(n, to=WITNESSES[n % 40], origin=f"198.51.100.{n}"), n, rcpt=[WITNESSES[n % 40]], ago=n * 3600) for n in range(MANY)]
        self.attack(lines, least=MANY)

    def test_a_customer_who_forges_the_trace_below_the_relays_own_line(self):
        # The relay sees a private address, and the forged lines below name a new origin each time.
        lines = []
        for n in range(MANY):
            message = dsn(n, to=WITNESSES[n % 2], origin="10.9.8.7").replace(
                b"\nMessage-ID: <forged", f"\nReceived: from a (a [77.1.{n}.9]) by {HELO} (Postfix) with SMTP id 1; now\nMessage-ID: <forged".encode(), 1)
            lines.append(line(message, n, rcpt=[WITNESSES[n % 2]]))
        self.attack(lines, least=MANY)

    def test_a_customer_of_a_relay_that_returns_no_trace(self):
        lines = [line(without_trace(dsn(n, to=WITNESSES[n % 2])), n, rcpt=[WITNESSES[n % 2]]) for n in range(MANY)]
        self.attack(lines, least=MANY)

    def test_one_mailing_one_joe_job(self):
        self.attack([line(dsn(n, to=WITNESSES[n % 40], origin=f"77.1.{n}.9", campaign="one"), n, rcpt=[WITNESSES[n % 40]]) for n in range(MANY)],
                    least=MANY)

    def test_a_list_of_receipts_by_one_reader(self):
        lines = []
        for n in range(MANY):
            message = (f"From: Anna <anna@provider.example>\nTo: {WITNESSES[n % 40]}\nSubject: Read: offer\nMessage-ID: <m{n}@provider.example>\n"
                       'MIME-Version: 1.0\nContent-Type: multipart/report; report-type=disposition-notification; boundary="b"\n\n--b\n'
                       "Content-Type: text/plain\n\nYour message was read.\n--b\nContent-Type: message/disposition-notification\n\n"
                       f"Final-Recipient: rfc822; anna@provider.example\nOriginal-Message-ID: <o{n}@{TRAP_DOMAIN}>\n"
                       "Disposition: manual-action/MDN-sent-manually; displayed\n\n--b--\n").encode()
            lines.append(line(message, n, rcpt=[WITNESSES[n % 40]]))
        self.attack(lines, least=MANY)

    # ── wrong times ──

    def test_dates_in_the_future_list_nobody_for_longer_and_make_nobody_immune(self):
        for year in (2027, 2038, 2100, 9999):
            with self.subTest(year):
                ahead = [dict(line(dsn(n, to=WITNESSES[n % 2], origin=f"77.1.{n}.9"), n, rcpt=[WITNESSES[n % 2]]), received_at=f"{year}-12-31T00:00:00Z")
                         for n in range(3)]
                true = [line(dsn(10 + n, to=WITNESSES[n % 2], origin=f"77.2.{n}.9"), n, rcpt=[WITNESSES[n % 2]]) for n in range(20)]
                with Blowback(feeds=[{"name": "traps", "type": "jsonl"}]) as b:
                    b.feeds[0]["path"] = str(b.dir / "feed.jsonl")
                    b.write_config()
                    (b.dir / "feed.jsonl").write_text("".join(json.dumps(one) + "\n" for one in [*ahead[:1], *true, *ahead]))
                    done = b.start_ingest(once=True)
                    self.assertEqual(done.process.returncode, 0)
                    self.assertIn("dated-ahead", done.log())
                    listings = b.cli_json("listings")
                    self.assertEqual([row["prefix"] for row in listings], [PROVIDER])
                    latest = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=28)
                    self.assertLessEqual(listings[0]["expires_at"], latest.strftime("%Y-%m-%dT%H:%M:%SZ"))

    # ── what must still be listed ──

    def test_a_server_that_bounces_mail_of_two_networks_to_two_witnesses_is_listed(self):
        lines = [line(dsn(n, to=WITNESSES[n % 2], origin=f"77.1.{n % 2}.9"), n, rcpt=[WITNESSES[n % 2]]) for n in range(3)]
        self.attack(lines, listed=True, least=3)

    def test_two_domains_are_two_witnesses(self):
        self.attack([line(dsn(n, origin=f"77.1.{n}.9"), n) for n in range(3)], listed=True, least=3)

    def test_many_vacation_notes_of_many_mailboxes_are_listed(self):
        lines = [line(note(n, sender=f"user{n}@provider.example", to=WITNESSES[n % 40]), n, rcpt=[WITNESSES[n % 40]]) for n in range(MANY)]
        self.attack(lines, listed=True, least=MANY)

    def test_bounces_without_a_trace_are_listed_with_more_witnesses(self):
        lines = [line(without_trace(dsn(n, to=WITNESSES[n % 8])), n, rcpt=[WITNESSES[n % 8]]) for n in range(16)]
        self.attack(lines, listed=True, least=16)

    def test_an_inner_host_of_a_sender_does_not_hide_it(self):
        trace = ("Received: from store.provider.example (store.provider.example [10.0.0.5])\n\tby out.provider.example (Postfix) with ESMTP id 1; today\n"
                 "Received: from mx2.provider.example (mx2.provider.example [203.0.113.2])\n\tby store.provider.example (Postfix) with ESMTP id 2; today\n")
        self.attack([line(dsn(n, trace=trace, origin=f"77.1.{n}.9"), n) for n in range(3)], listed=True, least=3)


if __name__ == "__main__":
    unittest.main(verbosity=2)
