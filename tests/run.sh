#!/usr/bin/env bash
# Installs what is missing, builds, and runs every test.
#
#   tests/run.sh            formatting, house rules, AddressSanitizer+UBSan, ThreadSanitizer (server), release
#   tests/run.sh quick      release only
#   tests/run.sh STAGE...   of: format tidy asan tsan release
#
# The release tests run last, so that the last lines are CTest's own summary. `tidy` (clang-tidy over all sources) takes
# longest and is a stage of its own: BLOWBACK_TIDY=1 tests/run.sh takes it in.
set -euo pipefail
cd "$(dirname "$0")/.."

case "${1:-all}" in
  all) stages=(format ${BLOWBACK_TIDY:+tidy} asan tsan release) ;;
  quick) stages=(release) ;;
  lint) stages=(format tidy) ;;
  format | tidy | asan | tsan | release) stages=("$@") ;;
  *) sed -n '2,/^set -/s/^# \{0,1\}//p' tests/run.sh >&2; exit 2 ;;
esac

source deploy/install-missing.sh
packages=("${BUILD_PACKAGES[@]}" ccache catch2 python3 bind9-dnsutils unbound)
for stage in "${stages[@]}"; do
  case "$stage" in
    format) packages+=(clang-format-19) ;;
    tidy) packages+=(clang-tidy-19 clang-tools-19) ;;
  esac
done
install_missing "${packages[@]}"

jobs=$(nproc)
export CTEST_PARALLEL_LEVEL="$jobs"

# Our own C++ sources, each on a line.
sources() { find core config schema include ingest server cli tests \( -name '*.cc' -o -name '*.h' \) -print | sort; }

began() {
  printf '\n== %s\n' "$1"
  stage_began=$SECONDS
}
ended() { printf '== %s: %d s\n' "$1" $((SECONDS - stage_began)); }

# build PRESET [TARGET...]: everything, or what is named. BLOWBACK_TESTS is said, since the quickstart may have left them out.
build() {
  cmake --preset "$1" -DBLOWBACK_TESTS=ON >/dev/null
  cmake --build --preset "$1" -j "$jobs" ${2:+--target "${@:2}"}
}

# ThreadSanitizer of g++ 12 can't place its memory where the kernel randomizes too many bits of addresses.
plain_addresses=()
if setarch "$(uname -m)" -R true 2>/dev/null; then plain_addresses=(setarch "$(uname -m)" -R); fi

for stage in "${stages[@]}"; do
  began "$stage"
  case "$stage" in
    format)
      sources | xargs clang-format-19 --dry-run -Werror
      ;;
    tidy)
      cmake --preset release -DBLOWBACK_TESTS=ON >/dev/null
      # Generated headers first.
      cmake --build --preset release -j "$jobs" >/dev/null
      sources | grep '\.cc$' | xargs -P "$jobs" -n 4 clang-tidy-19 -p build/release --quiet --warnings-as-errors='*' 2>/dev/null
      ;;
    asan)
      build asan
      ctest --preset asan
      ;;
    tsan)
      build tsan blowback-server blowback-ingest blowback test_zone test_answer
      "${plain_addresses[@]}" ctest --preset tsan -R '^(test_zone|test_answer|server_.*|main_job_flow|main_job_latency)$'
      ;;
    release)
      build release
      ctest --preset release
      exit
      ;;
  esac
  ended "$stage"
done
