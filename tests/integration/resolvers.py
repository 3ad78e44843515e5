"""Resolvers of Debian on loopback, without a network: Unbound, BIND, Knot Resolver and PowerDNS Recursor, each as strict as it can be set, and minimising the QNAME
(RFC 9156). Everything goes to one server on 127.0.0.1, which refuses what is outside of its zone.

With `anchor`, the zone's DS in presentation format ("12345 13 2 ABCD…"), they validate: it is their only trust anchor. Without one they don't.
Each function writes what the program needs into `folder`, and returns its arguments."""

import pathlib
import shutil

from harness import ZONE

PATH = "/usr/sbin:/usr/bin:/sbin:/bin:/usr/local/sbin:/usr/local/bin"


def program_of(kind):
    """Its path, or None if it isn't installed."""
    return shutil.which(RESOLVERS[kind][0], path=PATH)


def arguments_of(kind, folder, port, upstream, anchor=None):
    """What starts it at `port`; it asks the server at the port `upstream`."""
    name, command = RESOLVERS[kind]
    return [shutil.which(name, path=PATH), *command(pathlib.Path(folder), port, upstream, anchor)]


def _written(path, text):
    path.write_text(text)
    return str(path)


def _unbound(folder, port, upstream, anchor):
    """stub-zone: iterative; strict minimisation asks for every label and takes NXDOMAIN at its word."""
    return ["-d", "-c", _written(folder / "unbound.conf", f"""
server:
  interface: 127.0.0.1@{port}
  port: {port}
  do-daemonize: no
  use-syslog: no
  username: ""
  chroot: ""
  directory: "{folder}"
  pidfile: ""
  do-not-query-localhost: no
  qname-minimisation: yes
  qname-minimisation-strict: yes
  harden-below-nxdomain: yes
  aggressive-nsec: yes
  module-config: "{"validator " if anchor else ""}iterator"
  {f'trust-anchor: "{ZONE}. DS {anchor}"' if anchor else ""}
  access-control: 127.0.0.0/8 allow
  num-threads: 1
stub-zone:
  name: "{ZONE}"
  stub-addr: 127.0.0.1@{upstream}
  stub-prime: no
stub-zone:
  name: "."
  stub-addr: 127.0.0.1@{upstream}
  stub-prime: no
remote-control:
  control-enable: no
""")]


def _bind(folder, port, upstream, anchor):
    """static-stub: iterative, at the servers we name. It has no port of its own: BIND asks all servers at the port in `options`, so that is the server's, and it
    listens elsewhere."""
    hints = _written(folder / "root.hints", ". 3600 IN NS a.root-servers.example.\na.root-servers.example. 3600 IN A 127.0.0.1\n")
    tag, algorithm, digest, octets = anchor.split() if anchor else [""] * 4
    anchors = f'trust-anchors {{ "{ZONE}" static-ds {tag} {algorithm} {digest} "{octets}"; }};' if anchor else ""
    return ["-g", "-n", "1", "-c", _written(folder / "named.conf", f"""
options {{
  directory "{folder}";
  managed-keys-directory "{folder}";
  port {upstream};
  listen-on port {port} {{ 127.0.0.1; }};
  listen-on-v6 {{ none; }};
  pid-file none;
  lock-file none;
  session-keyfile none;
  recursion yes;
  allow-query {{ 127.0.0.0/8; }};
  qname-minimization strict;
  synth-from-dnssec yes;
  dnssec-validation {"yes" if anchor else "no"};
  empty-zones-enable no;
  notify no;
}};
controls {{ }};
{anchors}
zone "." {{ type hint; file "{hints}"; }};
zone "{ZONE}" {{ type static-stub; server-addresses {{ 127.0.0.1; }}; }};
""")]


# Does what policy.FORWARD does, but leaves minimisation on and says that the zone is cut at our apex.
_MINIMISING_FORWARD = """function (state, req)
  local qry = req:current()
  req.options.FORWARD = true
  qry.flags.FORWARD = true
  qry.flags.ALWAYS_CUT = false
  qry.flags.AWAIT_CUT = false
  ffi.C.kr_zonecut_set(qry.zone_cut, apex)
  ffi.C.kr_forward_add_target(req, upstream)
  return state
end"""


def _knot_resolver(folder, port, upstream, anchor):
    """policy.STUB and policy.FORWARD send whole names, and root hints have no port: in 5.x an iterative stub can't be had from its settings. So a policy of our own
    is used. Knot Resolver asks for one label, and for the whole name once that turned out to be no delegation. There is no strict mode: in a zone that isn't signed
    it asks for the whole name after NXDOMAIN, too. With an anchor it is policy.FORWARD, which looks for the keys itself."""
    config = _written(folder / "kresd.conf", f"""
net.listen('127.0.0.1', {port}, {{ kind = 'dns' }})
net.ipv6 = false
cache.size = 10*MB
cache.min_ttl(0)
trust_anchors.remove('.')
{f"trust_anchors.add('{ZONE}. 3600 IN DS {anchor}')" if anchor else ""}
for _, name in ipairs({{ 'ta_update', 'ta_signal_query', 'ta_sentinel', 'priming', 'detect_time_jump', 'detect_time_skew' }}) do
  modules.unload(name)
end
local ffi = require('ffi')
local upstream = ffi.gc(ffi.C.kr_straddr_socket('127.0.0.1', {upstream}, nil), ffi.C.free)
local apex = todname('{ZONE}')
policy.add(policy.suffix({f"policy.FORWARD('127.0.0.1@{upstream}')" if anchor else _MINIMISING_FORWARD}, {{ apex }}))
policy.add(policy.all(policy.REFUSE))
""")
    return ["-n", "-q", "-c", config, str(folder)]


def _powerdns_recursor(folder, port, upstream, anchor):
    """forward-zones (without recursion) is iterative here, and minimised. There is no strict mode: after NXDOMAIN for part of a name it asks for the whole. But
    nothing-below-nxdomain makes it believe RFC 8020 for its cache, also in zones that aren't signed."""
    server = f"127.0.0.1:{upstream}"
    anchors = _written(folder / "anchors.lua", f'clearTA()\naddTA("{ZONE}", "{anchor}")\n') if anchor else None
    return [f"--config-dir={folder}", f"--socket-dir={folder}", "--daemon=no", "--write-pid=no", "--disable-syslog=yes", "--local-address=127.0.0.1",
            f"--local-port={port}", f"--forward-zones={ZONE}={server},.={server}", "--dont-query=", "--allow-from=127.0.0.0/8",
            *([f"--lua-config-file={anchors}", "--dnssec=validate"] if anchor else ["--dnssec=off"]),
            "--qname-minimization=yes", "--nothing-below-nxdomain=yes", "--threads=1", "--security-poll-suffix=", "--webserver=no", "--loglevel=4"]


# Of each: its program, and what gives the arguments.
RESOLVERS = {
    "unbound": ("unbound", _unbound),
    "bind": ("named", _bind),
    "knot-resolver": ("kresd", _knot_resolver),
    "powerdns-recursor": ("pdns_recursor", _powerdns_recursor),
}
