# The units of the fleet that run on this machine, each after a space.
running_units() {
  for file in /run/fleet/units/*; do
    case $(systemctl is-active "${file##*/}" 2>/dev/null) in
      active | activating | reloading | deactivating) printf ' %s' "${file##*/}" ;;
    esac
  done
}

# Removes what fleetd left on this machine, and the group. Units of the fleet that run are not
# stopped, and as long as one does, the files of all stay: systemd would lose the rest of a unit,
# its Restart= included, at the next daemon-reload. They lie in /run, so a reboot takes them.
purge_fleet() {
  rm -rf /var/lib/fleet /var/cache/fleet
  # etcd.env and certificates may be those of an etcd that runs on.
  rm -f /etc/fleet/fleet.conf
  rmdir /etc/fleet 2>/dev/null || [ ! -e /etc/fleet ] || echo "flotilla: left: $(echo /etc/fleet/*)"
  if getent group fleet >/dev/null; then
    groupdel fleet || true # it stays when it is somebody's main group
  fi

  running=$(running_units)
  if [ -n "$running" ]; then
    echo "flotilla: still running, with files in /run until the next boot:$running"
    return
  fi
  rm -rf /run/fleet /run/fleet.sock
  [ -d /run/systemd/system ] || return 0
  # They watch over units with OnPartition=stop, of which none is left.
  systemctl stop fleet-deadline.service fleet-isolated.service 2>/dev/null || true
  cd /run/systemd/system
  rm -f fleet-deadline.service fleet-isolated.service
  # A unit's own link and those of its [Install] section, then other names, which lead to the first.
  find . -type l -lname '/run/fleet/units/*' | while read -r link; do
    find . -maxdepth 1 -type l -lname "/run/systemd/system/${link##*/}" -delete
    rm -f "$link"
  done
  find . -path '*.d/10-fleet.conf' -delete -o -path '*.d/20-fleet-partition.conf' -delete
  find . -mindepth 1 -type d -empty -delete
  cd /
  systemctl daemon-reload || true
}
