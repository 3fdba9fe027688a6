/** A service that does nothing until it is stopped. */
export const sleeper = '[Service]\nExecStart=/usr/bin/sleep infinity\n';
