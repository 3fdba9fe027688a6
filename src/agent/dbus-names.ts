/** The names systemd and the bus go by. */
export const systemdName = 'org.freedesktop.systemd1';
export const managerPath = '/org/freedesktop/systemd1';
export const managerInterface = 'org.freedesktop.systemd1.Manager';
export const unitInterface = 'org.freedesktop.systemd1.Unit';
export const busName = 'org.freedesktop.DBus';
export const busPath = '/org/freedesktop/DBus';
export const propertiesInterface = 'org.freedesktop.DBus.Properties';
export const peerInterface = 'org.freedesktop.DBus.Peer';
