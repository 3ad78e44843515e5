#!/usr/bin/env python3
"""No query is lost over a reload, whatever it changes, on endpoints that stay.

Clients ask by UDP and TCP all the time, each query for a name of its own, and none is asked twice. After many changes of workers, endpoints and
other keys every query has its reply, on the connection that it was asked on; new connections are never refused; and the server counted them all."""

import itertools
import json
import os
import selectors
import signal
import socket
import struct
import threading
import time
import unittest

from harness import PATIENCE, ZONE, Blowback, free_port, parse_strictly, query, receive_tcp, wait_until

# A client waits while this many of its queries are unanswered. All clients together ask no more at a time than one socket's buffer holds, whoever
# is slow.
WINDOW = 40
# Queries per second of all clients, if the server keeps up.
PACE = 6000 / PATIENCE


def numbered(number):
    """A query for an address of its own, which the reply repeats in its question."""
    octets = struct.pack("!I", number)
    return query(".".join(str(octet) for octet in octets) + "." + ZONE, "A", ident=number & 0xFFFF)


def number_of(reply):
    """The number of the query that `reply` answers."""
    at, labels = 12, []
    for _ in range(4):
        labels.append(int(reply[at + 1:at + 1 + reply[at]]))
        at += 1 + reply[at]
    return struct.unpack("!I", bytes(labels))[0]


class Asker:
    """One client: a UDP socket or a TCP connection."""

    def __init__(self, kind, host, port, numbers):
        self.kind = kind
        self.numbers = numbers
        self.socket = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, kind)
        self.socket.connect((host, port))
        self.socket.setblocking(False)
        self.waiting = set()
        self.asked = 0
        self.answered = 0
        self.unsent = b""
        self.unread = b""

    def ask(self):
        if len(self.waiting) >= WINDOW:
            return
        number = next(self.numbers)
        wire = numbered(number)
        self.waiting.add(number)
        self.asked += 1
        if self.kind == socket.SOCK_DGRAM:
            self.socket.send(wire)
            return
        # Over TCP one query in three is sent in two pieces, the second one with the next query.
        self.unsent += struct.pack("!H", len(wire)) + wire
        self.flush(len(self.unsent) - (11 if number % 3 == 0 else 0))

    def flush(self, octets=None):
        if self.unsent:
            sent = self.socket.send(self.unsent[:octets])
            self.unsent = self.unsent[sent:]

    def read(self):
        try:
            octets = self.socket.recv(65536)
        except BlockingIOError:
            return
        if self.kind == socket.SOCK_DGRAM:
            self.take(octets)
            return
        if not octets:
            raise AssertionError(f"the server ended a connection with {len(self.waiting)} queries unanswered")
        self.unread += octets
        while len(self.unread) >= 2 and len(self.unread) >= 2 + (size := struct.unpack("!H", self.unread[:2])[0]):
            self.take(self.unread[2:2 + size])
            self.unread = self.unread[2 + size:]

    def take(self, reply):
        number = number_of(reply)
        if number not in self.waiting:
            raise AssertionError(f"a reply to {number}, which this client didn't ask or which was answered already")
        self.waiting.remove(number)
        self.answered += 1


class Traffic:
    """A thread that asks through all its clients in turn until `finish`."""

    def __init__(self, endpoints, of_each):
        numbers = itertools.count(1 << 24)
        self.askers = [Asker(kind, host, port, numbers) for host, port in endpoints for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM)
                       for _ in range(of_each)]
        self.failure = None
        self.is_over = threading.Event()
        self.thread = threading.Thread(target=self.run)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.is_over.set()
        self.thread.join()
        for asker in self.askers:
            asker.socket.close()

    def run(self):
        try:
            with selectors.DefaultSelector() as selector:
                for asker in self.askers:
                    selector.register(asker.socket, selectors.EVENT_READ, asker)
                turns = itertools.cycle(self.askers)
                began, due = time.monotonic(), 0
                while not self.is_over.is_set():
                    while due < (time.monotonic() - began) * PACE:
                        next(turns).ask()
                        due += 1
                    for key, _ in selector.select(0.001):
                        key.data.read()
                for asker in self.askers:
                    asker.flush()
                # Every reply is due. This ends early if all came.
                end = time.monotonic() + 10 * PATIENCE
                while any(asker.waiting for asker in self.askers) and time.monotonic() < end:
                    for key, _ in selector.select(0.1):
                        key.data.read()
        except BaseException as failure:  # reported by the test's thread
            self.failure = failure

    def progress(self):
        """Waits until each client has got further replies."""
        before = [asker.answered for asker in self.askers]

        def went_on():
            if self.failure:
                raise self.failure
            return all(asker.answered >= count + 20 for asker, count in zip(self.askers, before))

        wait_until(went_on, 20, lambda: "replies to each client; unanswered now: " +
                   ", ".join(f"{'UDP' if asker.kind == socket.SOCK_DGRAM else 'TCP'} {len(asker.waiting)}" for asker in self.askers))

    def finish(self):
        self.is_over.set()
        self.thread.join()
        if self.failure:
            raise self.failure


