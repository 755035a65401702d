/**
 * What a request meets that nobody claims (PCIe Base Specification, Unsupported Request; "master abort" in PCI's words): a
 * read completes without data, which is all ones to whoever does not look at the status; a posted write has no completion and
 * is lost.
 *
 * Two areas behind the end of the address map stand for it, so that such accesses are runs like any others: one that reads
 * as ones, one that takes writes and is never read.
 */
import { ADDR_LIMIT, type Phys } from "../base/addr.ts";
import type { Arena } from "../shm/arena.ts";
import { fillPhys } from "./copy.ts";

/** Bytes of each area: the longest run that one of them stands for. */
export const ABORT_AREA_BYTES = 2 ** 16;
/** Reads as ones. */
export const ABORT_ONES: Phys = ADDR_LIMIT - 2 * ABORT_AREA_BYTES;
/** Takes writes. */
export const ABORT_SINK: Phys = ADDR_LIMIT - ABORT_AREA_BYTES;
const ALL_ONES = 0xff;

/** Coordinator, before a run with a device that ignores aborts. */
export function initMasterAbort(arena: Arena): void {
  fillPhys(arena, ABORT_ONES, ALL_ONES, ABORT_AREA_BYTES);
}
