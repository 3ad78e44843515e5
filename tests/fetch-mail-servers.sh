#!/usr/bin/env bash
# Fetches Debian's packages of the mail servers and filters that the mta_* tests run, and unpacks each into a folder of its own.
#
#   tests/fetch-mail-servers.sh FOLDER      FOLDER/postfix, FOLDER/exim, …
#
# They aren't installed: as packages they exclude each other and whatever mail server the machine has, and they would start
# daemons. The libraries that they depend on are installed. A second run is done at once.
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
  echo "Fetching what the tests run of $program: $wanted"
  new=$(mktemp -d "$folder/.new.XXXXXX")
  trap 'rm -rf "$new"' EXIT
  # The lists of packages may be older than the packages. apt's own user can't write here, which apt warns of.
  for try in 1 2; do
    # shellcheck disable=SC2086
    (cd "$new" && apt-get download -qq -o APT::Sandbox::User=root $wanted) && break
    [ "$try" -eq 1 ] || exit 1
    if [ "$(id -u)" -eq 0 ]; then apt-get update -qq; else sudo apt-get update -qq; fi
  done
  for archive in "$new"/*.deb; do
    # Of alternatives the first; without versions and architectures, and without what runs in a browser.
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

# Some names are those of no package: perl itself provides them.
mapfile -t libraries < <(sort -u "$folder"/*/.libraries | xargs apt-cache show --no-all-versions 2>/dev/null | sed -n 's/^Package: //p')
install_missing "${libraries[@]}"
