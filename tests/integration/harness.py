"""Runs the real programs on loopback for the integration tests. One Blowback object is one list with its config, database,
Maildir and daemons in a folder of its own, which is removed when the `with` block ends.

Standard library only, and the real `dig`. The programs come from the folder in BLOWBACK_BIN (default:
build/release/bin of this tree). Nothing here waits for a fixed time; everything waits for a condition, with a time limit.
"""

import ctypes
import http.client
import ipaddress
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import sqlite3
import struct
import subprocess
import tempfile
import time
import zlib
from dataclasses import dataclass, field

ROOT = pathlib.Path(__file__).resolve().parents[2]
BIN = pathlib.Path(os.environ.get("BLOWBACK_BIN") or ROOT / "build" / "release" / "bin")
# The operator's tool may come from another build: ThreadSanitizer finds nothing in a program with one thread.
TOOL = os.environ.get("BLOWBACK_TOOL") and pathlib.Path(os.environ["BLOWBACK_TOOL"])
ZONE = "bl.example.org"
TRAP_DOMAIN = "trap.example.net"

# Trap addresses in the config, each a witness of its own. All other addresses of the domain together are one witness.
WITNESSES = [f"{name}@{TRAP_DOMAIN}" for name in [*"abcdefgh", "only", *(f"t{n}" for n in range(40))]]

# Sanitizers slow everything down; time limits are multiplied by this factor.
PATIENCE = float(os.environ.get("BLOWBACK_TEST_PATIENCE", "1"))

TYPES = {"A": 1, "NS": 2, "SOA": 6, "PTR": 12, "MX": 15, "TXT": 16, "AAAA": 28, "DNSKEY": 48, "ANY": 255}
RCODES = {0: "NOERROR", 1: "FORMERR", 2: "SERVFAIL", 3: "NXDOMAIN", 4: "NOTIMP", 5: "REFUSED", 9: "NOTAUTH", 16: "BADVERS"}


# ── waiting ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def wait_until(condition, seconds, what, pause=0.02):
    """Calls `condition` until it returns a true value, and returns that; fails with `what` after `seconds`."""
    end = time.monotonic() + seconds * PATIENCE
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() >= end:
            raise AssertionError(f"waited {seconds * PATIENCE:g} s without success: {what() if callable(what) else what}")
        time.sleep(pause)


# ── DNS ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


def owner_name(ip, zone=ZONE):
    """The query name for `ip`: reversed octets, or reversed nibbles (RFC 5782)."""
    address = ipaddress.ip_address(ip)
    if address.version == 4:
        labels = reversed(str(address).split("."))
    else:
        labels = reversed(address.exploded.replace(":", ""))
    return ".".join(labels) + "." + zone


def encode_name(name):
    """Presentation to wire format, without compression."""
    wire = b""
    for label in name.rstrip(".").split("."):
        if label:
            octets = label.encode("ascii")
            wire += bytes([len(octets)]) + octets
    return wire + b"\0"


def query(name, qtype="A", ident=0x1234, flags=0, qclass=1, edns=None):
    """One query in wire format. `name`: text in presentation format, or bytes in wire format. `edns`: None, or
    (UDP size, version, DO, options in wire format)."""
    number = TYPES[qtype] if isinstance(qtype, str) else qtype
    wire = struct.pack("!6H", ident, flags, 1, 0, 0, 0 if edns is None else 1)
    wire += (name if isinstance(name, bytes) else encode_name(name)) + struct.pack("!2H", number, qclass)
    if edns is not None:
        size, version, do, options = edns
        wire += b"\0" + struct.pack("!HHBBHH", 41, size, 0, version, 0x8000 if do else 0, len(options)) + options
    return wire


@dataclass
class Record:
    name: str
    ttl: int
    type: str
    rdata: str


@dataclass
class Reply:
    """The parsed output of dig. `rcode` is None if no answer came."""

    rcode: str | None = None
    flags: set = field(default_factory=set)
    answers: list = field(default_factory=list)
    authority: list = field(default_factory=list)
    additional: list = field(default_factory=list)
    edns: str | None = None
    ede: int | None = None
    text: str = ""

    def rdata(self, rtype=None):
        """The RDATA of the answer section, in wire order."""
        return [r.rdata for r in self.answers if rtype is None or r.type == rtype]


