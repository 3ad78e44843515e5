#!/usr/bin/env bash
# Installs missing packages, builds, and runs tests.
#
#   tests/run.sh            for a first look: builds, and runs the tests that need neither root nor other daemons
#   tests/run.sh all        what CI runs: format, asan, tsan, mta, release
#   tests/run.sh quick      release alone
#   tests/run.sh STAGE...   of these:
#
#     basic      the same as without arguments
#     format     clang-format
#     tidy       clang-tidy over all sources; takes longest, so BLOWBACK_TIDY=1 adds it to `all`
#     asan       AddressSanitizer and UBSan: unit tests, and the integration tests that docs/decisions.md ("Tests") says
#     tsan       ThreadSanitizer: the tests of code with threads
#     mta        fetches the mail servers that the mta_* tests run, as root; the tests run in `release`, or here without it
#     release    all tests, with the build for production
#     package    the Debian package in a fresh Debian; needs root
#     coverage   line and branch coverage by room, and the functions that no test calls
#
# The last output is CTest's summary, after a table of the time that each stage took.
set -euo pipefail
cd "$(dirname "$0")/.."

case "${1:-basic}" in
  basic) stages=(basic) ;;
  all) stages=(format ${BLOWBACK_TIDY:+tidy} asan tsan mta release) ;;
  quick) stages=(release) ;;
  lint) stages=(format tidy) ;;
  basic | format | tidy | asan | tsan | package | mta | release | coverage) stages=("$@") ;;
  *) sed -n '2,/^set -/s/^# \{0,1\}//p' tests/run.sh >&2; exit 2 ;;
esac

source deploy/install-missing.sh
packages=("${BUILD_PACKAGES[@]}" ccache catch2 git python3 bind9-dnsutils)
daemons=()
for stage in "${stages[@]}"; do
  case "$stage" in
    format) packages+=(clang-format-19) ;;
    tidy) packages+=(clang-tidy-19 clang-tools-19) ;;
    asan | tsan) packages+=(clang-19 libclang-rt-19-dev llvm-19) ;;&
    asan | tsan | release | coverage) daemons+=(unbound bind9 knot-resolver pdns-recursor prometheus nsd knot pdns-server pdns-backend-sqlite3 rbldnsd nftables zsh fish scdoc nginx-light caddy) ;;&
    basic | release | coverage) packages+=(swaks openssl faketime) ;;&
    release) packages+=(chromium chromium-driver) ;;&
    coverage) packages+=(gcovr) ;;
    mta)
      daemons+=(unbound)
      # For namespaces. The libraries of the mail servers are installed by tests/fetch-mail-servers.sh.
      packages+=(iproute2 util-linux m4 perl)
      ;;
  esac
done
install_missing "${packages[@]}"

# The tests start resolvers and mail servers of their own on loopback, and use promtool of the prometheus package. These packages would also start
# a daemon each, now and at every boot. A temporary policy-rc.d prevents the first, unless the machine has its own policy-rc.d. Newly installed
# units are disabled, so that they don't start later. Packages that were installed before stay unchanged.
install_daemons() {
  local policy=/usr/sbin/policy-rc.d as_root=() new=() package unit
  for package in "$@"; do
    dpkg-query -W -f='${db:Status-Status}\n' "$package" 2>/dev/null | grep -qx installed || new+=("$package")
  done
  [ ${#new[@]} -eq 0 ] && return 0
  [ "$(id -u)" -eq 0 ] || as_root=(sudo)
  if [ ! -e "$policy" ]; then
    # A subshell, whose trap removes the file whether or not the installation works. The trap's text is expanded now:
    # when it runs, the function's variables don't exist any more.
    (
      trap "${as_root[*]} rm -f $policy" EXIT
      printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" tee "$policy" >/dev/null
      "${as_root[@]}" chmod 755 "$policy"
      install_missing "${new[@]}"
    )
  else
    install_missing "${new[@]}"
  fi
  [ -d /run/systemd/system ] || return 0
  for package in "${new[@]}"; do
    for unit in $(dpkg -L "$package" | sed -n 's|.*/systemd/system/\([^/@]*\.service\)$|\1|p'); do
      "${as_root[@]}" systemctl --quiet disable --now "$unit" 2>/dev/null || true
    done
  done
}
[ ${#daemons[@]} -eq 0 ] || install_daemons "${daemons[@]}"

jobs=$(nproc)
# Most integration tests wait for other programs, so two at once on each core. One that computes counts as two: blowback_busy_test.
export CTEST_PARALLEL_LEVEL=$((2 * jobs))

# Our own C++ sources, one per line.
sources() { find account cli config core include ingest schema server system tests watch web \( -name '*.cc' -o -name '*.h' \) -print | sort; }

number=0
times=()
began() {
  number=$((number + 1))
  printf '\n== %s (stage %d of %d)\n' "$1" "$number" "${#stages[@]}"
  stage_began=$SECONDS
  built=0
}
ended() { times+=("$(printf '%-10s %6d s to build %6d s for the rest' "$1" "$built" $((SECONDS - stage_began - built)))"); }

# build PRESET [TARGET...]: builds everything, or the named targets. BLOWBACK_TESTS is set, since the quickstart may have configured without tests.
build() {
  local before=$SECONDS
  cmake --preset "$1" -DBLOWBACK_TESTS=ON >/dev/null
  cmake --build --preset "$1" -j "$jobs" ${2:+--target "${@:2}"}
  built=$((built + SECONDS - before))
}

# build_stage STAGE: builds what it needs.
build_stage() {
  case "$1" in
    asan | coverage | release) build "$1" ;;
    basic) build release ;;
    tsan)
      build release blowback
      build tsan threads
      ;;
    mta) [[ " ${stages[*]} " == *" release "* ]] || build release blowback-server blowback-ingest blowback ;;
  esac
}

