#!/bin/sh
# Installs the Debian packages that are missing here; silent and quick when none is.
# Says what it installs on stderr. Starts none of the services that come with them.
#
#   scripts/packages.sh              what fleetlab needs
#   scripts/packages.sh PACKAGE…     these
set -eu

[ $# -gt 0 ] || set -- systemd-container dbus etcd-server etcd-client iproute2 util-linux

refuse() {
  echo "flotilla: $1" >&2
  echo "flotilla: $2" >&2
  exit 1
}

if ! command -v dpkg-query >/dev/null; then
  refuse "this is not Debian: packages cannot be installed here" \
    "install what corresponds to $* and run the programs themselves"
fi

missing=
for package; do
  status=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)
  [ "$status" = installed ] || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

line="apt-get update && apt-get install --no-install-recommends$missing"
command -v apt-get >/dev/null || refuse "missing:$missing, and there is no apt-get" "install them"
[ "$(id -u)" = 0 ] || refuse "missing:$missing, and only root can install" "sudo sh -c '$line'"

echo "flotilla: installing$missing…" >&2
log=$(mktemp)
policy=/usr/sbin/policy-rc.d
cleanup() {
  rm -f "$log"
  [ -z "${policy_is_ours:-}" ] || rm -f "$policy"
}
trap cleanup EXIT
trap 'exit 130' INT TERM HUP

# Debian starts a service once its package is there, unless this file says that it must not.
if [ ! -e "$policy" ]; then
  policy_is_ours=yes
  printf '#!/bin/sh\nexit 101\n' >"$policy"
  chmod 755 "$policy"
fi

# cloud-init would make this computer anew at its next boot, where it finds user-data of a provider.
case "$missing " in
*' cloud-init '*)
  mkdir -p /etc/cloud
  [ -e /etc/cloud/cloud-init.disabled ] ||
    echo 'installed by flotilla for its machines only' >/etc/cloud/cloud-init.disabled
  ;;
esac

install() {
  # shellcheck disable=SC2086 # one word a package
  DEBIAN_FRONTEND=noninteractive apt-get -qq -y -o DPkg::Lock::Timeout=120 \
    install --no-install-recommends $missing >>"$log" 2>&1 </dev/null
}

known=$(find /var/lib/apt/lists -name '*_Packages*' -print -quit 2>/dev/null || true)
if [ -z "$known" ] || ! install; then
  echo 'flotilla: asking for the list of packages (apt-get update)…' >&2
  apt-get -qq -o DPkg::Lock::Timeout=120 update >>"$log" 2>&1 </dev/null || true
  if ! install; then
    tail -n 20 "$log" >&2
    refuse "the packages could not be installed:$missing" "see why: $line"
  fi
fi
