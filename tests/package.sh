#!/usr/bin/env bash
# Tests the Debian package: builds it from a clean `git archive` of HEAD, runs lintian, installs it in a fresh Debian 12 made by
# debootstrap, runs the server there, upgrades, removes and purges it, and compares every file of that system with its state
# before. Needs root (or sudo); writes to build/package only, and uses loopback only.
#
#   tests/package.sh [--fresh] [--twice]        --fresh: delete the Debian root and the package of an earlier run
#                                               --twice: build the package again, elsewhere and without a cache, and compare the two byte by byte
#
# Debian comes from the mirror that this machine's apt uses. The root is kept, so that a second run takes a minute.
set -euo pipefail
cd "$(dirname "$0")/.."
repo=$PWD
work=$repo/build/package
suite=bookworm

for argument in "$@"; do
  case "$argument" in
    --fresh) fresh=true ;;
    --twice) twice=true ;;
    *) sed -n '2,/^set -/s/^# \{0,1\}//p' tests/package.sh >&2; exit 2 ;;
  esac
done
[ "$(id -u)" -eq 0 ] || exec sudo -- "$0" "$@"

fail() {
  echo "package: $*" >&2
  exit 1
}
began=$SECONDS
step() { printf '\n== %s  (%d s)\n' "$*" $((SECONDS - began)); }

source deploy/install-missing.sh
# The packages in debian/control, without the compiler, which build-essential contains. A new library has to be added to both lists.
listed=$(sed -n '/^Build-Depends:/,/^[A-Z]/p' debian/control | grep -oE '[a-z0-9.+-]+-dev|cmake|ninja-build|nlohmann-json3-dev|scdoc')
for package in "${BUILD_PACKAGES[@]}"; do
  case $package in g++ | pkg-config) continue ;; esac
  grep -qxF "$package" <<<"$listed" || fail "debian/control: Build-Depends lacks $package, which is in deploy/install-missing.sh"
done
# shellcheck disable=SC2086
install_missing "${BUILD_PACKAGES[@]}" $listed build-essential debhelper dpkg-dev fakeroot lintian debootstrap ccache bind9-dnsutils

[ -z "${fresh:-}" ] || rm -rf "$work"
mkdir -p "$work"

step "Building the package of $(git -c safe.directory="$repo" rev-parse --short HEAD)"
commit=$(git -c safe.directory="$repo" rev-parse HEAD)
if [ "$(cat "$work/built" 2>/dev/null)" = "$commit" ]; then
  echo "already built by an earlier run"
