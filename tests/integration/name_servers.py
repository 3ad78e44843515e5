"""NSD, Knot DNS and BIND of Debian as servers of a zone file on loopback, and as secondaries of our own server, as which PowerDNS is there, too.
Knot DNS and BIND also as secondaries that sign what they transfer (SIGNERS)."""

import contextlib
import os
import shutil
import socket
import sqlite3
import subprocess
from dataclasses import dataclass

from harness import PATIENCE, ZONE, Daemon, free_port, parse_strictly, query, wait_until


def executable(name):
    return shutil.which(name) or shutil.which(name, path="/usr/sbin:/sbin")


def nsd_config(folder, file, port):
    return f"""
server:
  ip-address: 127.0.0.1@{port}
  server-count: 1
  username: ""
  zonesdir: "{folder}"
  database: ""
  pidfile: ""
  zonelistfile: "{folder}/zone.list"
  xfrdfile: "{folder}/xfrd.state"
  xfrdir: "{folder}"
  minimal-responses: yes
  refuse-any: no
  rrl-ratelimit: 0
remote-control:
  control-enable: no
zone:
  name: "{ZONE}"
  zonefile: "{file}"
"""


def knot_config(folder, file, port):
    return f"""
server:
  rundir: "{folder}"
  listen: 127.0.0.1@{port}
  udp-workers: 1
  tcp-workers: 1
  background-workers: 1
log:
  - target: stderr
    any: info
database:
  storage: "{folder}"
zone:
  - domain: {ZONE}
    file: "{file}"
    storage: "{folder}"
    zonefile-sync: -1
    journal-content: none
"""


def named_config(folder, file, port):
    return f"""
options {{
  directory "{folder}"; pid-file none; session-keyfile none; listen-on port {port} {{ 127.0.0.1; }}; listen-on-v6 {{ none; }};
  recursion no; dnssec-validation no; notify no; rrset-order {{ order none; }}; minimal-responses yes; zero-no-soa-ttl no;
}};
controls {{ }};
zone "{ZONE}" {{ type primary; file "{file}"; }};
"""


# Of each: its program, its configuration, and the arguments before the configuration's path.
KINDS = {
    "nsd": ("nsd", nsd_config, ["-d", "-c"]),
    "knot": ("knotd", knot_config, ["-c"]),
    "bind": ("named", named_config, ["-g", "-n", "1", "-c"]),
}


def with_transfers(kind, config):
    """The configuration of one of KINDS, with which clients on 127.0.0.1 may transfer the zone."""
    if kind == "nsd":
        return config + "  provide-xfr: 127.0.0.1 NOKEY\n"
    if kind == "knot":
        return config.replace("zone:\n", "acl:\n  - id: local\n    address: 127.0.0.1\n    action: transfer\nzone:\n") + "    acl: local\n"
    return config.replace("type primary;", "type primary; allow-transfer { 127.0.0.1; };")


class NameServer:
    """One of KINDS that serves the zone file `file`; a context manager. `ready` waits until it answers; several may start side by side."""

    def __init__(self, kind, folder, file, zone=ZONE, transfers=False):
        program, config, arguments = KINDS[kind]
        self.prepare(kind, folder, zone)
        text = config(self.folder, file, self.port).replace(ZONE, zone)
        self.config.write_text(with_transfers(kind, text) if transfers else text)
        self.arguments = [executable(program), *arguments, str(self.config)]

    def prepare(self, kind, folder, zone=ZONE):
        """A folder of its own, and a port."""
        self.kind = kind
        self.zone = zone
        self.folder = folder / kind
        self.folder.mkdir(exist_ok=True)
        os.chmod(self.folder, 0o755)
        self.port = free_port()
        self.config = self.folder / f"{kind}.conf"

    @staticmethod
    def installed(kind):
        return executable(KINDS[kind][0]) is not None

    def __enter__(self):
        self.daemon = Daemon(self.arguments, self.folder / "log")
        return self

    def ready(self):
        wait_until(lambda: self.answers() or not self.daemon.running(), 100, self.daemon.log)
        assert self.daemon.running(), self.daemon.log()[-4000:]
        return self

    def __exit__(self, *_):
        self.daemon.stop()

    def answers(self):
        try:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
                s.settimeout(0.5 * PATIENCE)
                s.connect(("127.0.0.1", self.port))
                s.send(query(self.zone, "SOA"))
                return parse_strictly(s.recv(65535)).rcode == "NOERROR"
        except OSError:
            return False


