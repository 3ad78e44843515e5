#!/usr/bin/env python3
"""Hostile SMTP clients: blowback-ingest keeps running, its memory doesn't grow, and it stores exactly the messages that it accepted.

SMTP smuggling, pipelining, incomplete commands, 100,000 recipients, slow clients, NULs, BDAT among commands, connections closed at every octet."""

import os
import pathlib
import random
import select
import threading
import time
import unittest

from smtp_listener import ListeningBlowback, bounce, crlf
from harness import PATIENCE, TRAP_DOMAIN, wait_until

SEED = int(os.environ.get("BLOWBACK_TEST_SEED", "20261125"))
FALSE_ENDS = (b"\n.\n", b"\n.\r\n", b"\r\n.\n", b"\r.\r", b"\r.\r\n", b"\r\n.\r", b"\n.\r", b"\r\n.\r\r\n", b"\r\n\x00.\r\n", b"\r\n.\x00\r\n")


def resident(pid):
    """Anonymous memory of the process in KiB; with sanitizers that includes shadow memory."""
    lines = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Anonymous:"))


# AddressSanitizer delays the reuse of freed memory on purpose, so memory is only compared without it.
MEMORY_IS_COMPARABLE = PATIENCE == 1


class Torture(unittest.TestCase):
    def setUp(self):
        self.b = ListeningBlowback(policy={"list_at": 1e6}).__enter__()
        self.addCleanup(lambda: self.b.__exit__(None, None, None))
        self.b.start_listening()

    def wait_until_recorded(self):
        """Returns once everything received so far is recorded: one more delivery is answered by 250."""
        with self.b.client() as client:
            client.begin("192.0.2.200")
            client.expect(250, "MAIL FROM:<>")
            client.expect(250, f"RCPT TO:<a@{TRAP_DOMAIN}>")
            client.expect(354, "DATA")
            self.markers = getattr(self, "markers", 0) + 1
            client.send(crlf(bounce(f"marker{self.markers}")) + b".\r\n")
            client.expect(250)

    def stored(self):
        self.wait_until_recorded()
        return sorted(name for name in self.b.stored_ids() if "marker" not in name and name)

    @staticmethod
    def name(n):
        return f"{n}@bounce.example"

    def names(self, numbers):
        return sorted(self.name(n) for n in numbers)

    def stored_names(self):
        return [name.strip("<>") for name in self.stored()]

    def test_data_ends_at_crlf_dot_crlf_only(self):
        accepted = []
        for n, end in enumerate(FALSE_ENDS):
            with self.b.client() as client:
                client.begin("192.0.2.1")
                client.expect(250, "MAIL FROM:<>")
                client.expect(250, f"RCPT TO:<a@{TRAP_DOMAIN}>")
                client.expect(354, "DATA")
                smuggled = (b"MAIL FROM:<>\r\nRCPT TO:<b@" + TRAP_DOMAIN.encode() + b">\r\nDATA\r\n" + crlf(bounce(f"smuggled{n}")))
                client.send(crlf(bounce(n))[:-2] + end + smuggled + b".\r\nNOOP\r\n")
                client.expect(250)
                self.assertEqual(client.reply(), "250 2.0.0 Ok")  # the reply to NOOP
                client.expect(221, "QUIT")
                self.assertEqual(client.until_closed(), [])
                accepted.append(n)
        self.assertEqual(self.stored_names(), self.names(accepted))

    def test_a_connection_closed_at_any_octet_stores_complete_messages_only(self):
        head = (b"EHLO a\r\nXFORWARD ADDR=192.0.2.2\r\nMAIL FROM:<>\r\nRCPT TO:<a@" + TRAP_DOMAIN.encode() + b">\r\n")
        whole = head + b"DATA\r\n"
        short = b"From: MAILER-DAEMON@mail.example.com\r\nMessage-ID: <%s@bounce.example>\r\nSubject: Undelivered Mail Returned to Sender\r\n" \
                b"Auto-Submitted: auto-replied\r\nContent-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n" \
                b"--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mail.example.com\r\n\r\n" \
                b"Final-Recipient: rfc822; x@example.com\r\nAction: failed\r\nStatus: 5.1.1\r\n--b--\r\n.\r\n"
        length = len(whole) + len(short % b"0000")
        callouts = 0
        for cut in range(length + 1):
            session = (whole + short % (b"%04d" % cut))[:cut]
            with self.b.client() as client:
                client.send(session)
                client.half_close()
                replies = client.until_closed()
            self.assertEqual(replies[-1] == "250 2.0.0 Ok" and len(replies) == 7, cut == length, (cut, replies))
            callouts += len(head) <= cut < len(whole)
        self.assertEqual(self.stored_names(), [f"{length:04d}@bounce.example"])
        # Callouts of one client to one trap within one second count as one.
        seen = self.b.kinds_of("192.0.2.2").count("callout")
        self.assertTrue(1 <= seen <= callouts, (seen, callouts))

    def test_a_connection_reset_at_any_octet_stores_no_incomplete_message(self):
        session = (b"EHLO a\r\nXFORWARD ADDR=192.0.2.3\r\nMAIL FROM:<x@example.org>\r\nRCPT TO:<a@" + TRAP_DOMAIN.encode() + b">\r\nDATA\r\n" +
                   crlf(bounce(1)) + b".\r\n")
        for cut in range(0, len(session) - 1, 7):
            with self.b.client() as client:
                client.send(session[:cut])
                client.reset()
        self.assertEqual(self.stored_names(), [])

    def test_100000_recipients_are_answered_and_use_no_more_memory(self):
        before = None
        for _ in range(2):
            with self.b.client() as client:
                client.begin("192.0.2.4")
                client.expect(250, "MAIL FROM:<x@example.org>")
                replies = {}
                lines = b"".join(b"RCPT TO:<t%d@%s>\r\n" % (n, TRAP_DOMAIN.encode()) for n in range(100_000))
                sender = threading.Thread(target=client.send, args=(lines,))
                sender.start()
                for _ in range(100_000):
                    code = client.reply()[:3]
                    replies[code] = replies.get(code, 0) + 1
                sender.join()
                self.assertEqual(replies, {"250": 1000, "452": 99_000})
                client.expect(250, "RSET")
            now = resident(self.b.ingest.pid)
            if before is not None and MEMORY_IS_COMPARABLE:
                self.assertLess(now - before, 8 * 1024, "KiB more for the second 100,000")
            before = now

    def test_fifty_slow_clients_do_not_lock_out_the_others(self):
        stop = threading.Event()
        clients = [self.b.client(source="127.0.0.2") for _ in range(50)]

        def drip():
            octets = b"EHLO " + b"a" * 4000
            at = 0
            while not stop.wait(0.05):
                for client in clients:
                    try:
                        client.send(octets[at:at + 1])
                    except OSError:
                        pass
                at += 1

        thread = threading.Thread(target=drip)
        thread.start()
        try:
            taken = []
            for n in range(50):
                began = time.monotonic()
                with self.b.client() as client:
                    client.begin("192.0.2.5")
                    self.assertTrue(client.deliver(bounce(n)).startswith("250"))
                taken.append(time.monotonic() - began)
        finally:
            stop.set()
            thread.join()
            for client in clients:
                client.socket.close()
        print(f"\nbeside 50 slow clients: 50 sessions, median {sorted(taken)[25] * 1000:.1f} ms, worst {max(taken) * 1000:.1f} ms", flush=True)
        self.assertLess(max(taken), 2 * PATIENCE)

    def test_when_all_connections_are_in_use_the_slowest_is_closed(self):
        with ListeningBlowback(feed={"connections": 20, "connections_per_client": 15}) as b:
            b.start_listening()
            slow = [b.client(source=f"127.0.0.{2 + n % 4}") for n in range(20)]
            for client in slow:
                client.expect(220)

            def others_get_in():
                with b.client() as client:
                    return client.reply().startswith("220")

            wait_until(others_get_in, 20, "a slow connection is closed", pause=0.2)
            self.assertTrue(any(select.select([client.socket], [], [], 2)[0] and client.reply().startswith("421 4.3.2") for client in slow))
            for client in slow:
                client.socket.close()

    def test_a_command_sent_octet_by_octet_times_out(self):
        with ListeningBlowback(feed={"command_time": "2s"}) as b:
            b.start_listening()
            with b.client() as client:
                client.expect(220)
                began = time.monotonic()
                while not select.select([client.socket], [], [], 0.2)[0]:
                    client.send(b"N")
                self.assertTrue(client.reply().startswith("421 4.4.2"))
                self.assertLess(time.monotonic() - began, 8 * PATIENCE)

    def test_random_invalid_sessions_store_accepted_messages_only(self):
        dice = random.Random(SEED)
        accepted, memory = [], []
        for n in range(1500):
            with self.b.client() as client:
                accepted += self.rude_session(client, dice, n)
            if n in (500, 1499):
                memory.append(resident(self.b.ingest.pid))
        self.assertTrue(self.b.ingest.running())
        self.assertGreater(len(accepted), 100)
        self.assertEqual(self.stored_names(), sorted(accepted))
        if MEMORY_IS_COMPARABLE:
            self.assertLess(memory[1] - memory[0], 8 * 1024, "KiB more after a thousand sessions")
        print(f"\n1,500 rude sessions: {len(accepted)} messages accepted, each stored once; memory {memory[1] - memory[0]:+d} KiB "
              f"in the last thousand (seed {SEED})", flush=True)

    def rude_session(self, client, dice, n):
        """Random steps, each answered before the next; returns the names of the accepted messages."""
        accepted = []
        client.expect(220)
        client.expect(250, "EHLO a")
        client.expect(250, "XFORWARD ADDR=192.0.2.6 HELO=a")
        for step in range(dice.randrange(1, 8)):
            name = f"{n}.{step}"
            kind = dice.randrange(9)
            if kind == 0:
                client.send(dice.choice((b"\0\r\n", b"NO\0OP\r\n", b"\xff\xfe\r\n", b"MAIL\r\n", b"DATA\r\n", b"RCPT TO:<\r\n", b"VRFY x\r\n", b"X" * 3000 + b"\r\n")))
                replies = [client.reply()]
            elif kind == 1:
                client.send(b"BDAT %d LAST\r\n" % dice.randrange(50) if dice.random() < 0.3 else b"BDAT 5\r\nQUIT\r")
                client.half_close()
                client.until_closed()
                return accepted
            elif kind == 2:
                client.send(bytes(dice.randrange(256) for _ in range(dice.randrange(200))))
                client.half_close()
                client.until_closed()
                return accepted
            else:
                message = crlf(bounce(name))
                envelope = b"MAIL FROM:<>\r\nRCPT TO:<a@" + TRAP_DOMAIN.encode() + b">\r\n"
                if kind == 3:  # chunks of random size, pipelined
                    cut = dice.randrange(len(message))
                    octets = envelope + b"BDAT %d\r\n" % cut + message[:cut] + b"BDAT %d LAST\r\n" % (len(message) - cut) + message[cut:]
                    expected = 4
                elif kind == 4:  # all at once
                    octets, expected = envelope + b"DATA\r\n" + message + b".\r\n", 4
                elif kind == 5:  # DATA after BDAT is refused, and the chunked message is still accepted
                    octets = envelope + b"BDAT 0\r\nDATA\r\nBDAT %d LAST\r\n" % len(message) + message
                    expected = 5
                elif kind == 6:  # connection reset before the end of DATA
                    octets, expected = envelope + b"DATA\r\n" + message, 3
                elif kind == 7:
                    octets, expected = envelope + b"RSET\r\n", 3
                else:  # RSET between two chunks
                    octets, expected = envelope + b"BDAT 10\r\n" + message[:10] + b"RSET\r\n", 4
                while octets:
                    size = dice.randrange(1, 700)
                    client.send(octets[:size])
                    octets = octets[size:]
                replies = [client.reply() for _ in range(expected)]
                if kind in (3, 4, 5):
                    self.assertEqual(replies[-1], "250 2.0.0 Ok", replies)
                    accepted.append(self.name(name))
                if kind == 6:
                    client.reset()
                    return accepted
            if not replies[-1]:
                return accepted
        if dice.random() < 0.5:
            client.say("QUIT")
        return accepted


if __name__ == "__main__":
    unittest.main(verbosity=2)
