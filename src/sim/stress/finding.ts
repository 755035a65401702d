/** What a stress run reports against the code under test. */

/** Kinds of findings. */
export type FindingKind =
  | "wrong data"
  | "guard"
  | "device fault"
  | "refused"
  | "dma-debug"
  | "unexplained fault"
  | "exception"
  | "leak"
  | "lock"
  | "worker";

/** The first thing that is wrong; plain data. */
export interface Finding {
  readonly kind: FindingKind;
  readonly text: string;
  /** Operation of the worker's list; -1 = found at the end. */
  readonly op: number;
  /** -1 = no single worker. */
  readonly worker: number;
}

/** Ends the worker that found something. */
export class FindingError extends Error {
  override readonly name = "FindingError";
  readonly kind: FindingKind;

  constructor(kind: FindingKind, text: string) {
    super(text);
    this.kind = kind;
  }
}
