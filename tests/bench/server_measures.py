"""Shared code of the server's benchmarks in Python: conditions, random lists of addresses, import, memory, queries in a tight loop."""

import os
import pathlib
import platform
import random
import re
import socket
import struct
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "integration"))
from harness import BIN, owner_name, parse_header, program, query  # noqa: E402

# First octets without a special-use network, so that every random address may be listed.
FIRST, NETWORKS = 11, 89
ANSWER_OF_THE_OPERATOR = bytes([127, 0, 0, 9])


def build_of_the_server():
    """The build type in the cache of the build tree that the programs are in."""
    cache = BIN.parent / "CMakeCache.txt"
    if not cache.exists():
        return "of an unknown build"
    cache_values = dict(re.findall(r"^(CMAKE_BUILD_TYPE|BLOWBACK_SANITIZE):\w+=(.*)$", cache.read_text(), re.M))
    return "built as " + ", sanitized ".join(filter(None, (cache_values.get("CMAKE_BUILD_TYPE"), cache_values.get("BLOWBACK_SANITIZE"))))


def print_conditions(**more):
    print(f"{os.cpu_count()} cores, {platform.system()} {platform.release()}, Python {platform.python_version()}, server {build_of_the_server()}, "
          f"load average {os.getloadavg()[0]:.2f}")
    print(", ".join(f"{name} {value}" for name, value in more.items()), flush=True)


def random_addresses(count, seed):
    """`count` different IPv4 addresses, in random order, the same for the same seed."""
    return [f"{FIRST + (n >> 24)}.{n >> 16 & 255}.{n >> 8 & 255}.{n & 255}" for n in random.Random(seed).sample(range(NETWORKS << 24), count)]


def import_command(b, path):
    return [program("blowback"), "--config", str(b.config), "import", str(path), "--wide", "--reason", "benchmark"]


def import_list(b, addresses, seconds=1800):
    """Imports the addresses with the real tool; returns the seconds it took."""
    path = b.dir / "import.txt"
    path.write_text("\n".join(addresses) + "\n")
    began = time.monotonic()
    done = subprocess.run(import_command(b, path), capture_output=True, text=True, timeout=seconds)
    if done.returncode != 0:
        raise SystemExit(f"the import ended with {done.returncode}: {done.stderr[-2000:]}")
    path.unlink()
    return time.monotonic() - began


def memory(pid):
    """(proportional, anonymous) KiB in memory: with its share of shared pages, and without pages of files."""
    with open(f"/proc/{pid}/smaps_rollup") as rollup:
        sizes = dict(re.findall(r"^(\w+): +(\d+) kB$", rollup.read(), re.M))
    return int(sizes["Pss"]), int(sizes["Anonymous"])


def as_text(kib):
    return f"Pss {kib[0] / 1024:.1f} MiB, anonymous {kib[1] / 1024:.1f} MiB"


class Asker:
    """One connected socket that sends a query and waits for its answer; other datagrams are ignored."""

    def __init__(self, b):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.connect(("127.0.0.1", b.port))
        self.ident = 0
        self.asked = 0
        self.unanswered = 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def ask(self, wire, seconds=0.5):
        """The reply, or None if none came in time or no program listens."""
        self.ident = (self.ident + 1) & 0xFFFF
        self.asked += 1
        end = time.monotonic() + seconds
        try:
            self.socket.send(struct.pack("!H", self.ident) + wire[2:])
            while (left := end - time.monotonic()) > 0:
                self.socket.settimeout(left)
                reply = self.socket.recv(65535)
                if len(reply) >= 12 and struct.unpack("!H", reply[:2])[0] == self.ident:
                    return reply
        except (TimeoutError, ConnectionRefusedError):
            pass
        self.unanswered += 1
        return None

    def listed(self, wire, seconds=0.5):
        """Whether the answer is that of an operator's listing."""
        reply = self.ask(wire, seconds)
        return reply is not None and parse_header(reply).rcode == 0 and parse_header(reply).answers > 0 and reply[-4:] == ANSWER_OF_THE_OPERATOR


def question(ip):
    return query(owner_name(ip), "A")


def start_and_time(b, asker, ip, seconds=300, preexec=None):
    """Starts the server; returns the seconds from its exec to the first right answer for `ip`, which must be listed."""
    wire = question(ip)
    reading, writing = os.pipe()

    def write_the_time():
        if preexec is not None:
            preexec()
        # The last step before the exec: the time for the fork of this program, which holds the whole list, doesn't count.
        os.write(writing, struct.pack("d", time.monotonic()))

    server = b.start_server(wait=False, preexec=write_the_time)
    os.close(writing)
    with open(reading, "rb") as pipe:
        began = struct.unpack("d", pipe.read(8))[0]
    while not asker.listed(wire, 0.02):
        if not server.running():
            raise SystemExit(f"blowback-server ended:\n{server.log()[-2000:]}")
        if time.monotonic() - began > seconds:
            raise SystemExit(f"blowback-server doesn't answer for {ip} after {seconds} s:\n{server.log()[-2000:]}")
        # While no program listens, queries fail at once: don't take the core away from the start that is measured.
        time.sleep(0.0005)
    return time.monotonic() - began


def serial(b):
    """The zone's SOA serial."""
    found = b.dig(b.zone_name, "SOA").rdata("SOA")
    if not found:
        raise SystemExit("no SOA from blowback-server")
    return int(found[0].split()[2])