def parse_dig(text):
    reply = Reply(text=text)
    section = None
    for line in text.splitlines():
        if header := re.match(r";; ->>HEADER<<- opcode: \w+, status: (\w+)", line):
            reply.rcode = header[1]
        elif flags := re.match(r";; flags: ([^;]*);", line):
            reply.flags = set(flags[1].split())
        elif line.startswith("; EDNS:"):
            reply.edns = line[2:]
        elif ede := re.match(r"; EDE: (\d+)", line):
            reply.ede = int(ede[1])
        elif name := re.match(r";; (ANSWER|AUTHORITY|ADDITIONAL) SECTION:", line):
            section = {"ANSWER": reply.answers, "AUTHORITY": reply.authority, "ADDITIONAL": reply.additional}[name[1]]
        elif not line.strip() or line.startswith(";"):
            section = section if line.startswith(";") and not line.startswith(";;") else None
        elif section is not None:
            parts = line.split(None, 4)
            section.append(Record(parts[0], int(parts[1]), parts[3], parts[4] if len(parts) > 4 else ""))
    return reply


@dataclass
class Header:
    ident: int
    flags: int
    rcode: int
    questions: int
    answers: int
    authority: int
    additional: int


def parse_header(wire):
    ident, flags, qd, an, ns, ar = struct.unpack("!6H", wire[:12])
    return Header(ident, flags, flags & 15, qd, an, ns, ar)


class BadWire(AssertionError):
    """A malformed reply, which a client may reject."""


@dataclass
class WireRecord:
    """One resource record: `owner` and the names in `names` are uncompressed, with their original case."""

    owner: bytes
    type: int
    rclass: int
    ttl: int
    rdata: bytes
    names: list = field(default_factory=list)


@dataclass
class Message:
    """A reply, parsed completely by parse_strictly."""

    ident: int
    flags: int
    question: bytes | None
    sections: list  # answer, authority, additional without OPT
    opt: WireRecord | None
    options: list  # (code, octets) of the OPT
    size: int

    @property
    def opcode(self):
        return self.flags >> 11 & 15

    @property
    def rcode(self):
        """The RCODE, including the upper eight bits in the OPT."""
        number = self.flags & 15 | (self.opt.ttl >> 24 << 4 if self.opt else 0)
        return RCODES.get(number, str(number))

    @property
    def answers(self):
        return self.sections[0]

    @property
    def authority(self):
        return self.sections[1]

    @property
    def additional(self):
        return self.sections[2]

    def bit(self, name):
        return bool(self.flags & {"QR": 0x8000, "AA": 0x0400, "TC": 0x0200, "RD": 0x0100, "RA": 0x0080, "Z": 0x0040, "AD": 0x0020,
                                  "CD": 0x0010}[name])


