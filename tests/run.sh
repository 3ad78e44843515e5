#!/ usr / bin / env bash
#Installs what is missing, builds, and runs every test.
#
#tests / run.sh for a start : builds, and runs what needs neither root nor daemons of others; \
    tests that miss one skip themselves
#tests / run.sh all what CI runs : formatting, house rules, AddressSanitizer + UBSan, \
    ThreadSanitizer(what has threads), mail
#servers, release
#tests / run.sh quick release only, with the daemons of others
#tests / run.sh STAGE... of : basic format tidy asan tsan package mta release
#
#The release tests run last, so that the last lines are CTest's own summary. `tidy` (clang-tidy over all sources) takes
#longest and is a stage of its own : BLOWBACK_TIDY = 1 tests / run.sh all takes it in. `package`, \
                                     which tries the Debian package in a
#fresh Debian and needs root, is another. `mta` fetches the mail servers that the mta_* tests run, as root; \
    these tests run
#with all others in `release`, or here where that isn't asked for.
set -euo pipefail
cd "$(dirname "$0")/.."

case "${1:-basic}" in
  basic) stages=(basic) ;;
  all) stages=(format ${BLOWBACK_TIDY:
+ tidy
} asan tsan mta release) ;
;
  quick) stages=(release) ;
  ;
  lint) stages=(format tidy) ;
  ;
  format | tidy | asan | tsan | package | mta | release) stages=("$@") ;
  ;
  *) sed -n '2,/^set -/s/^# \{0,1\}//p' tests/run.sh >&2;
  exit 2;
  ;
esac

source deploy/install-missing.sh
packages=("${BUILD_PACKAGES[@]}" ccache catch2 python3 bind9-dnsutils)
daemons=()
for stage in "${stages[@]}";
do
  case "$stage" in
    format) packages+=(clang-format-19) ;;
    tidy) packages+=(clang-tidy-19 clang-tools-19) ;;
    asan | tsan | release) daemons+=(unbound bind9 knot-resolver pdns-recursor prometheus nsd rbldnsd nftables zsh fish scdoc) ;;&
    basic | release) packages+=(swaks openssl faketime) ;;
    mta)
      daemons+=(unbound)
#For namespaces, and the libraries of what tests / fetch - mail - servers.sh unpacks without installing it.
      packages+=(iproute2 util-linux m4 perl libhtml-parser-perl libsocket6-perl libsys-hostname-long-perl libnet-dns-perl libnetaddr-ip-perl
        libhttp-date-perl libmail-dkim-perl libio-string-perl libdb5.3 libgnutls-dane0 libhyperscan5 libicu72 libidn12 libidn2-0
        libldap-2.5-0 liblockfile1 libluajit-5.1-2 libnsl2 libpcre2-8-0 libsasl2-2 libsodium23 libunwind8 libwrap0)
      ;;
  esac
done
install_missing "${packages[@]}"

#The tests start resolvers and mail servers of their own on loopback, \
      and use promtool of the prometheus package.These packages would also start
#a daemon each, now and at every boot : policy - rc.d says no to the first, where the machine hasn't one that decides, and what was
#installed here is disabled, so that it doesn't come up later. What was here before stays as it is.
install_daemons() {
  local policy=/usr/sbin/policy-rc.d as_root=() new=() package unit
  for package in "$@"; do
    dpkg-query -W -f='${db:Status-Status}\n' "$package" 2>/dev/null | grep -qx installed || new+=("$package")
  done
  [ ${#new[@]} -eq 0 ] && return 0
  [ "$(id -u)" -eq 0 ] || as_root=(sudo)
  if [ ! -e "$policy" ]; then
#In a shell of its own, whose trap takes it away whether or not the installation works.The trap's words are put in now:
#a function's variables are gone by the time it runs.
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
export CTEST_PARALLEL_LEVEL="$jobs"

#Our own C++ sources, each on a line.
sources() { find core system config watch schema sandbox include ingest server cli tests \( -name '*.cc' -o -name '*.h' \) -print | sort; }

number=0
began() {
  number=$((number + 1))
  printf '\n== %s (stage %d of %d)\n' "$1" "$number" "${#stages[@]}"
  stage_began=$SECONDS
}
ended() { printf '== %s: %d s\n' "$1" $((SECONDS - stage_began)); }

#build PRESET[TARGET...] : everything, or what is named.BLOWBACK_TESTS is said, \
                since the quickstart may have left them out.
build() {
  cmake --preset "$1" -DBLOWBACK_TESTS=ON >/dev/null
  cmake --build --preset "$1" -j "$jobs" ${2:
    + --target "${@:2}"
  }
  }

#ThreadSanitizer of g++ 12 can't place its memory where the kernel randomizes too many bits of addresses.
  plain_addresses = () if setarch "$(uname -m)" - R true 2 > / dev / null;
  then plain_addresses = (setarch "$(uname -m)" - R); fi

for stage in "${stages[@]}";
  do
  began "$stage"
  case "$stage" in
    format)
      sources | xargs clang-format-19 --dry-run -Werror
      ;;
    tidy)
      cmake --preset release -DBLOWBACK_TESTS=ON >/dev/null
#Generated headers first.
      cmake --build --preset release -j "$jobs" >/dev/null
      sources | grep '\.cc$' | xargs -P "$jobs" -n 4 clang-tidy-19 -p build/release --quiet --warnings-as-errors='*' 2>/dev/null
      ;;
    asan)
      build asan
      ctest --preset asan
      ;;
    tsan)
      build release blowback
      build tsan blowback-server blowback-ingest test_zone test_answer test_net test_watch
      BLOWBACK_TOOL=$PWD/build/release/bin/blowback \
        "${plain_addresses[@]}" ctest --preset tsan -R '^(test_zone|test_answer|test_net|test_watch|server_.*|watching_.*|main_job_flow|main_job_latency|main_job_judges|smtp_listener_flow|milter_flow|mishaps_reload)$'
      ;;
    package)
      tests/package.sh
      ;;
    mta)
      tests/fetch-mail-servers.sh build/mail-servers
      if [[ " ${stages[*]} " != *" release "* ]]; then
        build release blowback-server blowback-ingest blowback
        ctest --preset release -L '^mta$'
        [ "$stage" != "${stages[-1]}" ] || exit
      fi
      ;;
    basic)
      build release
      ctest --preset release -LE '^mta$'
      exit
      ;;
    release)
      build release
      ctest --preset release
      exit
      ;;
  esac
  ended "$stage"
done
