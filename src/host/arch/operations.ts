/**
 * What an ops table records while it works: cache operations, translations, refusals. Plain data for reports and tests.
 */

/** What a cache operation does to its lines; `flush` writes back, then invalidates. */
export type CacheOpName = "writeback" | "invalidate" | "flush";

/** One recorded operation. `entry` counts from 0, -1 = the whole list; `addr` is a virtual or physical address as the row says. */
export interface CacheOp {
  readonly op: CacheOpName;
  readonly entry: number;
  readonly addr: number;
  readonly bytes: number;
  readonly cache: "inner" | "outer" | "whole";
}

/** Why a list was not mapped, beyond a full table. */
export interface Refusal {
  /** Where: `BUG`, `panic`, `struct page`, `kernel virtual address`, `map_page`, `coherence-index`. */
  readonly site: string;
  /** Entry that decided, -1 = the list. */
  readonly entry: number;
  /** Negative errno that names it; the call itself returns ret. */
  readonly errno: number;
  readonly text: string;
}

/** One translation written: `lo` and `hi` are the halves of the encoded word; `hi` is 0 for 32-bit entries. */
export interface TableWord {
  readonly index: number;
  readonly lo: number;
  readonly hi: number;
}