else
  rm -rf "$work/built" "$work/source" "$work"/*.deb "$work"/*.changes "$work"/*.buildinfo
  mkdir "$work/source"
  git -c safe.directory="$repo" archive HEAD | tar -x -C "$work/source"
  # debhelper sets another HOME for the build; use the compiler cache of this one.
  if ! (cd "$work/source" && CCACHE_DIR=${CCACHE_DIR:-$HOME/.cache/ccache} CCACHE_BASEDIR=$PWD CCACHE_NOHASHDIR=1 \
    DEB_BUILD_OPTIONS=${DEB_BUILD_OPTIONS:-parallel=2} dpkg-buildpackage -us -uc -b) >"$work/build.log" 2>&1; then
    tail -n 30 "$work/build.log" >&2
    fail "dpkg-buildpackage failed; the whole log is $work/build.log"
  fi
  echo "$commit" >"$work/built"
fi
debs=("$work"/blowback_*.deb)
deb=${debs[0]}
ls -l "$deb"

if [ -n "${twice:-}" ]; then
  step "Building it once more, with another folder, time zone, language and umask"
  again=$(mktemp -d /var/tmp/blowback-again-XXXXXX)
  mkdir -p "$again/a-folder-of-another-name"
  git -c safe.directory="$repo" archive HEAD | tar -x -C "$again/a-folder-of-another-name"
  (cd "$again/a-folder-of-another-name" && umask 0027 && CCACHE_DISABLE=1 TZ=Pacific/Kiritimati LC_ALL=C DEB_BUILD_OPTIONS=parallel=1 \
    dpkg-buildpackage -us -uc -b) >"$work/again.log" 2>&1 || fail "the second build failed; all of it is in $work/again.log"
  for built in "$work"/*.deb; do
    cmp "$built" "$again/${built##*/}" || fail "${built##*/} isn't reproducible: compare it with $again/${built##*/}"
    sha256sum "$built"
  done
  rm -rf "$again"
fi

step "lintian"
findings=$(lintian --allow-root "$work"/blowback_*.changes 2>&1) || true
[ -z "$findings" ] || fail "lintian reports:"$'\n'"$findings"
echo "no findings"

# ── a fresh Debian ───────────────────────────────────────────────────────────────────────────────────────────────────────

step "A fresh Debian ($suite) by debootstrap"
# URI, release and component of every package list that apt uses.
lists=$(apt-get indextargets --format '$(REPO_URI) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' | sort -u)
mirror=$(awk -v suite="$suite" '$2 == suite && $3 == "main" {print $1; exit}' <<<"$lists")
[ -n "$mirror" ] || fail "apt has no mirror of Debian $suite: add one to its sources"
base=$work/$suite.tar
if [ ! -f "$base" ]; then
  rm -rf "$work/base"
  mkdir -p "$work/debs"
  debootstrap --variant=minbase --cache-dir="$work/debs" "$suite" "$work/base" "$mirror" >"$work/debootstrap.log" 2>&1 || {
    tail -n 20 "$work/debootstrap.log" >&2
    fail "debootstrap failed; the whole log is $work/debootstrap.log"
  }
  awk -v suite="$suite" '$2 ~ "^" suite "(-updates|-security)?$" && $3 == "main" {print "deb", $1, $2, $3}' <<<"$lists" \
    >"$work/base/etc/apt/sources.list"
  tar -C "$work/base" -cf "$base.part" .
  mv "$base.part" "$base"
  rm -rf "$work/base"
fi
du -h "$base" | cut -f1

root=$(mktemp -d /var/tmp/blowback-root-XXXXXX)
server=
end() {
  [ -z "$server" ] || kill "$server" 2>/dev/null || true
  ! mountpoint -q "$root/proc" || umount "$root/proc"
  rm -rf --one-file-system "$root"
}
trap end EXIT
tar -C "$root" -xf "$base"
mount -t proc proc "$root/proc"
printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
chmod 755 "$root/usr/sbin/policy-rc.d"
cp /etc/resolv.conf "$root/etc/resolv.conf"
mkdir -p "$work/archives"
# Packages that an earlier run downloaded.
cp -n "$work/archives"/*.deb "$root/var/cache/apt/archives/" 2>/dev/null || true

inside() { chroot "$root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive "$@"; }
# An array, not a function, so that a background process is the program itself.
as_blowback=(chroot --userspec=blowback:blowback "$root" env -i PATH=/usr/bin:/bin HOME=/var/lib/blowback LC_ALL=C.UTF-8)
apt() {
  inside apt-get -o APT::Keep-Downloaded-Packages=true -o Binary::apt-get::APT::Keep-Downloaded-Packages=true -qq -y \
    --no-install-recommends "$@" >"$work/apt.log" 2>&1 || {
    cat "$work/apt.log" >&2
    fail "in the root: apt-get $*"
  }
}

apt update
cp "$deb" "$root/tmp/blowback.deb"
# Install the dependencies first, so that their files are part of the state before.
depends=$(inside apt-get -qq -s --no-install-recommends install /tmp/blowback.deb | awk '$1 == "Inst" && $2 != "blowback" {print $2}')
# shellcheck disable=SC2086
apt install $depends
cp -n "$root"/var/cache/apt/archives/*.deb "$work/archives/" 2>/dev/null || true
echo "$(wc -w <<<"$depends") packages that it depends on"

# Prints every file with its mode, owner and content, except files that apt and dpkg write for themselves, and the backups of
# passwd, group, shadow and gshadow that useradd and similar tools keep as NAME-.
snapshot() {
  (
    cd "$root"
    find . -xdev \( -path ./proc -o -path ./tmp -o -path ./var/cache/apt -o -path ./var/lib/apt -o -path ./var/log/apt \) -prune -o \
      ! -path ./var/log/dpkg.log ! -path ./var/log/alternatives.log ! -path './var/lib/dpkg/status*' ! -path './var/lib/dpkg/available*' \
      ! -path './var/lib/dpkg/lock*' ! -path ./var/lib/dpkg/triggers/Lock ! -path './etc/passwd-' ! -path './etc/group-' \
      ! -path './etc/shadow-' ! -path './etc/gshadow-' ! -path ./var/cache/ldconfig/aux-cache \
      -printf '%p %y %m %U:%G %l\n' | sort
    find . -xdev \( -path ./proc -o -path ./tmp -o -path ./var/cache/apt -o -path ./var/lib/apt -o -path ./var/log -o \
      -path ./var/cache/ldconfig \) -prune -o -type f ! -path './var/lib/dpkg/status*' ! -path './var/lib/dpkg/available*' \
      ! -path './etc/passwd-' ! -path './etc/group-' ! -path './etc/shadow-' ! -path './etc/gshadow-' -print0 |
      sort -z | xargs -0 sha256sum
  )
}
# systemd-analyze, which checks the units below, creates a file in /run/systemd; run it now, so that the file is part of the state before.
inside systemd-analyze verify --man=no basic.target
snapshot >"$work/before"

step "Installing it"
apt install /tmp/blowback.deb
inside dpkg -V blowback
[ "$(inside stat -c '%U:%G %a' /var/lib/blowback)" = "blowback:blowback 750" ] || fail "/var/lib/blowback isn't accessible to blowback only"
for program in blowback blowback-ingest blowback-server; do printf '%s ' "$program"; inside "$program" --version; done
inside sh -c 'exec systemd-analyze verify --man=no /lib/systemd/system/blowback-*' || fail "systemd-analyze verify reports a fault in a unit"
for unit in blowback-server blowback-ingest blowback-backup; do
  inside systemd-analyze security --offline=true --no-pager --threshold=20 "/lib/systemd/system/$unit.service" | tail -n 1
done
[ -z "$(inside find /etc/systemd/system -name 'blowback*')" ] || fail "a unit is enabled before the config was filled in"

# Edit the config as an operator would: a free port and, for this test, permission to list documentation addresses.
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
sed -i -e "s/^listen = .*/listen = [\"127.0.0.1:$port\"]/" -e 's/^allow_documentation = .*/allow_documentation = true/' \
  "$root/etc/blowback/blowback.toml"

# serve_and_ask WHAT: starts the server as its user, waits for its zone, queries a listed and an unlisted address, stops it.
ask() { dig +time=1 +tries=1 @127.0.0.1 -p "$port" "$@"; }
serve_and_ask() {
  "${as_blowback[@]}" blowback-server >"$work/server.log" 2>&1 &
  server=$!
  for _ in $(seq 200); do
    [ -n "$(ask +short bl.example.org SOA 2>/dev/null | grep -v '^;')" ] && break
    kill -0 "$server" 2>/dev/null || { cat "$work/server.log" >&2; fail "$1: the server ended"; }
    sleep 0.05
  done
  [ "$(ask +short 10.2.0.192.bl.example.org A)" = 127.0.0.9 ] || { cat "$work/server.log" >&2; fail "$1: 192.0.2.10 isn't listed"; }
  ask 11.2.0.192.bl.example.org A | grep -q 'status: NXDOMAIN' || fail "$1: 192.0.2.11 isn't NXDOMAIN"
  ! grep -q 'sandbox-skipped' "$work/server.log" || fail "$1: $(grep sandbox-skipped "$work/server.log")"
  "${as_blowback[@]}" blowback stats >/dev/null
  kill "$server"
  wait "$server" || { cat "$work/server.log" >&2; fail "$1: the server ended with an error"; }
  server=
  echo "$1: 192.0.2.10 is answered with 127.0.0.9, 192.0.2.11 with NXDOMAIN"
}

step "The links in its documents"
# The links within the host: `](manual.md#feeds)`, `](examples/mta/postfix/)`, `](/etc/blowback/blowback.toml)`.
documents=$root/usr/share/doc/blowback
grep -ohE '\]\([^)#: ]+' "$documents"/*.md | cut -c3- | sort -u | while read -r link; do
  case $link in
    /*) [ -e "$root$link" ] ;;
    *) [ -e "$documents/$link" ] ;;
  esac || { echo "no such file in the package's documents: $link" >&2; exit 1; }
done

step "Using it, as the user blowback"
"${as_blowback[@]}" blowback db migrate
printf '192.0.2.10\n198.51.100.0/24\n' | "${as_blowback[@]}" blowback import - --reason "of the package's test"
serve_and_ask "installed"
"${as_blowback[@]}" /usr/lib/blowback/backup
"${as_blowback[@]}" blowback db check

step "Upgrading to a later version"
rm -rf "$work/later"
dpkg-deb -R "$deb" "$work/later"
sed -i 's/^Version: .*/&+later/' "$work/later/DEBIAN/control"
dpkg-deb --root-owner-group -b "$work/later" "$root/tmp/later.deb" >/dev/null
rm -rf "$work/later"
apt install /tmp/later.deb
inside dpkg-query -W blowback
grep -q "127.0.0.1:$port" "$root/etc/blowback/blowback.toml" || fail "the upgrade replaced the operator's config"
serve_and_ask "upgraded"

step "Removing it"
apt remove blowback
[ ! -e "$root/usr/bin/blowback" ] || fail "the program is still there"
for kept in etc/blowback/blowback.toml var/lib/blowback/blowback.db; do
  [ -f "$root/$kept" ] || fail "removing deleted /$kept, which only purging may delete"
done
echo "the config and the database are still there"

step "Purging it"
# Files that running daemons and the operator would leave.
mkdir -p "$root/run/blowback" "$root/etc/systemd/system/blowback-server.service.d"
touch "$root/run/blowback/server" "$root/etc/systemd/system/blowback-server.service.d/override.conf" "$root/etc/blowback/trap.key"
apt purge blowback
snapshot >"$work/after"
if ! diff "$work/before" "$work/after" >"$work/left.diff"; then
  cat "$work/left.diff" >&2
  fail "purging left or changed the files above"
fi
echo "nothing is left: $(wc -l <"$work/after") lines of files, modes, owners and contents are as before"

step "All is well"
