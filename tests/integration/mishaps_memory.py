#!/usr/bin/env python3
"""With twice as much mail as all sessions may hold, the rest gets 452, and the memory stays within the limit."""

import pathlib
import unittest

from smtp_listener import ListeningBlowback
from harness import wait_until

BUDGET = 256  # MiB: kListenerMemory
BESIDE = 80   # MiB: the program, a message that is copied or judged, socket buffers
SESSIONS = 60
MESSAGE = 9 << 20


def memory(pid, what):
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(status.split(f"{what}:")[1].split()[0]) // 1024


class Memory(unittest.TestCase):
    def test_sessions_hold_no_more_than_they_may(self):
        with ListeningBlowback() as b:
            b.start_listening()
            clients = [b.client(timeout=120) for _ in range(SESSIONS)]
            for n, client in enumerate(clients):
                self.assertEqual(client.reply()[:3], "220")
                for line, code in (("EHLO a", "250"), ("MAIL FROM:<>", "250"), ("RCPT TO:<a@trap.example.net>", "250"), ("DATA", "354")):
                    client.send(line.encode() + b"\r\n")
                    self.assertEqual(client.reply()[:3], code, line)
                client.send(b"From: <mailer-daemon@mx.example>\r\nMessage-ID: <%d@mx.example>\r\n\r\n" % n)
            block = (b"x" * 76 + b"\r\n") * 840
            for _ in range(MESSAGE // len(block)):
                for client in clients:
                    client.send(block)
            for client in clients:
                client.send(b".\r\n")
            replies = [client.reply()[:3] for client in clients]
            self.assertEqual(set(replies), {"250", "452"})
            self.assertGreater(replies.count("250") * MESSAGE, 0.8 * (BUDGET << 20), "the limit is used")
            self.assertLess(memory(b.ingest.pid, "VmHWM"), BUDGET + BESIDE)
            wait_until(lambda: memory(b.ingest.pid, "VmRSS") < 128, 10, "the memory is freed while the sessions go on")
            for client in clients:
                client.socket.close()


if __name__ == "__main__":
    unittest.main(verbosity=2)
