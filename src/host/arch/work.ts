/**
 * What one call on an ops table did, collected while it runs: operations as data, counts, log lines.
 */
import type { CostRecord } from "../../base/cost.ts";
import { linesSpanned } from "../dma/cache_sync.ts";
import type { CacheOp, CacheOpName, Refusal, TableWord } from "./operations.ts";

/** Errno of a list that the kernel's code cannot take (EINVAL). */
const EINVAL = -22;

/** Collector of one call; also adds to the CPU's cost record. */
export class ArchWork {
  readonly cacheOps: CacheOp[] = [];
  readonly tableEntries: TableWord[] = [];
  readonly messages: string[] = [];
  readonly hazards: string[] = [];
  skippedFlushes = 0;
  tlbFlushes = 0;
  repeatedFlushes = 0;
  lineReadModifyWrites = 0;
  hypercalls = 0;
  refusal: Refusal | null = null;
  readonly #cost: CostRecord;

  constructor(cost: CostRecord) {
    this.#cost = cost;
  }

  /** Records an operation on [addr, addr + bytes) of the inner or outer cache. */
  cacheOp(
    op: CacheOpName | "none",
    entry: number,
    addr: number,
    bytes: number,
    cache: CacheOp["cache"] = "inner",
  ): void {
    if (op === "none") return;
    this.cacheOps.push({ op, entry, addr, bytes, cache });
    this.#cost.linesFlushed += linesSpanned(addr, bytes);
  }

  tableWord(index: number, lo: number, hi: number): void {
    this.tableEntries.push({ index, lo, hi });
    this.#cost.ptesWritten += 1;
  }

  cleared(entries: number): void {
    this.#cost.ptesCleared += entries;
  }

  /** One command that drops stale translations. */
  flushTlb(): void {
    this.tlbFlushes += 1;
    this.#cost.invalidations += 1;
  }

  log(line: string): void {
    this.messages.push(line);
  }

  /** Notes once what goes wrong silently. */
  hazard(clause: string): void {
    if (!this.hazards.includes(clause)) this.hazards.push(clause);
  }

  /** The first refusal stands. */
  refuse(site: string, entry: number, text: string): void {
    this.refusal ??= { site, entry, errno: EINVAL, text };
  }

  /** The kernel stops the machine: its text is logged and stands in the refusal. */
  panic(text: string): void {
    this.log(text);
    this.refuse("panic", -1, text);
  }
}
