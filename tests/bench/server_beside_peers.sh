#!/usr/bin/env bash
# Measures blowback-server beside rbldnsd, Knot DNS, NSD, BIND and PowerDNS, and an echo server that shows the limit of a UDP socket,
# with the harness in ../shared/bench (or BENCH): same list, same queries, passes in turn. Prints the harness's tables.
#
#   tests/bench/server_beside_peers.sh                       a million listings, one worker on one core
#   N=10000000 tests/bench/server_beside_peers.sh            ten million
#   MODE=all tests/bench/server_beside_peers.sh              a worker per core
#   DATA=DIR tests/bench/server_beside_peers.sh              a folder that the harness's gen.py has filled
#
# The harness's other settings are passed on: SERVERS, RUNS, RATES, UPDATES … Blowback is "extra" in the tables. The list is imported
# before the measurement; the start time is from exec to the first right answer, as for the others.
set -euo pipefail
here=$(cd "$(dirname "$0")/../.." && pwd)
bench=$(cd "${BENCH:-$here/../shared/bench}" && pwd)
export BLOWBACK_BIN=${BLOWBACK_BIN:-$here/build/release/bin}
export SERVERS=${SERVERS:-echo extra rbldnsd rbldnsd-trie knot nsd bind pdns-bind}

# The harness builds its tools in its own folder, so copy it.
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
