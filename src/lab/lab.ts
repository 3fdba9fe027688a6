// lab: clusters of real machines on this computer, each a systemd-nspawn on an overlay of its root.
// Must not know what fleetd does: it starts it and asks its API who is there, as any user could.
// Start with up.ts and follow what it calls; down.ts is its mirror; commands/ is what a user types.

/** Which lab a call is about, and whom to tell how it goes. */
export interface LabContext {
  readonly lab: string;
  /** Told one line a step of what takes time. */
  readonly say: (line: string) => void;
  /** Aborts long calls between two steps; what was made stays for `downLab`. */
  readonly signal?: AbortSignal;
}
