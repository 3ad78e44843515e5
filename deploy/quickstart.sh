#!/usr/bin/env bash
# From a fresh clone to a DNS answer: installs missing packages, builds, feeds the sample trap mail of deploy/sample/, serves
# on loopback, queries the server with dig, and reads the page that a refusal links to. All its files are in one folder. Fails with a message if an answer is wrong.
#
#   deploy/quickstart.sh [--keep] [--dir FOLDER]      FOLDER: default build/quickstart
#
# --keep leaves server and page running.
set -euo pipefail
cd "$(dirname "$0")/.."

keep=false
dir=build/quickstart
while [ $# -gt 0 ]; do
  case "$1" in
    --keep) keep=true ;;
    --dir) dir=${2:?--dir needs a folder}; shift ;;
    *) sed -n '2,/^set -/s/^# \{0,1\}//p' deploy/quickstart.sh >&2; exit 2 ;;
  esac
  shift
done

fail() {
  echo "quickstart: $*" >&2
  exit 1
}
step() { printf '\n== %s\n' "$*"; }

source deploy/install-missing.sh
install_missing "${BUILD_PACKAGES[@]}" bind9-dnsutils curl

step "Building the programs (build/release/bin)"
# Without tests, unless tests/run.sh has configured them before.
[ -f build/release/CMakeCache.txt ] || cmake --preset release -DBLOWBACK_TESTS=OFF >/dev/null
# Ninja's last line is enough, unless the build fails.
if ! built=$(cmake --build --preset release --target blowback-ingest blowback-server blowback-web blowback 2>&1); then
  printf '%s\n' "$built" | grep -A 20 '^FAILED' | head -n 40 >&2
  fail "the programs can't be built; the lines above say why"
fi
printf '%s\n' "$built" | tail -n 1
bin=build/release/bin

# Never delete a folder that holds anything but an earlier quickstart.
if [ -e "$dir" ] && [ -n "$(ls -A "$dir")" ] && [ ! -e "$dir/.quickstart" ]; then
  fail "$dir isn't empty and wasn't made by an earlier quickstart; name another folder with --dir"
fi
for daemon in server web; do
  [ -f "$dir/$daemon.pid" ] || continue
  pid=$(cat "$dir/$daemon.pid")
  # Only if it is still our daemon: the system reuses process ids.
  if [ "$(readlink "/proc/$pid/exe" 2>/dev/null)" = "$(readlink -f "$bin/blowback-$daemon")" ]; then kill "$pid"; fi
done
rm -rf "$dir"
mkdir -p "$dir"/Maildir/{tmp,new,cur}
touch "$dir/.quickstart"
dir=$(cd "$dir" && pwd)

step "A list in $dir"
# free_port FIRST: the first free one of a hundred ports.
free_port() {
  for try in $(seq "$1" $(($1 + 99))); do
    # A port is in use if its number, in hex, is a local port in these tables.
    if ! grep -qi ":$(printf '%04X' "$try") " <(awk 'FNR > 1 {print $2 " "}' /proc/net/{udp,tcp}); then
      echo "$try"
      return
    fi
  done
  fail "no port between $1 and $(($1 + 99)) is free on 127.0.0.1"
}
port=$(free_port 5300)
page=$(free_port 8053)
cat >"$dir/blowback.toml" <<TOML
database = "$dir/blowback.db"

[zone]
name = "bl.example.org"
nameservers = ["ns1.example.org"]
hostmaster = "hostmaster@example.org"
txt = "Backscatter from {ip}, see https://bl.example.org/{ip}"

[server]
listen = ["127.0.0.1:$port"]

[web]
listen = "127.0.0.1:$page"

[traps]
# Any address of the domain is a trap, and all of them together are one witness. Named addresses are witnesses of their own.
domains = ["trap.example.net"]
addresses = ["sales@trap.example.net", "old.user@trap.example.net"]

[[feed]]
name = "sample"
type = "maildir"
path = "$dir/Maildir"

