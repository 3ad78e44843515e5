"""A minimal mail server's side of the milter protocol, and a Blowback that watches such a mail server."""

import pathlib
import socket
import sqlite3
import struct

from harness import PATIENCE, Blowback, free_port, wait_until
from smtp_listener import crlf

CONTINUE, ACCEPT = b"c", b"a"
ALL_STEPS = 0x1FFFFF
LEADING_SPACE = 0x100000


class Watched(Blowback):
    """A Blowback with one feed of type milter, on loopback (`port`, or a free one) or, where `path` is given, on a unix socket."""

    def __init__(self, *, milter=None, port=None, path=None, **sections):
        self.milter_port = None if path else port or free_port()
        self.milter_path = path
        listen = f"unix:{path}" if path else f"127.0.0.1:{self.milter_port}"
        super().__init__(feeds=[{"name": "watched", "type": "milter", "listen": [listen], **(milter or {})}], **sections)

    def open_milter(self):
        self.start_ingest()
        self.wait_listening()

    def wait_listening(self):
        def listens():
            if not self.ingest.running():
                raise AssertionError(f"blowback-ingest ended:\n{self.ingest.log()}")
            try:
                with self.mail_server():  # a process that is ending accepts connections, too, but doesn't reply
                    return True
            except OSError:
                return False

        wait_until(listens, 15, lambda: f"the milter listens:\n{self.ingest.log()}")

    def connect(self):
        if self.milter_path:
            s = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            try:
                s.connect(str(self.milter_path))
            except OSError:
                s.close()
                raise
        else:
            s = socket.create_connection(("127.0.0.1", self.milter_port))
        s.settimeout(30 * PATIENCE)
        return s

    def mail_server(self):
        return MailServer(self.connect())

    def watcher_pid(self):
        """The process that has libmilter, or None."""
        for task in pathlib.Path(f"/proc/{self.ingest.pid}/task").iterdir():
            for pid in (task / "children").read_text().split():
                if pathlib.Path(f"/proc/{pid}/comm").read_text().strip() == "blowback-milter":
                    return int(pid)
        return None

    def rows(self, query):
        connection = sqlite3.connect(f"file:{self.database}?mode=ro", uri=True, timeout=10)
        try:
            return connection.execute(query).fetchall()
        finally:
            connection.close()

    def kinds_of(self, ip):
        """The kind of each of its incidents."""
        return [row["kind"] for row in self.cli_json("evidence", ip)]


class MailServer:
    """One connection to the milter. Each verb returns the milter's reply: its letter, and what follows."""

    def __init__(self, connected):
        self.socket = connected
        self.send(b"O", struct.pack("!III", 6, 0x1FF, ALL_STEPS))
        reply = self.reply()
        assert reply[:1] == b"O", reply
        _, self.actions, self.steps = struct.unpack("!III", reply[1:13])

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, letter, data=b""):
        self.socket.sendall(struct.pack("!I", 1 + len(data)) + letter + data)

    def reply(self):
        size = struct.unpack("!I", self._octets(4))[0]
        return self._octets(size)

    def _octets(self, count):
        octets = b""
        while len(octets) < count:
            got = self.socket.recv(count - len(octets))
            if not got:
                raise ConnectionError("the milter closed")
            octets += got
        return octets

    def say(self, letter, data=b""):
        self.send(letter, data)
        return self.reply()

    def macros(self, step, **values):
        """Names as the mail server has them, `auth_authen` for {auth_authen}."""
        pairs = b"".join(b"{%s}\0%s\0" % (name.encode(), value.encode()) for name, value in values.items())
        self.send(b"D", step + pairs)

    def begin(self, client="192.0.2.1", helo="mail.example.com"):
        family = b"6" if ":" in client else b"4"
        address = f"IPv6:{client}" if ":" in client else client
        reply = self.say(b"C", b"mail.example.com\0" + family + struct.pack("!H", 40000) + address.encode() + b"\0")
        if reply == CONTINUE:
            assert self.say(b"H", helo.encode() + b"\0") == CONTINUE
        return reply

    def envelope(self, recipients, sender="<>", login=None):
        """The replies to MAIL, and to each RCPT that came to be."""
        self.macros(b"M", mail_addr=sender.strip("<>"), **({"auth_authen": login} if login else {}))
        replies = [self.say(b"M", sender.encode() + b"\0")]
        if replies[0] == CONTINUE:
            replies += [self.say(b"R", f"<{to}>".encode() + b"\0") for to in recipients]
        return replies

    def message(self, message):
        """From DATA to the end of the message; the last reply. Stops where the milter doesn't want more."""
        head, _, body = crlf(message).partition(b"\r\n\r\n")
        fields = []
        for line in head.split(b"\r\n"):
            if line[:1] in (b" ", b"\t"):
                fields[-1] += b"\n" + line
            else:
                fields.append(line)
        if (reply := self.say(b"T")) != CONTINUE:
            return reply
        for field in fields:
            name, _, value = field.partition(b":")
            if not self.steps & LEADING_SPACE:
                value = value.lstrip(b" ")
            if (reply := self.say(b"L", name + b"\0" + value + b"\0")) != CONTINUE:
                return reply
        if (reply := self.say(b"N")) != CONTINUE:
            return reply
        for at in range(0, len(body), 65535):
            if (reply := self.say(b"B", body[at:at + 65535])) != CONTINUE:
                return reply
        return self.say(b"E")

    def deliver(self, message, *recipients, **envelope):
        self.envelope(recipients, **envelope)
        return self.message(message)

    def abort(self):
        self.send(b"A")

    def quit(self):
        self.send(b"Q")
        self.socket.close()