class _StrictReader:
    def __init__(self, wire):
        self.wire = wire
        self.at = 0
        self.label_starts = set()

    def need(self, condition, what):
        if not condition:
            raise BadWire(f"{what} at octet {self.at} of {self.wire.hex()}")

    def read(self, count):
        self.need(self.at + count <= len(self.wire), f"{count} octets are missing")
        octets = self.wire[self.at:self.at + count]
        self.at += count
        return octets

    def numbers(self, form):
        return struct.unpack("!" + form, self.read(struct.calcsize("!" + form)))

    def name(self):
        """A name, uncompressed. A pointer has to lead to the start of a label of an earlier name (RFC 1035 §4.1.4)."""
        name = b""
        back_to = None
        before = self.at
        while True:
            self.need(self.at < len(self.wire), "a name runs over the end")
            length = self.wire[self.at]
            if length >= 0xC0:
                here = self.at
                target = self.numbers("H")[0] & 0x3FFF
                self.need(target in self.label_starts and target < before, f"a pointer at {here} leads to {target}, where no earlier name begins")
                back_to = self.at if back_to is None else back_to
                self.at = before = target
                continue
            self.need(length < 64, "a label of a type that doesn't exist")
            if back_to is None and length:
                self.label_starts.add(self.at)
            name += self.read(1 + length)
            self.need(len(name) <= 255, "a name of more than 255 octets")
            if length == 0:
                if back_to is not None:
                    self.at = back_to
                return name

    def record(self):
        owner = self.name()
        rtype, rclass, ttl, length = self.numbers("HHIH")
        end = self.at + length
        self.need(end <= len(self.wire), "RDATA runs over the end")
        record = WireRecord(owner, rtype, rclass, ttl, self.wire[self.at:end])
        self.need(rtype == 41 or ttl < 1 << 31, "a TTL with the top bit set (RFC 2181 §8)")
        if rtype == 1:
            self.need(length == 4, "an A record whose length isn't 4")
        elif rtype == 16:
            self.need(length > 0, "a TXT record without a string")
            while self.at < end:
                self.read(self.numbers("B")[0])
        elif rtype == 2:
            record.names = [self.name()]
        elif rtype == 6:
            record.names = [self.name(), self.name()]
            self.read(20)
        elif rtype in (46, 47):
            # RRSIG and NSEC have a name in the middle, to which later ones may point.
            self.read(18 if rtype == 46 else 0)
            record.names = [self.name()]
        if rtype in (2, 6, 16):
            self.need(self.at == end, "RDATA whose length differs from its length field")
        self.at = end
        return record


def parse_strictly(wire):
    """A reply as a Message; raises BadWire if counts, names, lengths or the OPT are wrong or octets are left over."""
    reader = _StrictReader(wire)
    ident, flags, questions, *counts = reader.numbers("6H")
    question = None
    reader.need(questions <= 1, f"{questions} questions")
    if questions:
        start = reader.at
        name = reader.name()
        reader.need(wire[start:reader.at] == name, "a compressed name in the question")
        reader.read(4)
        question = wire[start:reader.at]
    sections = [[reader.record() for _ in range(count)] for count in counts]
    reader.need(reader.at == len(wire), f"{len(wire) - reader.at} octets after the message")
    opts = [record for section in sections for record in section if record.type == 41]
    reader.need(len(opts) <= 1, "several OPT records")
    reader.need(all(record in sections[2] for record in opts), "an OPT outside of the additional section")
    options = []
    if opts:
        reader.need(opts[0].owner == b"\0", "an OPT whose owner isn't the root")
        sections[2].remove(opts[0])
        inner = _StrictReader(opts[0].rdata)
        while inner.at < len(inner.wire):
            code, length = inner.numbers("HH")
            options.append((code, inner.read(length)))
    return Message(ident, flags, question, sections, opts[0] if opts else None, options, len(wire))


