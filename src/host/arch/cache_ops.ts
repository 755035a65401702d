/**
 * Cache maintenance as data: rules by direction, and the shared mechanism of architectures without snooping DMA.
 *
 * A row of this kind is a {@link NoncoherentSpec}: where the device's address comes from, which operation each call
 * does in each direction, on which address, and the few habits that differ (whole pages, line ends, null addresses).
 */
import { alignDown, lowBits, pagesSpanned } from "../../base/addr.ts";
import { SG } from "../../shm/layout.ts";
import { sgNext } from "../../shm/sg_entry.ts";
import { DIR } from "../dma/device.ts";
import { dmaCapable } from "../dma/limits.ts";
import { sgDmaAddress, sgHasPage, sgLength, sgPhys, sgSetDma } from "../dma/scatterlist.ts";
import { eachEntry, kvaOf, NO_VA } from "./entry.ts";
import type { CacheOpName } from "./operations.ts";
import { skipsCacheWork } from "./pageless.ts";
import type { ArchOps, ArchRequest, ArchRow, CacheRule, CacheRules } from "./types.ts";
import type { ArchWork } from "./work.ts";

/** Nothing in any direction. */
export const NO_CACHE_RULE: CacheRule = Object.freeze({ toDevice: "none", fromDevice: "none", bidirectional: "none" });
/** Write back, invalidate, or both: what most CPUs do before a transfer. */
export const BY_DIRECTION: CacheRule = Object.freeze({
  toDevice: "writeback",
  fromDevice: "invalidate",
  bidirectional: "flush",
});
/** Rules of a machine whose DMA snoops. */
export const NO_CACHE: CacheRules = Object.freeze({
  by: "none",
  map: NO_CACHE_RULE,
  unmap: NO_CACHE_RULE,
  syncCpu: NO_CACHE_RULE,
  syncDevice: NO_CACHE_RULE,
});

/** A rule that does the same in every direction. */
export function always(op: CacheOpName): CacheRule {
  return { toDevice: op, fromDevice: op, bidirectional: op };
}

/** The rule's operation in direction `dir` (a DIR). */
export function opFor(rule: CacheRule, dir: number): CacheOpName | "none" {
  if (dir === DIR.toDevice) return rule.toDevice;
  return dir === DIR.fromDevice ? rule.fromDevice : rule.bidirectional;
}

/** Habits of a row without snooping DMA; missing = the usual way. */
export interface NoncoherentHabits {
  /** Where dma_address comes from; default the physical address. `untouched`: the driver has set it. */
  readonly address?: "phys" | "kva" | "untouched";
  /** False: the row leaves dma_length alone. */
  readonly setsLength?: boolean;
  /** High memory is mapped page by page for the operation; without it the row has no high memory. */
  readonly kmaps?: boolean;
  /** Before the series an entry without a virtual address is passed over, its DMA side untouched. */
  readonly passesOverNoVa?: boolean;
  /** `first`: one page from the start of the entry's page; `each`: every page of the entry as a whole. */
  readonly wholePages?: "first" | "each";
  /** An invalidate whose start or length is no multiple of the line becomes a flush. */
  readonly flushesPartialLines?: boolean;
  /** Refuses what the device's mask does not reach. */
  readonly checksMask?: boolean;
  /** Devices that snoop need nothing. */
  readonly honoursCoherent?: boolean;
  /** unmap and sync_for_cpu, or sync_for_cpu only, work only where the CPU prefetches (ArchOptions.prefetches). */
  readonly onlyIfPrefetching?: "unmap-and-sync" | "sync";
  /** Uncached window of the kernel: start, end. */
  readonly uncachedVa?: readonly [number, number];
}

/** The ops of a row without snooping DMA and without translation. */
export function noncoherentOps(habits: NoncoherentHabits): ArchOps {
  return {
    map: (row, request, work) => mapList(row, habits, request, work),
    unmap: (row, request, work) => maintainList(row, habits, request, work, row.cache.unmap, "unmap"),
    sync: (row, request, work, forCpu) =>
      maintainList(
        row,
        habits,
        request,
        work,
        forCpu ? row.cache.syncCpu : row.cache.syncDevice,
        forCpu ? "cpu" : "map",
      ),
  };
}

function mapList(row: ArchRow, habits: NoncoherentHabits, request: ArchRequest, work: ArchWork): number {
  const { arena } = request.ctx;
  const op = opFor(row.cache.map, request.dir);
  let sg = request.sg;
  for (let entry = 0; entry < request.nents && sg !== 0; entry += 1, sg = sgNext(arena, sg)) {
    if (habits.checksMask === true && !dmaCapable(request.device, sgPhys(arena, sg), sgLength(arena, sg))) {
      logOverflow(row, request, work, sg);
      return 0;
    }
    if (isPassedOver(habits, request, entry, sg)) {
      work.hazard("an entry without a virtual address is passed over: its DMA address is whatever it held before");
      continue;
    }
    maintainEntry(row, habits, request, work, op, sg, entry);
    setAddress(habits, request, sg, entry);
  }
  if (row.cache.by === "whole" && op !== "none") work.cacheOp(op, -1, 0, 0, "whole");
  return request.nents;
}

