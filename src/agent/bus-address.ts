/** Where the system bus listens: `DBUS_SYSTEM_BUS_ADDRESS`, else the usual socket. */
export function systemBusAddress(
  environment: Readonly<Record<string, string | undefined>>,
): string {
  return environment['DBUS_SYSTEM_BUS_ADDRESS'] || 'unix:path=/run/dbus/system_bus_socket';
}