[policy]
# The sample mail comes from documentation addresses, which are never listed otherwise.
allow_documentation = true
TOML
cp deploy/sample/*.eml "$dir/Maildir/new/"
echo "$(ls "$dir/Maildir/new" | wc -l) messages are in the trap's Maildir, the config is blowback.toml"

step "blowback-ingest --once"
"$bin/blowback-ingest" --config "$dir/blowback.toml" --once

step "blowback-server on 127.0.0.1:$port"
"$bin/blowback-server" --config "$dir/blowback.toml" >"$dir/server.log" 2>&1 </dev/null &
server=$!
echo "$server" >"$dir/server.pid"
web=
stop_daemons() {
  for pid in $server $web; do
    kill "$pid" 2>/dev/null || true
    wait "$pid" 2>/dev/null || true
  done
  rm -f "$dir/server.pid" "$dir/web.pid"
}
trap stop_daemons EXIT
ask() { dig +time=1 +tries=1 @127.0.0.1 -p "$port" "$@"; }
for _ in $(seq 100); do
  kill -0 "$server" 2>/dev/null || { cat "$dir/server.log" >&2; fail "the server ended, see above"; }
  [ -n "$(ask +short bl.example.org SOA 2>/dev/null | grep -v '^;')" ] && break
  sleep 0.05
done

# show COMMAND...: prints the command and its output.
show() {
  printf '\n$ %s\n' "$*"
  "$@"
}
dig_here=(dig "@127.0.0.1" -p "$port")
show "${dig_here[@]}" +noall +answer 10.2.0.192.bl.example.org A
show "${dig_here[@]}" +noall +answer 10.2.0.192.bl.example.org TXT
show "${dig_here[@]}" +norecurse +noall +comments +authority 11.2.0.192.bl.example.org A

[ "$(ask +short 10.2.0.192.bl.example.org A)" = 127.0.0.2 ] || fail "192.0.2.10 isn't answered with 127.0.0.2"
[ "$(ask +short 10.2.0.192.bl.example.org TXT)" = '"Backscatter from 192.0.2.10, see https://bl.example.org/192.0.2.10"' ] ||
  fail "the TXT for 192.0.2.10 isn't the config's"
for innocent in 11.2.0.192 20.100.51.198 60.100.51.198; do  # no mail at all; one bounce only; a newsletter
  ask "$innocent.bl.example.org" A | grep -q 'status: NXDOMAIN' || fail "$innocent.bl.example.org isn't NXDOMAIN"
done

show "$bin/blowback" --config "$dir/blowback.toml" why 192.0.2.10

step "blowback-web on 127.0.0.1:$page"
"$bin/blowback-web" --config "$dir/blowback.toml" >"$dir/web.log" 2>&1 </dev/null &
web=$!
echo "$web" >"$dir/web.pid"
for _ in $(seq 100); do
  kill -0 "$web" 2>/dev/null || { cat "$dir/web.log" >&2; fail "the page ended, see above"; }
  curl -fs -o /dev/null "http://127.0.0.1:$page/health" && break
  sleep 0.05
done
show curl -s "http://127.0.0.1:$page/api/v1/ips?ip=192.0.2.10&ip=192.0.2.11"
printf '\n$ curl -s http://127.0.0.1:%s/192.0.2.10    # the page, without its markup\n' "$page"
text=$(curl -s "http://127.0.0.1:$page/192.0.2.10" | sed -e '/<svg/d' -e 's/<[^>]*>//g' -e "s/&#39;/'/g" -e '/^[[:space:]]*$/d')
sed -n '/192\.0\.2\.10 has sent/,/^What happened/p' <<<"$text"
grep -q 'the listing ends by itself' <<<"$text" || fail "the page of 192.0.2.10 doesn't say that it is listed"

if $keep; then
  trap - EXIT
  printf '\nServer and page still run, processes %s and %s: http://127.0.0.1:%s/192.0.2.10\nEnd them with: kill %s %s\n' "$server" "$web" "$page" "$server" "$web"
else
  stop_daemons
  trap - EXIT
fi
# Without the server doctor reports problems, so the list of next steps says so.
doctor="  $PWD/$bin/blowback --config $dir/blowback.toml doctor"
$keep || doctor="$doctor    # will report that the server has ended"
cat <<NEXT

It works. Next:
  $PWD/$bin/blowback --config $dir/blowback.toml listings
  $PWD/$bin/blowback --config $dir/blowback.toml stats
$doctor
  $PWD/deploy/quickstart.sh --keep    # the same, and server and page keep running: for doctor, dig and a browser
  less $PWD/deploy/blowback.toml      # the config with every key explained
  less $PWD/docs/manual.md            # running a list with traps of your own
NEXT