# ── mail ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def make_dsn(client_ip, trap, n, *, action="failed", status="5.1.1", diagnostic="550 5.1.1 <nobody@corp.example>: User unknown",
             campaign=None, helo="mx.sender.example", to_header=True, reverse_path="", origin=None, trace=True, below=()):
    """An RFC 3464 report from `client_ip` to `trap`, in the form in which our own relay stores it.

    Another `n` makes another delivery; another `campaign` (default: `n`) makes another returned message. The returned
    message has the trap as its sender. `origin` submitted it (default: another network for each campaign); without
    `trace` it names no origin. `below`: header lines below our own Received:. `reverse_path` None: not known."""
    mailing = n if campaign is None else campaign
    if origin is None:
        mark = zlib.crc32(str(mailing).encode())
        origin = f"77.{mark >> 8 & 255}.{mark & 255}.9"
    literal = f"IPv6:{client_ip}" if ":" in client_ip else client_ip
    boundary = f"B_{n}_report"
    lines = [
        *([f"Return-Path: <{reverse_path}>"] if reverse_path is not None else []),
        *([f"Delivered-To: {trap}"] if to_header else []),
        f"Received: from {helo} ({helo} [{literal}])",
        f"\tby mx.{TRAP_DOMAIN} (Postfix) with ESMTP id 4F{n:08X}",
        f"\tfor <{trap}>; Tue, 24 Nov 2026 10:00:00 +0000 (UTC)",
        *below,
        f"Received: by {helo} (Postfix) id 9A{n:08X}; Tue, 24 Nov 2026 09:59:58 +0000 (UTC)",
        "Date: Tue, 24 Nov 2026 09:59:58 +0000 (UTC)",
        f"From: MAILER-DAEMON@{helo} (Mail Delivery System)",
        "Subject: Undelivered Mail Returned to Sender",
        f"To: {trap}",
        "Auto-Submitted: auto-replied",
        "MIME-Version: 1.0",
        f'Content-Type: multipart/report; report-type=delivery-status; boundary="{boundary}"',
        f"Message-Id: <9A{n:08X}@{helo}>",
        "",
        "This is a MIME-encapsulated message.",
        "",
        f"--{boundary}",
        "Content-Description: Notification",
        "Content-Type: text/plain; charset=us-ascii",
        "",
        f"This is the mail system at host {helo}.",
        "",
        "Your message could not be delivered to one or more recipients.",
        "",
        f"<nobody@corp.example>: {diagnostic}",
        "",
        f"--{boundary}",
        "Content-Description: Delivery report",
        "Content-Type: message/delivery-status",
        "",
        f"Reporting-MTA: dns; {helo}",
        f"X-Postfix-Queue-ID: 9A{n:08X}",
        f"X-Postfix-Sender: rfc822; {trap}",
        "Arrival-Date: Tue, 24 Nov 2026 09:59:57 +0000 (UTC)",
        "",
        "Final-Recipient: rfc822; nobody@corp.example",
        f"Action: {action}",
        f"Status: {status}",
        f"Diagnostic-Code: smtp; {diagnostic}",
        "",
        f"--{boundary}",
        "Content-Description: Undelivered Message Headers",
        "Content-Type: text/rfc822-headers",
        "",
        f"Return-Path: <{trap}>",
        *([f"Received: from spammer.example (unknown [{origin}]) by {helo} (Postfix) with SMTP id 9A{n:08X}",
           "\tfor <nobody@corp.example>; Tue, 24 Nov 2026 09:59:57 +0000 (UTC)"] if trace else []),
        f"Message-ID: <forged-{mailing}@{TRAP_DOMAIN}>",
        f"From: <{trap}>",
        "To: <nobody@corp.example>",
        f"Subject: Offer {mailing}",
        "Date: Tue, 24 Nov 2026 09:59:00 +0000",
        "",
        f"--{boundary}--",
        "",
    ]
    return "\n".join(lines).encode("ascii")


# ── programs ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def program(name):
    path = TOOL if TOOL and name == "blowback" else BIN / name
    if not path.exists():
        raise FileNotFoundError(f"{path} doesn't exist; build it, or set BLOWBACK_BIN to the folder of the programs")
    return str(path)


def _die_with_parent():
    # If a test's time limit kills it, its daemons have to end, too.
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)


class Daemon:
    """One running program; its output goes to a file."""

    def __init__(self, arguments, log, *, env=None, stdin=subprocess.DEVNULL, preexec=None):
        def before_exec():
            _die_with_parent()
            if preexec is not None:
                preexec()

        self.log_path = log
        with open(log, "ab") as out:
            self.process = subprocess.Popen(arguments, stdin=stdin, stdout=out, stderr=out, env=env, preexec_fn=before_exec)

    @property
    def pid(self):
        return self.process.pid

    def running(self):
        return self.process.poll() is None

    def log(self):
        return self.log_path.read_text(errors="replace")

    def wait(self, seconds):
        """Waits for the end and returns the exit code; fails if the program still runs after `seconds`."""
        try:
            return self.process.wait(seconds * PATIENCE)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"{self.process.args[0]} still runs after {seconds} s; its log:\n{self.log()[-4000:]}") from None

    def stop(self):
        """Sends SIGTERM, and SIGKILL after five seconds. Returns the exit code."""
        if self.running():
            self.process.terminate()
            try:
                self.process.wait(5 * PATIENCE)
            except subprocess.TimeoutExpired:
                self.process.kill()
        return self.process.wait()

    def freeze(self):
        """Sends SIGSTOP. Returns when every thread has stopped: on a busy machine a thread may still answer for a while after the signal."""
        os.kill(self.pid, signal.SIGSTOP)

        def stopped():
            states = [task.joinpath("stat").read_text().rpartition(")")[2].split()[0] for task in pathlib.Path(f"/proc/{self.pid}/task").iterdir()]
            return all(state == "T" for state in states)

        wait_until(stopped, 5, f"{self.process.args[0]} stops")

    def thaw(self):
        """Sends SIGCONT, after freeze()."""
        os.kill(self.pid, signal.SIGCONT)

    def kill(self):
        """Sends SIGKILL at once."""
        if self.running():
            self.process.kill()
        return self.process.wait()