# while_building COMMAND...: runs a stage's tests. While these wait, what the next stages need is built, at the lowest priority. With sanitizers
# only: other tests measure times. An error is left to the stage that needs the build.
builder=
while_building() {
  local next status=0
  set -m # a process group of its own
  (
    renice -n 19 "$BASHPID"
    for next in "${stages[@]:number}"; do build_stage "$next"; done
  ) >/dev/null 2>&1 </dev/null &
  builder=$!
  set +m
  "$@" || status=$?
  end_builder
  return "$status"
}

# Ninja removes what it has begun, and the stage's own build goes on from there.
end_builder() {
  [ -n "$builder" ] || return 0
  kill -TERM -- "-$builder" 2>/dev/null || true
  # The group is also what the builder started.
  while kill -0 -- "-$builder" 2>/dev/null; do sleep 0.1; done
  builder=
}

# finish PRESET [ARGUMENT...]: runs the last stage's tests, so that CTest's own summary is the last output.
finish() {
  printf '\n== where the time went\n'
  [ ${#times[@]} -eq 0 ] || printf '%s\n' "${times[@]}"
  printf '%-10s %6d s to build\n\n' "$stage" "$built"
  exec ctest --preset "$@"
}

# longest PRESET: prints the tests that took longest in its last run.
longest() {
  awk '/ Testing: /{name=$3} /^Test time =/{print $4, name}' "build/$1/Testing/Temporary/LastTest.log" | sort -rn | head -n 5 |
    awk '{printf "%s%s %.0f s", NR == 1 ? "longest: " : ", ", $2, $1} END {print ""}'
}

# ThreadSanitizer of older clangs can't map its memory if the kernel randomizes too many bits of addresses.
plain_addresses=()
if setarch "$(uname -m)" -R true 2>/dev/null; then plain_addresses=(setarch "$(uname -m)" -R); fi

# The mail servers are downloaded meanwhile.
fetching=
if [[ " ${stages[*]} " == *" mta "* ]]; then
  mkdir -p build
  tests/fetch-mail-servers.sh build/mail-servers >build/mail-servers.log 2>&1 &
  fetching=$!
fi
trap 'end_builder; wait' EXIT # an installation isn't interrupted

for stage in "${stages[@]}"; do
  began "$stage"
  case "$stage" in
    format)
      sources | xargs clang-format-19 --dry-run -Werror
      ;;
    tidy)
      build release >/dev/null # generated headers
      sources | grep '\.cc$' | xargs -P "$jobs" -n 4 clang-tidy-19 -p build/release --quiet --warnings-as-errors='*' 2>/dev/null
      ;;
    asan)
      build_stage asan
      while_building ctest --preset asan
      longest asan
      ;;
    tsan)
      build_stage tsan
      BLOWBACK_TOOL=$PWD/build/release/bin/blowback while_building "${plain_addresses[@]}" ctest --preset tsan -L '^threads$'
      longest tsan
      ;;
    package)
      tests/package.sh
      ;;
    mta)
      wait "$fetching" || { cat build/mail-servers.log; exit 1; }
      if [[ " ${stages[*]} " != *" release "* ]]; then
        build_stage mta
        [ "$stage" != "${stages[-1]}" ] || finish release -L '^mta$'
        ctest --preset release -L '^mta$'
      fi
      ;;
    coverage)
      build_stage coverage
      find build/coverage -name '*.gcda' -delete
      ctest --preset coverage -LE '^mta$' || echo "some tests failed; the coverage includes all that ran"
      python3 tests/coverage.py build/coverage
      ;;
    basic)
      build_stage basic
      finish release -LE '^mta$'
      ;;
    release)
      build_stage release
      finish release
      ;;
  esac
  ended "$stage"
done
printf '\n== where the time went\n'
printf '%s\n' "${times[@]}"
