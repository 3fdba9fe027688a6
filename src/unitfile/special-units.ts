/** Units that systemd.special(7) gives a meaning, by type and without it. */
const systemdUnits: Readonly<Record<string, string>> = {
  target: `
    basic blockdev@ bluetooth boot-complete cryptsetup cryptsetup-pre ctrl-alt-del default emergency
    exit factory-reset final first-boot-complete getty getty-pre graphical graphical-session
    graphical-session-pre halt hibernate hybrid-sleep initrd initrd-fs initrd-root-device
    initrd-root-fs initrd-usr-fs integritysetup integritysetup-pre kbrequest kexec local-fs
    local-fs-pre machines multi-user network network-online network-pre nss-lookup nss-user-lookup
    paths poweroff printer reboot remote-cryptsetup remote-fs remote-fs-pre remote-veritysetup
    rescue rpcbind runlevel0 runlevel1 runlevel2 runlevel3 runlevel4 runlevel5 runlevel6 shutdown
    sigpwr sleep slices smartcard sockets soft-reboot sound suspend suspend-then-hibernate swap
    sysinit system-update system-update-pre time-set time-sync timers umount usb-gadget veritysetup
    veritysetup-pre xdg-desktop-autostart`,
  slice: '- app background machine session system user',
  mount: '- sysroot sysroot-usr sysusr-usr',
  socket: 'dbus syslog',
  service: 'dbus dbus-broker display-manager system-update-cleanup systemd-soft-reboot user@',
};

/** Units that systemd.special(7) gives a meaning. */
export const specialUnits: ReadonlySet<string> = new Set(
  Object.entries(systemdUnits).flatMap(([type, stems]) =>
    stems
      .trim()
      .split(/\s+/)
      .map((stem) => `${stem}.${type}`),
  ),
);

/** Units that belong to this project and must not be replaced through it. */
export const ownUnits: ReadonlySet<string> = new Set([
  'fleet.service',
  'fleet.socket',
  'fleet-leave.service',
  'fleet-cloudinit.service',
  'fleet-deadline.service',
  'fleet-isolated.service',
]);