class _Ports:
    """A port that is free for UDP and TCP on 127.0.0.1 (and on ::1, if there is IPv6), kept bound until release()."""

    def __init__(self):
        for _ in range(100):
            self.held = []
            try:
                self.held.append(self._bind(socket.AF_INET, socket.SOCK_STREAM, "127.0.0.1", 0))
                self.v4 = self.held[0].getsockname()[1]
                self.held.append(self._bind(socket.AF_INET, socket.SOCK_DGRAM, "127.0.0.1", self.v4))
                self.v6 = None
                if has_ipv6():
                    self.held.append(self._bind(socket.AF_INET6, socket.SOCK_STREAM, "::1", 0))
                    self.v6 = self.held[-1].getsockname()[1]
                    self.held.append(self._bind(socket.AF_INET6, socket.SOCK_DGRAM, "::1", self.v6))
                return
            except OSError:
                self.release()
        raise AssertionError("no free port on loopback after 100 tries")

    @staticmethod
    def _bind(family, kind, host, port):
        s = socket.socket(family, kind)
        s.bind((host, port))
        return s

    def release(self):
        for s in self.held:
            s.close()
        self.held = []


def free_port():
    """A port for another program. It was free for UDP and TCP on 127.0.0.1 a moment ago."""
    ports = _Ports()
    ports.release()
    return ports.v4


def has_ipv6():
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as s:
            s.bind(("::1", 0))
        return True
    except OSError:
        return False


def to_toml(sections, feeds, further_zones=()):
    """Nested dictionaries as TOML; a section may contain sub-tables, and lists of them. Further zones come after that of the sections."""
    # Strings, numbers, booleans and arrays have the same form in JSON and TOML.
    lines = [f"{key} = {json.dumps(value)}" for key, value in sections.items() if not isinstance(value, dict)]
    for name, values in sections.items():
        if isinstance(values, dict):
            lines += ["", "[[zone]]" if name == "zone" and further_zones else f"[{name}]"]
            lists = {key: value for key, value in values.items() if isinstance(value, list) and value and isinstance(value[0], dict)}
            lines += [f"{key} = {json.dumps(value)}" for key, value in values.items() if not isinstance(value, dict) and key not in lists]
            for key, table in values.items():
                if isinstance(table, dict):
                    lines += ["", f"[{name}.{key}]"] + [f"{inner} = {json.dumps(value)}" for inner, value in table.items()]
                for element in lists.get(key, []):
                    lines += ["", f"[[{name}.{key}]]"] + [f"{inner} = {json.dumps(value)}" for inner, value in element.items()]
    for zone in further_zones:
        lines += ["", "[[zone]]"] + [f"{key} = {json.dumps(value)}" for key, value in zone.items()]
    for feed in feeds:
        lines += ["", "[[feed]]"] + [f"{key} = {json.dumps(value)}" for key, value in feed.items()]
    return "\n".join(lines) + "\n"