def nsd_secondary(folder, primary, port, key, tls):
    declared = f'key:\n  name: "{key[0]}"\n  algorithm: {key[1]}\n  secret: "{key[2]}"\n' if key else ""
    if tls:
        declared += f'tls-auth:\n  name: "primary"\n  auth-domain-name: "{tls.name}"\n'
        if tls.client:
            declared += f'  client-cert: "{tls.client[0]}"\n  client-key: "{tls.client[1]}"\n'
    name = key[0] if key else "NOKEY"
    transfer = (f"  request-xfr: 127.0.0.1@{primary} {name}{' primary' if tls else ''}\n  allow-notify: 127.0.0.1 {name}\n"
                "  provide-xfr: 127.0.0.1 NOKEY\n")
    # By default NSD takes in what was transferred once a second at most.
    config = nsd_config(folder, folder / "zone", port).replace("rrl-ratelimit: 0", "rrl-ratelimit: 0\n  xfrd-reload-timeout: 0")
    config = config.replace("zone:\n  name:", declared + "zone:\n  name:").replace("  zonefile:", transfer + "  zonefile:")
    return config.replace("server:\n", f'server:\n  tls-cert-bundle: "{tls.authority}"\n', 1) if tls else config


def knot_secondary(folder, primary, port, key, tls):
    assert not tls, "Knot DNS transfers over TLS since version 3.3"
    declared = f"key:\n  - id: {key[0]}\n    algorithm: {key[1]}\n    secret: {key[2]}\n" if key else ""
    config = knot_config(folder, folder / "zone", port).replace("zonefile-sync: -1\n    journal-content: none", "zonefile-sync: 1h")
    return config.replace("zone:\n", declared + f"""remote:
  - id: primary
    address: 127.0.0.1@{primary}
    {"key: " + key[0] if key else ""}
acl:
  - id: local
    address: 127.0.0.1
    action: transfer
  - id: primary
    address: 127.0.0.1
    action: notify
    {"key: " + key[0] if key else ""}
zone:
""", 1) + "    master: primary\n    acl: [local, primary]\n"


def named_secondary(folder, primary, port, key, tls):
    declared = f'key "{key[0]}" {{ algorithm {key[1]}; secret "{key[2]}"; }};\n' if key else ""
    if tls:
        client = f'cert-file "{tls.client[0]}"; key-file "{tls.client[1]}"; ' if tls.client else ""
        declared += f'tls "primary" {{ ca-file "{tls.authority}"; remote-hostname "{tls.name}"; {client}}};\n'
    source = f'127.0.0.1 port {primary}{f" key {chr(34)}{key[0]}{chr(34)}" if key else ""}{" tls primary" if tls else ""};'
    # At the default rate of 20 a second, BIND asks for a zone's SOA every half second at most.
    config = named_config(folder, folder / "zone", port).replace("recursion no;", "recursion no; serial-query-rate 1000;")
    return declared + config.replace(f'type primary; file "{folder / "zone"}";',
                                     f'type secondary; masterfile-format text; file "{folder / "zone"}"; primaries {{ {source} }}; allow-transfer {{ 127.0.0.1; }};')


PDNS_SCHEMA = "/usr/share/pdns-backend-sqlite3/schema/schema.sqlite3.sql"


def pdns_secondary(folder, primary, port, key, tls):
    """PowerDNS has zones and keys in a database."""
    assert not tls, "PowerDNS doesn't transfer over TLS"
    with contextlib.closing(sqlite3.connect(folder / "pdns.db")) as db, db:
        with open(PDNS_SCHEMA) as schema:
            db.executescript(schema.read())
        db.execute("INSERT INTO domains (id, name, type, master) VALUES (1, ?, 'SLAVE', ?)", (ZONE, f"127.0.0.1:{primary}"))
        metadata = [("IXFR", "1")]
        if key:
            db.execute("INSERT INTO tsigkeys (name, algorithm, secret) VALUES (?, ?, ?)", key)
            metadata.append(("AXFR-MASTER-TSIG", key[0]))
        db.executemany("INSERT INTO domainmetadata (domain_id, kind, content) VALUES (1, ?, ?)", metadata)
    return f"""
launch=gsqlite3
gsqlite3-database={folder}/pdns.db
local-address=127.0.0.1
local-port={port}
socket-dir={folder}
secondary=yes
allow-notify-from=127.0.0.1
allow-axfr-ips=127.0.0.1
zone-cache-refresh-interval=0
xfr-max-received-mbytes=4000
daemon=no
guardian=no
"""


