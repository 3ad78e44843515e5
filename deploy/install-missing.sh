# Sourced by deploy/quickstart.sh and tests/run.sh: installs the Debian packages that are needed and missing.

# The packages that the build needs.
BUILD_PACKAGES=(cmake ninja-build g++ pkg-config libldns-dev libsqlite3-dev libspdlog-dev libfmt-dev libgmime-3.0-dev
  libre2-dev libtomlplusplus-dev libcli11-dev nlohmann-json3-dev libssl-dev libsodium-dev libasio-dev libmilter-dev libmicrohttpd-dev libseccomp-dev libpsl-dev libuchardet-dev)

# install_missing PACKAGE...: names the missing ones and installs them with apt-get, as root or with sudo. Prints nothing if none is missing.
install_missing() {
  local present missing=() as_root=()
  # dpkg-query fails if it doesn't know one of the names; it lists the others all the same.
  present=$(dpkg-query -W -f='${Package} ${db:Status-Status}\n' "$@" 2>/dev/null | awk '$2 == "installed" {print $1}' || true)
  for package in "$@"; do
    grep -qxF "$package" <<<"$present" || missing+=("$package")
  done
  [ ${#missing[@]} -eq 0 ] && return 0
  echo "Installing missing packages: ${missing[*]}"
  if [ "$(id -u)" -ne 0 ]; then
    if ! command -v sudo >/dev/null; then
      echo "This needs root or sudo. As root: apt-get install --no-install-recommends ${missing[*]}" >&2
      return 1
    fi
    as_root=(sudo)
  fi
  "${as_root[@]}" apt-get update -qq
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" </dev/null >/dev/null
}