class Blowback:
    """A separate list: `with Blowback(policy={"list_at": 1.0}) as b: …`

    Each keyword is a section of the config and overrides the defaults, key by key (`None` removes a key);
    `feeds` replaces the one Maildir feed; `further_zones` are zones besides b.sections["zone"]. Paths: b.dir, b.config, b.database, b.maildir. The programs that it started are
    stopped at the end; if the block failed, the ends of their logs are printed."""

    def __init__(self, *, feeds=None, zone=None, further_zones=(), server=None, transfer=None, traps=None, policy=None, weights=None, database=None, directory=None):
        self._own_dir = directory is None
        self.dir = pathlib.Path(directory or tempfile.mkdtemp(prefix="blowback-test-"))
        self.config = self.dir / "blowback.toml"
        self.database = pathlib.Path(database) if database else self.dir / "blowback.db"
        self.maildir = self.dir / "Maildir"
        for name in ("tmp", "new", "cur"):
            (self.maildir / name).mkdir(parents=True, exist_ok=True)
        self.further_zones = list(further_zones)
        self._ports = _Ports()
        self.port = self._ports.v4
        self.port6 = self._ports.v6
        self._daemons = []
        self._delivered = 0
        self.server = None
        self.ingest = None

        listen = [f"127.0.0.1:{self.port}"] + ([f"[::1]:{self.port6}"] if self.port6 else [])
        self.sections = {
            "database": str(self.database),
            "zone": {"name": ZONE, "nameservers": ["ns1.example.org"], "hostmaster": "hostmaster@example.org", "ttl": "5m",
                     "negative_ttl": "1m", "txt": "Backscatter from {ip}, see https://bl.example.org/{ip}"},
            "server": {"listen": listen, "workers": 2},
            "traps": {"domains": [TRAP_DOMAIN], "addresses": WITNESSES},
            "policy": {"allow_documentation": True},
        }
        for name, over in (("zone", zone), ("server", server), ("transfer", transfer), ("traps", traps), ("policy", policy), ("policy.weights", weights)):
            if over:
                section = self.sections.setdefault(name, {})
                section.update(over)
                for key in [key for key, value in section.items() if value is None]:
                    del section[key]
        self.feeds = feeds if feeds is not None else [{"name": "traps", "type": "maildir", "path": str(self.maildir)}]
        self.write_config()

    def write_config(self):
        """Writes b.sections, b.further_zones and b.feeds to the config; call it after changing them."""
        new = self.config.with_suffix(".new")
        new.write_text(to_toml(self.sections, self.feeds, self.further_zones))
        new.rename(self.config)

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        for daemon in reversed(self._daemons):
            daemon.stop()
        if kind is not None:
            for log in sorted(self.dir.glob("*.log")):
                print(f"--- end of {log.name}:\n{log.read_text(errors='replace')[-4000:]}")
        self._ports.release()
        if self._own_dir:
            shutil.rmtree(self.dir, ignore_errors=True)

    # ── programs ──

    def start(self, name, *arguments, log=None, **popen):
        """Starts a program with --config; it is stopped at the end of the block at the latest."""
        log_path = self.dir / (log or f"{name}.log")
        daemon = Daemon([program(name), "--config", str(self.config), *map(str, arguments)], log_path, **popen)
        self._daemons.append(daemon)
        return daemon

    def start_server(self, *arguments, wait=True, **popen):
        """Starts blowback-server; with `wait` returns when it answers for its apex."""
        self._ports.release()
        self.server = self.start("blowback-server", *arguments, **popen)
        if wait:
            def ready():
                if not self.server.running():
                    raise AssertionError(f"blowback-server ended with {self.server.process.returncode}:\n{self.server.log()}")
                answer = self.raw_udp(query(self.zone_name, "SOA"), timeout=0.2)
                return answer is not None and parse_header(answer).rcode == 0
            wait_until(ready, 10, lambda: f"blowback-server answers for its apex; its log:\n{self.server.log()}")
        return self.server

    def start_web(self, **settings):
        """Starts blowback-web on a free port of loopback; `settings`: of [web]. Returns when it answers; `get` asks it."""
        self.web_port = free_port()
        self.sections["web"] = {"listen": f"127.0.0.1:{self.web_port}", **settings}
        self.write_config()
        self.web = self.start("blowback-web")

        def ready():
            if not self.web.running():
                raise AssertionError(f"blowback-web ended with {self.web.process.returncode}:\n{self.web.log()}")
            return "serving-pages" in self.web.log()
        wait_until(ready, 10, lambda: f"blowback-web serves; its log:\n{self.web.log()}")
        return self.web

    def get(self, target, headers=None, *, port=None, method="GET", body=None, timeout=20):
        """One request to blowback-web (or to another port); returns (status, header fields in lower case, body as str)."""
        connection = http.client.HTTPConnection("127.0.0.1", port or self.web_port, timeout=timeout * PATIENCE)
        try:
            connection.request(method, target, body=body, headers=headers or {})
            answer = connection.getresponse()
            return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read().decode()
        finally:
            connection.close()

    def get_json(self, target, headers=None):
        return json.loads(self.get(target, headers)[2])

    def start_ingest(self, *arguments, once=False, stdin=subprocess.DEVNULL, seconds=120, **popen):
        """Starts blowback-ingest. With `once` waits for its end; the result is in .process.returncode."""
        daemon = self.start("blowback-ingest", *(["--once"] if once else []), *arguments, stdin=stdin, **popen)
        if once:
            daemon.wait(seconds)
        else:
            self.ingest = daemon
        return daemon

    def run(self, name, *arguments, stdin=b"", seconds=60, env=None, preexec=None):
        """Runs a program with --config to its end. Its output is str, with undecodable bytes replaced."""
        done = subprocess.run([program(name), "--config", str(self.config), *map(str, arguments)], input=stdin, capture_output=True,
                              timeout=seconds * PATIENCE, env=env, preexec_fn=preexec)
        return subprocess.CompletedProcess(done.args, done.returncode, done.stdout.decode(errors="replace"),
                                           done.stderr.decode(errors="replace"))

    def cli(self, *arguments, stdin=b"", seconds=60, env=None):
        """`blowback --config … arguments`: a CompletedProcess with str output."""
        return self.run("blowback", *arguments, stdin=stdin, seconds=seconds, env=env)

    def cli_json(self, *arguments, stdin=b""):
        """The same with --format json, parsed; fails if the exit code isn't 0 or 1."""
        done = self.cli(*arguments, "--format", "json", stdin=stdin)
        if done.returncode not in (0, 1):
            raise AssertionError(f"blowback {arguments} ended with {done.returncode}: {done.stderr}")
        return json.loads(done.stdout)

    def figures(self):
        """`blowback stats`: {figure: value}."""
        return self.cli_json("stats")

    def feed_counts(self, feed="traps"):
        """The figures of one feed in `blowback stats`: {"deliveries": …, …}; all 0 if it never delivered anything."""
        found = {name: 0 for name in ("deliveries", "incidents", "duplicates", "not_backscatter", "not_a_trap", "quarantined")}
        prefix = f"feed.{feed}."
        return found | {name.removeprefix(prefix): value for name, value in self.figures().items() if name.startswith(prefix)}

    # ── DNS ──

    @property
    def zone_name(self):
        return self.sections["zone"]["name"]

    def dig(self, name, rtype="A", *options, v6=False):
        """Queries with the real dig and parses its output; `options` such as "+tcp", "+bufsize=512"."""
        server, port = ("::1", self.port6) if v6 else ("127.0.0.1", self.port)
        done = subprocess.run(["dig", "+time=2", "+tries=1", f"@{server}", "-p", str(port), *options, "-q", name, "-t", rtype],
                              capture_output=True, text=True, timeout=30, errors="replace")
        return parse_dig(done.stdout)

    def dig_ip(self, ip, rtype="A", *options, v6=False):
        return self.dig(owner_name(ip, self.zone_name), rtype, *options, v6=v6)

    def raw_udp(self, wire, *, v6=False, timeout=2.0):
        """Sends one datagram and returns the first reply, or None after `timeout` seconds without one."""
        family, host, port = (socket.AF_INET6, "::1", self.port6) if v6 else (socket.AF_INET, "127.0.0.1", self.port)
        with socket.socket(family, socket.SOCK_DGRAM) as s:
            s.settimeout(timeout)
            try:
                s.connect((host, port))
                s.send(wire)
                return s.recv(65535)
            except (TimeoutError, ConnectionRefusedError):
                return None

    def connect_tcp(self, *, v6=False, timeout=5.0):
        """A connected TCP socket to the server; the caller closes it."""
        return socket.create_connection(("::1", self.port6) if v6 else ("127.0.0.1", self.port), timeout=timeout)

    def raw_tcp(self, *messages, v6=False, timeout=5.0):
        """Sends the messages over one connection, each with its length, and returns as many answers, in order of arrival;
        fewer if the server closed the connection before."""
        with self.connect_tcp(v6=v6, timeout=timeout) as s:
            s.sendall(b"".join(struct.pack("!H", len(m)) + m for m in messages))
            answers = []
            while len(answers) < len(messages):
                answer = receive_tcp(s)
                if answer is None:
                    break
                answers.append(answer)
            return answers

    def listed(self, ip):
        """Whether the server answers one raw query for `ip` with an A record right now."""
        answer = self.raw_udp(query(owner_name(ip, self.zone_name), "A"), timeout=0.5)
        return answer is not None and parse_header(answer).rcode == 0 and parse_header(answer).answers > 0

    def wait_listed(self, ip, seconds=1.0):
        wait_until(lambda: self.listed(ip), seconds, f"{ip} is in the DNS answers", pause=0.005)

    def wait_not_listed(self, ip, seconds=1.0):
        wait_until(lambda: not self.listed(ip), seconds, f"{ip} is out of the DNS answers", pause=0.005)

    # ── mail ──

    def deliver(self, message, name=None, *, mtime=None, maildir=None):
        """Delivers to the Maildir as an MTA does: writes to tmp/, then renames into new/. Returns the final path."""
        self._delivered += 1
        folder = pathlib.Path(maildir) if maildir else self.maildir
        name = name or f"{int(time.time())}.M{time.time_ns() // 1000 % 1000000:06d}P{os.getpid()}_{self._delivered}.mx"
        tmp = folder / "tmp" / name
        tmp.write_bytes(message)
        if mtime is not None:
            os.utime(tmp, (mtime, mtime))
        path = folder / "new" / name
        tmp.rename(path)
        return path

    def list_sender(self, ip, traps=("a", "b", "c")):
        """Delivers one report per trap from `ip`, each of another campaign: enough for a listing by the default policy."""
        for trap in traps:
            self._delivered += 1
            self.deliver(make_dsn(ip, f"{trap}@{TRAP_DOMAIN}", self._delivered))