function maintainList(
  row: ArchRow,
  habits: NoncoherentHabits,
  request: ArchRequest,
  work: ArchWork,
  rule: CacheRule,
  call: "map" | "unmap" | "cpu",
): void {
  const op = opFor(rule, request.dir);
  const speculative = call === "cpu" || (call === "unmap" && habits.onlyIfPrefetching === "unmap-and-sync");
  if (habits.onlyIfPrefetching !== undefined && speculative && request.unit.options.prefetches !== true) return;
  if (row.cache.by === "whole") {
    if (op !== "none") work.cacheOp(op, -1, 0, 0, "whole");
    return;
  }
  eachEntry(request, (sg, entry) => {
    if (!isPassedOver(habits, request, entry, sg)) maintainEntry(row, habits, request, work, op, sg, entry);
  });
}

/** One entry's operation, unless its direction, its device or its missing page spares it. */
function maintainEntry(
  row: ArchRow,
  habits: NoncoherentHabits,
  request: ArchRequest,
  work: ArchWork,
  op: CacheOpName | "none",
  sg: number,
  entry: number,
): void {
  const { arena } = request.ctx;
  if (op === "none" || row.cache.by === "none" || row.cache.by === "whole") return;
  if (habits.honoursCoherent === true && request.device.coherent) return;
  if (skipsCacheWork(row, request, work, sg)) return;
  const bytes = sgLength(arena, sg);
  const phys = sgPhys(arena, sg);
  const addr = row.cache.by === "phys" ? phys : kvaOf(request, entry, sg);
  const uncached = habits.uncachedVa;
  if (uncached !== undefined && addr >= uncached[0] && addr < uncached[1]) return;
  if (addr !== NO_VA) maintainRange(habits, request, work, op, entry, addr, bytes);
  else if (habits.kmaps === true) eachKmap(request, phys, bytes, (at, part) => work.cacheOp(op, entry, at, part));
  else if (sgHasPage(arena, sg)) {
    work.hazard("the gate is has page, not has virtual address: a page without one is flushed through null");
    work.cacheOp(op, entry, 0, bytes);
  }
}

function maintainRange(
  habits: NoncoherentHabits,
  request: ArchRequest,
  work: ArchWork,
  op: CacheOpName,
  entry: number,
  addr: number,
  bytes: number,
): void {
  const { pageBytes, options } = request.unit;
  const line = options.lineBytes ?? 32;
  const partial = lowBits(addr, line) !== 0 || lowBits(bytes, line) !== 0;
  if (habits.wholePages === "first") work.cacheOp(op, entry, alignDown(addr, pageBytes), pageBytes);
  else if (habits.wholePages === "each") {
    const pages = pagesSpanned(addr, bytes, pageBytes);
    for (let i = 0; i < pages; i += 1) work.cacheOp(op, entry, alignDown(addr, pageBytes) + i * pageBytes, pageBytes);
  } else if (habits.flushesPartialLines === true && op === "invalidate" && partial) {
    work.cacheOp("flush", entry, addr, bytes);
  } else work.cacheOp(op, entry, addr, bytes);
}

/** Pieces of [phys, phys + bytes) that a temporary mapping shows one after the other: one page each. */
export function eachKmap(
  request: ArchRequest,
  phys: number,
  bytes: number,
  visit: (addr: number, bytes: number) => void,
): void {
  const { pageBytes } = request.unit;
  for (let done = 0; done < bytes; ) {
    const part = Math.min(bytes - done, pageBytes - lowBits(phys + done, pageBytes));
    visit(phys + done, part);
    done += part;
  }
}

function setAddress(habits: NoncoherentHabits, request: ArchRequest, sg: number, entry: number): void {
  const { arena } = request.ctx;
  const source = habits.address ?? "phys";
  const phys = sgPhys(arena, sg);
  const length = habits.setsLength === false ? (arena.u32[sg + SG.dmaLength] as number) : sgLength(arena, sg);
  const kva = kvaOf(request, entry, sg);
  if (source === "untouched") sgSetDma(arena, sg, sgDmaAddress(arena, sg), length);
  else sgSetDma(arena, sg, source === "kva" && kva !== NO_VA ? kva : phys, length);
}

function isPassedOver(habits: NoncoherentHabits, request: ArchRequest, entry: number, sg: number): boolean {
  return habits.passesOverNoVa === true && request.series === "before" && kvaOf(request, entry, sg) === NO_VA;
}

function logOverflow(row: ArchRow, request: ArchRequest, work: ArchWork, sg: number): void {
  const { arena } = request.ctx;
  const mask = request.device.dmaMask;
  if (mask < 0xffffffff) return;
  const at = `${sgPhys(arena, sg).toString(16)}+${sgLength(arena, sg)}`;
  work.log(`${row.errors.text.split(":")[0]}: overflow ${at} of device mask ${mask.toString(16)}`);
}