# Of each: its program, its configuration, and its arguments.
SECONDARIES = {
    "nsd": ("nsd", nsd_secondary, lambda config: KINDS["nsd"][2] + [str(config)]),
    "knot": ("knotd", knot_secondary, lambda config: KINDS["knot"][2] + [str(config)]),
    "bind": ("named", named_secondary, lambda config: KINDS["bind"][2] + [str(config)]),
    "pdns": ("pdns_server", pdns_secondary, lambda config: [f"--config-dir={config.parent}"]),
}


# Those of them that transfer over TLS, in Debian 12.
TLS_SECONDARIES = ("nsd", "bind")


@dataclass
class Tls:
    """How a secondary knows the primary: the name in its certificate, and the file of the authority that issued that. `client`: the secondary's own
    certificate and key, if the primary asks for one."""
    name: str
    authority: str
    client: tuple | None = None


class Secondary(NameServer):
    """One of SECONDARIES that transfers the zone from a primary on 127.0.0.1, signed with `key` (name, algorithm, secret) if there is one, which has to
    sign NOTIFY then. `tls`: over TLS, if not None. PowerDNS knows `ZONE` alone."""

    def __init__(self, kind, folder, primary, key=None, tls=None, zone=ZONE):
        program, config, arguments = SECONDARIES[kind]
        self.prepare(kind, folder, zone)
        self.config.write_text(config(self.folder, primary, self.port, key, tls).replace(ZONE, zone))
        self.arguments = [executable(program), *arguments(self.config)]

    @staticmethod
    def installed(kind):
        return executable(SECONDARIES[kind][0]) is not None and (kind != "pdns" or os.path.exists(PDNS_SCHEMA))


def knot_signer(folder, primary, port, key, nsec3=False):
    """Its journal holds the whole zone, so that it needs no zone file. The default of 100 MB is too little for a large list."""
    config = knot_secondary(folder, primary, port, key, tls=None).replace(
        "zonefile-sync: 1h", "zonefile-sync: -1\n    zonefile-load: none\n    journal-content: all\n    journal-max-usage: 8G")
    return config.replace("zone:\n", f"""policy:
  - id: list
    algorithm: ecdsap256sha256
    single-type-signing: on
    rrsig-refresh: 7d
    nsec3: {"on" if nsec3 else "off"}
    nsec3-salt-length: 0
zone:
""", 1) + "    dnssec-signing: on\n    dnssec-policy: list\n    serial-policy: unixtime\n"


def named_signer(folder, primary, port, key, nsec3=False):
    policy = f"""dnssec-policy "list" {{
  keys {{ csk lifetime unlimited algorithm ecdsap256sha256; }};
  signatures-refresh 7d;
  {"nsec3param iterations 0 optout no salt-length 0;" if nsec3 else ""}
}};
"""
    return policy + named_secondary(folder, primary, port, key, tls=None).replace(
        "masterfile-format text;", 'dnssec-policy "list"; inline-signing yes; sig-signing-nodes 1000; sig-signing-signatures 1000;')


SIGNERS = {"knot": knot_signer, "bind": named_signer}


class Signer(NameServer):
    """One of SIGNERS that transfers the zone from a primary on 127.0.0.1 and signs it, by NSEC or NSEC3."""

    def __init__(self, kind, folder, primary, key=None, nsec3=False):
        program, _, arguments = SECONDARIES[kind]
        self.prepare(kind, folder)
        self.config.write_text(SIGNERS[kind](self.folder, primary, self.port, key, nsec3))
        self.arguments = [executable(program), *arguments(self.config)]

    def notifies(self, port):
        """Before it is started: the port of a secondary that it notifies."""
        text = self.config.read_text()
        if self.kind == "knot":
            text = text.replace("acl:\n", f"  - id: public\n    address: 127.0.0.1@{port}\nacl:\n", 1) + "    notify: public\n"
        else:
            text = text.replace("notify no;", f"notify explicit; also-notify {{ 127.0.0.1 port {port}; }}; notify-delay 0;")
        self.config.write_text(text)

    @staticmethod
    def installed(kind):
        return Secondary.installed(kind) and executable("dnssec-dsfromkey") is not None

    def ds(self):
        """The zone's DS in presentation format, or None while it isn't signed."""
        keys = subprocess.run(["dig", "@127.0.0.1", "-p", str(self.port), ZONE, "DNSKEY", "+noall", "+answer", "+time=1", "+tries=1"], capture_output=True, text=True)
        done = subprocess.run([executable("dnssec-dsfromkey"), "-2", "-f", "-", ZONE], input=keys.stdout, capture_output=True, text=True)
        return done.stdout.split("DS", 1)[1].strip() if done.returncode == 0 and " DS " in done.stdout else None
