"""An SMTP and LMTP client that can break every rule, and a Blowback with one feed of type smtp or lmtp."""

import socket
import sqlite3
import struct
import zlib

from harness import PATIENCE, TRAP_DOMAIN, Blowback, free_port, make_dsn, wait_until


class ListeningBlowback(Blowback):
    """A Blowback with one feed of type smtp or lmtp on loopback. Clients on 127.0.0.1 are trusted relays: they may send XCLIENT and XFORWARD."""

    def __init__(self, *, type="smtp", feed=None, **sections):
        self.smtp_port = free_port()
        settings = {"name": "mx", "type": type, "listen": [f"127.0.0.1:{self.smtp_port}"], "hostname": "mx.trap.example.net",
                "trusted_relays": ["127.0.0.1"], **(feed or {})}
        super().__init__(feeds=[settings], **sections)

    def start_listening(self, **popen):
        self.start_ingest(**popen)

        def listens():
            if not self.ingest.running():
                raise AssertionError(f"blowback-ingest ended:\n{self.ingest.log()}")
            try:
                socket.create_connection(("127.0.0.1", self.smtp_port), timeout=1).close()
                return True
            except OSError:
                return False

        wait_until(listens, 10, lambda: f"blowback-ingest listens:\n{self.ingest.log()}")

    def client(self, source="127.0.0.1", timeout=20.0):
        return Client(self.smtp_port, source, timeout)

    def stored_ids(self):
        """Message-IDs of all incidents, duplicates included."""
        connection = sqlite3.connect(f"file:{self.database}?mode=ro", uri=True, timeout=10)
        try:
            return [row[0] for row in connection.execute("SELECT message_id FROM evidence")]
        finally:
            connection.close()

    def kinds_of(self, ip):
        """The kind of each incident of that client."""
        return [row["kind"] for row in self.cli_json("evidence", ip)]


class Client:
    def __init__(self, port, source="127.0.0.1", timeout=20.0):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=timeout * PATIENCE, source_address=(source, 0))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, octets):
        self.socket.sendall(octets)

    def reply(self):
        """One reply, its lines joined; "" where the server closed."""
        lines = []
        while True:
            while b"\r\n" not in self.buffer:
                try:
                    got = self.socket.recv(65536)
                except ConnectionResetError:
                    got = b""
                if not got:
                    return "\n".join(lines)
                self.buffer += got
            line, self.buffer = self.buffer.split(b"\r\n", 1)
            lines.append(line.decode())
            if line[3:4] != b"-":
                return "\n".join(lines)

    def say(self, command):
        self.send(command.encode() + b"\r\n")
        return self.reply()

    def expect(self, code, command=None):
        reply = self.reply() if command is None else self.say(command)
        if not reply.startswith(str(code)):
            raise AssertionError(f"{command!r}: {reply!r}, not {code}")
        return reply

    def begin(self, client=None, helo="mail.example.com"):
        """Greeting and EHLO, and XFORWARD for `client`; MAIL may come next."""
        self.expect(220)
        self.expect(250, f"EHLO {helo}")
        if client:
            self.expect(250, f"XFORWARD ADDR={'IPV6:' if ':' in client else ''}{client} HELO={helo}")
        return self

    def deliver(self, message, recipient=f"a@{TRAP_DOMAIN}"):
        """Sends one message by DATA; returns the last reply."""
        self.expect(250, "MAIL FROM:<>")
        self.expect(250, f"RCPT TO:<{recipient}>")
        self.expect(354, "DATA")
        self.send(stuffed(message) + b".\r\n")
        return self.reply()

    def reset(self):
        """Closes with RST."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def half_close(self):
        self.socket.shutdown(socket.SHUT_WR)

    def until_closed(self):
        """All replies until the server closes."""
        replies = []
        while reply := self.reply():
            replies.append(reply)
        return replies


def crlf(message):
    octets = message if isinstance(message, bytes) else message.encode()
    octets = octets.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    return octets if octets.endswith(b"\r\n") else octets + b"\r\n"


def stuffed(message):
    octets = b"\r\n" + crlf(message)
    return octets.replace(b"\r\n.", b"\r\n..")[2:]


def bounce(n, trap=f"a@{TRAP_DOMAIN}", client="192.0.2.1"):
    """A DSN with the Message-ID <n@bounce.example>."""
    message = make_dsn(client, trap, zlib.crc32(str(n).encode()))
    octets = message if isinstance(message, bytes) else message.encode()
    head, _, body = octets.replace(b"\r\n", b"\n").partition(b"\n\n")
    lines = [line for line in head.split(b"\n") if not line.lower().startswith(b"message-id:")]
    return b"\n".join([b"Message-ID: <%s@bounce.example>" % str(n).encode(), *lines]) + b"\n\n" + body
