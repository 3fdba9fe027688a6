#!/bin/sh
# Installs Flotilla on a machine with systemd and without dpkg, or takes it off again.
#
#   install.sh                      into /usr/local; over an older one: an upgrade
#   install.sh --prefix /opt/fleet  programs elsewhere, as where /usr is read-only
#   install.sh --uninstall          stops fleetd and removes all but configuration and state
#   install.sh --uninstall --purge  those as well
#
# An upgrade restarts fleetd and nothing else. Units of the fleet run on through all of it.
set -eu

say() {
  echo "install.sh: $1" >&2
}

refuse() {
  say "$1"
  say "$2"
  exit "${3:-1}"
}

#PURGE#
top=$(dirname "$(readlink -f "$0")")
units=/etc/systemd
list=/etc/fleet/.installed
prefix=/usr/local
uninstall=
purge=
while [ $# -gt 0 ]; do
  case $1 in
    --prefix) [ $# -gt 1 ] || refuse '--prefix needs a folder' 'as in --prefix /opt/fleet' 2
      prefix=${2%/}
      shift ;;
    --prefix=*) prefix=${1#--prefix=} ;;
    --uninstall) uninstall=yes ;;
    --purge) purge=yes ;;
    --help | -h) sed -n 's/^# \{0,1\}//; 2,9p' "$0" && exit 0 ;;
    *) refuse "what is '$1'?" 'install.sh [--prefix FOLDER] | --uninstall [--purge]' 2 ;;
  esac
  shift
done
case $prefix in
  /*) ;;
  *) refuse "the prefix '$prefix' is not absolute" 'as in --prefix /opt/fleet' 2 ;;
esac
[ -z "$purge" ] || [ -n "$uninstall" ] || refuse '--purge alone?' 'install.sh --uninstall --purge' 2
[ "$(id -u)" = 0 ] || refuse 'only root can install' "sudo $0"
command -v systemctl >/dev/null || refuse 'there is no systemctl' 'Flotilla needs systemd'
if command -v dpkg-query >/dev/null && dpkg-query -W -f '${db:Status-Status}' flotilla 2>/dev/null |
  grep -q '^installed$'; then
  refuse 'the Debian package flotilla is installed here' 'apt-get install ./flotilla_*.deb upgrades it'
fi

is_booted() {
  [ -d /run/systemd/system ]
}

# Where a file of the tarball goes.
place_of() {
  case $1 in
    usr/lib/systemd/*) echo "$units/${1#usr/lib/systemd/}" ;;
    usr/share/zsh/vendor-completions/*) echo "$prefix/share/zsh/site-functions/${1##*/}" ;;
    usr/*) echo "$prefix/${1#usr/}" ;;
    *) echo "/$1" ;;
  esac
}

# A folder that was not there goes again when it is empty.
make_folder() {
  [ ! -d "$1" ] || return 0
  make_folder "$(dirname "$1")"
  mkdir "$1"
  echo "$1" >>$list.new
}

# Each by a new file under the old name: a fleetd that runs goes on with what it has open.
place() {
  make_folder "$(dirname "$2")"
  case $1 in
    usr/lib/systemd/*)
      sed "s|/usr/bin/fleet|$prefix/bin/fleet|g" "$top/$1" >"$2.new"
      chmod 644 "$2.new" ;;
    *) cp -P "$top/$1" "$2.new"
      [ -L "$2.new" ] || chown 0:0 "$2.new" ;;
  esac
  mv -f "$2.new" "$2"
  echo "$2" >>$list.new
}

install() {
  cd "$top"
  "$top/usr/bin/fleet" fleetctl --version >/dev/null ||
    refuse 'its programs do not run on this machine' "this is $(uname -m): is the tarball for it?"
  getent group fleet >/dev/null || groupadd --system fleet
  is_new=yes
  [ ! -e $list ] || is_new=
  mkdir -p /etc/fleet
  : >$list.new
  find usr -type f -o -type l | sort | while read -r file; do
    place "$file" "$(place_of "$file")"
  done
  [ -e /etc/fleet/fleet.conf ] || cp etc/fleet/fleet.conf /etc/fleet/fleet.conf
  if [ -z "$is_new" ]; then
    # What an older version had and this one has not goes; folders made then stay on the list.
    grep -vxFf $list.new $list | while read -r path; do
      if [ -d "$path" ]; then echo "$path" >>$list.new; else rm -f "$path"; fi
    done
  fi
  mv -f $list.new $list
  [ -z "$is_new" ] || systemctl enable fleet.socket fleet-leave.service fleet.service
  is_booted || return 0
  systemctl daemon-reload
  if [ -n "$is_new" ]; then
    systemctl start fleet.socket fleet-leave.service fleet.service ||
      say 'fleetd did not start: journalctl -u fleet says why'
  else
    systemctl try-restart fleet.service || say 'fleetd did not start: journalctl -u fleet says why'
  fi
}

uninstall() {
  if [ -e $list ]; then
    if is_booted; then
      systemctl stop fleet.socket fleet.service fleet-leave.service fleet-cloudinit.service || true
      running=$(running_units)
      [ -z "$running" ] || say "they run on, and will be started on other machines as well:$running"
    fi
    systemctl disable fleet.socket fleet-leave.service fleet.service fleet-cloudinit.service || true
    sort -r $list | while read -r path; do
      if [ -d "$path" ] && [ ! -L "$path" ]; then
        rmdir "$path" 2>/dev/null || true
      else
        rm -f "$path"
      fi
    done
    rm -f $list
    ! is_booted || systemctl daemon-reload
  elif [ -z "$purge" ]; then
    refuse 'it is not installed here by install.sh' "$list would say so"
  fi
  [ -z "$purge" ] || purge_fleet
}

if [ -n "$uninstall" ]; then uninstall; else install; fi