def receive_tcp(s):
    """Reads one message with its two-octet length from a TCP socket; None if the peer closed the connection before."""
    data = b""
    while len(data) < 2 or len(data) < 2 + struct.unpack("!H", data[:2])[0]:
        wanted = 2 - len(data) if len(data) < 2 else 2 + struct.unpack("!H", data[:2])[0] - len(data)
        try:
            more = s.recv(wanted)
        except ConnectionResetError:
            return None
        if not more:
            return None
        data += more
    return data[2:]


def dump(database, tables):
    """All rows and columns of the tables, ordered by their primary keys, as one text, for comparing two runs."""
    with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as connection:
        lines = []
        for table in tables:
            columns = connection.execute(f"PRAGMA table_info({table})").fetchall()
            if not columns:
                raise AssertionError(f"{database} has no table {table}")
            names = [column[1] for column in columns]
            keys = [column[1] for column in sorted(columns, key=lambda c: c[5]) if column[5]] or names
            lines.append(f"{table} ({', '.join(names)})")
            for row in connection.execute(f"SELECT {', '.join(names)} FROM {table} ORDER BY {', '.join(keys)}"):
                lines.append("  " + "|".join(value.hex() if isinstance(value, bytes) else repr(value) for value in row))
    connection.close()
    return "\n".join(lines) + "\n"
