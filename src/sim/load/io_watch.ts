/** Hears of every I/O that counts in the statistics, the verify pass apart. */
export interface IoWatch {
  /** I/O number `io` of a clone took `latencyNs`. */
  ended(clone: number, io: number, write: boolean, latencyNs: number): void;
}
