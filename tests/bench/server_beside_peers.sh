#!/usr/bin/env bash
# Measures blowback-server beside rbldnsd, Knot DNS, NSD, BIND and PowerDNS, and an echo server that is what a UDP socket can do at
# all, by the harness in ../shared/bench (or BENCH): same list, same questions, passes in turn, and prints its tables.
#
#   tests/bench/server_beside_peers.sh                       a million listings, one worker on one core
#   N=10000000 tests/bench/server_beside_peers.sh            ten million
#   MODE=all tests/bench/server_beside_peers.sh              a worker per core
#   DATA=DIR tests/bench/server_beside_peers.sh              a folder that the harness's gen.py has filled
#
# Its other settings go through: SERVERS, RUNS, RATES, UPDATES … Blowback is "extra" in the tables. The import of the list happens
# before the clock starts; from exec to the first right answer is what counts, as for the peers.
set -euo pipefail
here=$(cd "$(dirname "$0")/../.." && pwd)
bench=$(cd "${BENCH:-$here/../shared/bench}" && pwd)
export BLOWBACK_BIN=${BLOWBACK_BIN:-$here/build/release/bin}
export SERVERS=${SERVERS:-echo extra rbldnsd rbldnsd-trie knot nsd bind pdns-bind}

# The harness builds its tools beside itself.
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp -r "$bench/." "$work"
chmod -R u+w "$work"

export PREPARE='
cat > "$RUN/blowback.toml" <<CONFIG
database = "$RUN/list.db"
[zone]
name = "bl.example.org"
nameservers = ["ns1.example.org"]
hostmaster = "hostmaster@example.org"
txt = "https://bl.example.org/{ip}"
[server]
listen = ["127.0.0.1:$PORT"]
workers = $THREADS
[policy]
allow_documentation = true
CONFIG
grep -v "^127\." "$DATA/ips.txt" | "$BLOWBACK_BIN/blowback" --config "$RUN/blowback.toml" import - --wide --reason benchmark >/dev/null'
export CMD='exec "$BLOWBACK_BIN/blowback-server" --config "$RUN/blowback.toml"'
export UPDATE='"$BLOWBACK_BIN/blowback" --config "$RUN/blowback.toml" list "$IP" --wide --reason benchmark >/dev/null'
"$work/run.sh"