class Newcomers:
    """A thread that connects, asks once, and closes, again and again."""

    def __init__(self, host, port):
        self.address = (host, port)
        self.served = 0
        self.failure = None
        self.is_over = threading.Event()
        self.thread = threading.Thread(target=self.run)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.is_over.set()
        self.thread.join()

    def run(self):
        try:
            while not self.is_over.is_set():
                with socket.create_connection(self.address, timeout=10 * PATIENCE) as s:
                    wire = numbered((2 << 24) + self.served)
                    s.sendall(struct.pack("!H", len(wire)) + wire)
                    if receive_tcp(s) is None:
                        raise AssertionError("a new connection was closed before its query was answered")
                    self.served += 1
                # It leaves the processor to the others.
                self.is_over.wait(0.005)
        except BaseException as failure:
            self.failure = failure


def counted(b):
    """The server's own counts: queries by UDP and TCP, and datagrams that it lost to full buffers."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as s:
        s.settimeout(10 * PATIENCE)
        s.connect(str(b.dir / "blowback.db.server"))
        octets = b"".join(iter(lambda: s.recv(65536), b""))
    document = json.loads(octets)
    return {transport: document["queries"][transport]["total"] for transport in ("udp", "tcp")}


def reload(b, told="config-read"):
    b.write_config()
    before = b.server.log().count(told)
    os.kill(b.server.pid, signal.SIGHUP)
    wait_until(lambda: b.server.log().count(told) > before, 20, lambda: f"{told}:\n{b.server.log()[-2000:]}")


class Reload(unittest.TestCase):
    def test_no_query_is_lost_whatever_a_reload_changes(self):
        with Blowback(server={"tcp_idle": "1m", "workers": 2}) as b:
            b.cli("list", "192.0.2.1", "--reason", "test")
            b.start_server()
            wait_until(lambda: "serving" in b.server.log() and (b.dir / "blowback.db.server").exists(), 10, "the status socket")
            own = b.sections["server"]["listen"]
            others = [f"127.0.0.1:{free_port()}", f"127.0.0.2:{free_port()}"]
            steps = []
            for workers in (4, 1, 3, 8, 2, 5, 1):
                steps.append({"workers": workers})
            steps += [{"listen": own + others[:1]}, {"listen": others + own}, {"listen": own + others[1:], "workers": 3}, {"listen": own}]
            steps += [{"rate_limit": {"responses": 1_000_000}}, {"tcp_connections": 100}, {"tcp_idle": "2m"}, {"nsid": "x"},
                      {"workers": 4, "listen": own + others, "tcp_connections": 300, "nsid": "y"}, {"workers": 2, "listen": own}]
            endpoints = [("127.0.0.1", b.port)] + ([("::1", b.port6)] if b.port6 else [])
            before = counted(b)
            of_second = 0
            with Traffic(endpoints, of_each=3) as traffic, Newcomers("127.0.0.1", b.port) as newcomers:
                traffic.progress()
                for step in steps:
                    with self.subTest(**step):
                        b.sections["server"].update(step)
                        reload(b)
                        traffic.progress()
                # A second zone comes, changes and goes.
                second = "dsn.example.net"
                for zones, rcode in (([{"name": second, "codes": ["dsn"]}], "NOERROR"), ([{"name": second, "ttl": "1m"}], "NOERROR"), ([], "REFUSED")):
                    with self.subTest(zones=zones):
                        b.further_zones = zones
                        reload(b)
                        self.assertEqual(parse_strictly(b.raw_udp(query(second, "SOA"))).rcode, rcode)
                        of_second += 1
                        traffic.progress()
                # One that is refused, since somebody else has the port.
                with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as taken:
                    taken.bind(("127.0.0.1", 0))
                    kept = dict(b.sections["server"])
                    b.sections["server"].update(workers=6, listen=own + [others[0], f"127.0.0.1:{taken.getsockname()[1]}"])
                    reload(b, told="config-kept")
                    b.sections["server"] = kept
                    traffic.progress()
                traffic.finish()
                newcomers.is_over.set()
                newcomers.thread.join()
                if newcomers.failure:
                    raise newcomers.failure
            for asker in traffic.askers:
                self.assertEqual((len(asker.waiting), asker.answered), (0, asker.asked))
            asked = {kind: sum(asker.asked for asker in traffic.askers if asker.kind == kind) for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM)}
            after = counted(b)
            self.assertEqual(after["udp"] - before["udp"], asked[socket.SOCK_DGRAM] + of_second)
            self.assertEqual(after["tcp"] - before["tcp"], asked[socket.SOCK_STREAM] + newcomers.served)
            print(f"\n{len(steps)} reloads: {asked[socket.SOCK_DGRAM]} queries by UDP, {asked[socket.SOCK_STREAM]} on "
                  f"{sum(asker.kind == socket.SOCK_STREAM for asker in traffic.askers)} connections, {newcomers.served} on a new one each; "
                  f"all answered", flush=True)


if __name__ == "__main__":
    unittest.main(verbosity=2)
