#!/usr/bin/env bash
# Fetches Debian's packages of the mail servers and filters that the mta_* tests run, and unpacks each into a folder of its own.
#
#   tests/fetch-mail-servers.sh FOLDER      FOLDER/postfix, FOLDER/exim, …
#
# They aren't installed, since the packages conflict with each other and with the machine's own mail server, and would start
# daemons. The libraries that they depend on are installed. A second run does nothing.
set -euo pipefail
folder=${1:?tests/fetch-mail-servers.sh FOLDER}
source "$(dirname "$0")/../deploy/install-missing.sh"

declare -A packages=(
  [postfix]="postfix"
  [exim]="exim4-daemon-light"
  [sendmail]="sendmail-bin sendmail-base sendmail-cf"
  [rspamd]="rspamd"
  [spamassassin]="spamassassin"
)

mkdir -p "$folder"
folder=$(cd "$folder" && pwd)
for program in "${!packages[@]}"; do
  wanted=${packages[$program]}
  [ "$(cat "$folder/$program/.packages" 2>/dev/null)" = "$wanted" ] && [ -f "$folder/$program/.libraries" ] && continue
  echo "Fetching the packages of $program for the tests: $wanted"
  new=$(mktemp -d "$folder/.new.XXXXXX")
  trap 'rm -rf "$new"' EXIT
  # The package lists may be older than the packages. apt's own user can't write here; without the option apt would warn.
  for try in 1 2; do
    # shellcheck disable=SC2086
    (cd "$new" && apt-get download -qq -o APT::Sandbox::User=root $wanted) && break
    [ "$try" -eq 1 ] || exit 1
    if [ "$(id -u)" -eq 0 ]; then apt-get update -qq; else sudo apt-get update -qq; fi
  done
  for archive in "$new"/*.deb; do
    # Of alternatives take the first; drop versions, architectures and JavaScript libraries.
    dpkg-deb -f "$archive" Pre-Depends Depends | tr ',' '\n' | sed -E 's/^([A-Za-z-]+:)? *//; s/[ |:(].*//' | grep '^lib' | grep -v '^libjs-' >>"$new/.libraries" || true
    dpkg-deb -x "$archive" "$new"
    rm "$archive"
  done
  echo "$wanted" >"$new/.packages"
  chmod 755 "$new"
  rm -rf "${folder:?}/$program"
  mv "$new" "$folder/$program"
  trap - EXIT
done

# Some names aren't packages: perl itself provides them.
mapfile -t libraries < <(sort -u "$folder"/*/.libraries | xargs apt-cache show --no-all-versions 2>/dev/null | sed -n 's/^Package: //p')
install_missing "${libraries[@]}"
