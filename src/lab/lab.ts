/** Which lab a call is about, and whom to tell how it goes. */
export interface LabContext {
  readonly lab: string;
  /** Told one line a step of what takes time. */
  readonly say: (line: string) => void;
  /** Aborts long calls between two steps; what was made stays for `downLab`. */
  readonly signal?: AbortSignal;
}
