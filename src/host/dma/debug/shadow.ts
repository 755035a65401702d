/**
 * dma-debug: the calls that a checked caller puts around its map, unmap and sync calls (kernel/dma/debug.c).
 *
 * ```
 * const dmaAddr = mapPhys(ctx, device, phys, bytes, dir, attrs);
 * debugMapPhys(debug, device, { dmaAddr, phys, bytes, dir, attrs });
 * ```
 * Off unless startDebug was called on the arena. The shadow lies in the arena: a thread may unmap what another mapped,
 * and the report names both.
 */
import { DMA_MAPPING_ERROR, type DmaAddr, type Phys } from "../../../base/addr.ts";
import type { Arena } from "../../../shm/arena.ts";
import { DEBUG, DEBUG_ENTRY } from "../../../shm/layout.ts";
import { sgNext } from "../../../shm/sg_entry.ts";
import { ATTR, DIR, type DmaDevice } from "../device.ts";
import { sgDmaAddress, sgDmaLength, sgLength, sgPhys } from "../scatterlist.ts";
import {
  bucketOf,
  DEBUG_KIND,
  DEBUG_WORD,
  type DebugMapping,
  eachEntry,
  firstOf,
  giveEntry,
  lineBucketOf,
  lineOf,
  linkEntry,
  MAP_CHECK,
  readEntry,
  takeEntry,
  unlinkEntry,
  writeEntry,
} from "./entry.ts";
import { dumpLine, kindText, rangeText } from "./errors.ts";
import { findExact } from "./match.ts";
import { type DebugSource, segmentFindings, sourceFinding } from "./segments.ts";
import { checked, type DebugVerdict, type DmaDebug, disableDebug } from "./session.ts";
import { unmapVerdicts } from "./verdicts.ts";

/** A streaming or coherent call: what was passed, and the device address. */
export interface DebugCall {
  readonly dmaAddr: DmaAddr;
  readonly bytes: number;
  /** DIR; coherent memory is bidirectional. */
  readonly dir: number;
  /** Physical (for coherent memory: CPU) address; needed by maps and by frees of coherent memory. */
  readonly phys?: Phys;
  readonly attrs?: number;
  /** DEBUG_KIND; default phys. */
  readonly kind?: number;
  /** Entries of the caller's list. */
  readonly nents?: number;
  readonly mappedNents?: number;
  /** Memory that must not be mapped, when the caller knows it is. */
  readonly source?: DebugSource;
}

const OVERLAP_MAX = 7;

/** After a map of one range (debug_dma_map_phys) or an allocation of coherent memory (debug_dma_alloc_coherent). */
export function debugMapPhys(debug: DmaDebug, device: DmaDevice, call: DebugCall): void {
  if (call.dmaAddr < 0 || call.dmaAddr === DMA_MAPPING_ERROR) return;
  const mapping = mappingOf(debug, device, call);
  const isCoherent = mapping.kind === DEBUG_KIND.coherent || mapping.kind === DEBUG_KIND.noncoherent;
  checked(debug, device.index, mapping, () => [
    ...(call.source === undefined ? [] : [sourceFinding(call.source, mapping.phys, call.bytes)]),
    ...addMapping(debug.arena, mapping, isCoherent ? MAP_CHECK.notNeeded : MAP_CHECK.missing),
  ]);
}

/** After a list was mapped to `mappedNents` DMA entries (debug_dma_map_sg). */
export function debugMapSg(
  debug: DmaDebug,
  device: DmaDevice,
  sg: number,
  nents: number,
  mappedNents: number,
  dir: number,
  attrs: number,
): void {
  const { arena } = debug;
  let at = sg;
  for (let i = 0; i < mappedNents && at !== 0; i += 1) {
    const [dmaAddr, bytes] = [sgDmaAddress(arena, at), sgDmaLength(arena, at)];
    const phys = sgPhys(arena, at);
    const length = sgLength(arena, at);
    const mapping = mappingOf(debug, device, {
      dmaAddr,
      bytes,
      phys,
      dir,
      attrs,
      kind: DEBUG_KIND.sg,
      nents,
      mappedNents,
    });
    checked(debug, device.index, mapping, () => [
      ...segmentFindings(device, length, dmaAddr, bytes),
      ...addMapping(arena, mapping, MAP_CHECK.notNeeded),
    ]);
    at = sgNext(arena, at);
  }
}

/** The driver asked dma_mapping_error (debug_dma_mapping_error): the first mapping at this address that lacks the check has it. */
export function debugMappingError(debug: DmaDebug, device: DmaDevice, dmaAddr: DmaAddr): void {
  const { arena } = debug;
  checked(debug, device.index, null, () => {
    for (let at = firstOf(arena, bucketOf(dmaAddr)); at !== 0; at = firstOf(arena, at + DEBUG_ENTRY.next)) {
      const entry = readEntry(arena, at);
      if (entry.device !== device.index || entry.dmaAddr !== dmaAddr) continue;
      if (arena.i32[at + DEBUG_ENTRY.checked] !== MAP_CHECK.missing) continue;
      arena.i32[at + DEBUG_ENTRY.checked] = MAP_CHECK.done;
      break;
    }
    return [];
  });
}

/** Before an unmap of one range, or a free of coherent memory. */
export function debugUnmapPhys(debug: DmaDebug, device: DmaDevice, call: DebugCall): void {
  const wanted = mappingOf(debug, device, call);
  checked(debug, device.index, wanted, () => removeMapping(debug.arena, wanted));
}

/** Before an unmap of a list; `origNents` is what the driver passes (debug_dma_unmap_sg). */
export function debugUnmapSg(debug: DmaDebug, device: DmaDevice, sg: number, origNents: number, dir: number): void {
  const { arena } = debug;
  let left = origNents;
  let at = sg;
  for (let i = 0; i < left && at !== 0; i += 1) {
    const [dmaAddr, bytes] = [sgDmaAddress(arena, at), sgDmaLength(arena, at)];
    const call = { dmaAddr, bytes, dir, phys: sgPhys(arena, at), kind: DEBUG_KIND.sg, nents: origNents };
    const wanted = mappingOf(debug, device, call);
    checked(debug, device.index, wanted, () => {
      // The first entry knows how many DMA entries the list was mapped to.
      const found = i === 0 ? findExact(arena, wanted) : 0;
      if (found !== 0) left = Math.min(left, readEntry(arena, found).mappedNents || left);
      return removeMapping(arena, wanted);
    });
    at = sgNext(arena, at);
  }
}

/** The driver lets go of the device: everything still mapped is leaked (dma_debug_device_change). */
export function debugRelease(debug: DmaDebug, device: DmaDevice): void {
  checked(debug, device.index, null, () => {
    const leaked: DebugMapping[] = [];
    eachEntry(debug.arena, (entry) => {
      const mapping = readEntry(debug.arena, entry);
      if (mapping.device === device.index) leaked.push(mapping);
    });
    const one = leaked.at(-1);
    if (one === undefined) return [];
    const pending = `device driver has pending DMA allocations while released from device [count=${leaked.length}]`;
    const entry = `One of leaked entries details: ${rangeText(one)} [mapped as ${kindText(one.kind)}]`;
    return [{ kind: "pending at release", text: `${pending} ${entry}`, mapped: one }];
  });
}

/** Lines of debugfs dma-api/dump. */
export function debugDump(debug: DmaDebug, deviceName: (index: number) => string): string[] {
  const lines: string[] = [];
  checked(debug, 0, null, () => {
    eachEntry(debug.arena, (entry) => {
      const mapping = readEntry(debug.arena, entry);
      const state = debug.arena.i32[entry + DEBUG_ENTRY.checked] as number;
      lines.push(dumpLine(mapping, deviceName(mapping.device), state));
    });
    return [];
  });
  return lines;
}

/** The call as a mapping of this thread's job and I/O. */
export function mappingOf(debug: DmaDebug, device: DmaDevice, call: DebugCall): DebugMapping {
  return {
    dmaAddr: call.dmaAddr,
    bytes: call.bytes,
    phys: call.phys ?? (call.dmaAddr as Phys),
    device: device.index,
    kind: call.kind ?? DEBUG_KIND.phys,
    dir: call.dir,
    nents: call.nents ?? 0,
    mappedNents: call.mappedNents ?? 0,
    attrs: call.attrs ?? 0,
    job: debug.job,
    io: debug.io,
  };
}

function addMapping(arena: Arena, mapping: DebugMapping, check: number): DebugVerdict[] {
  const entry = takeEntry(arena);
  if (entry === 0) {
    disableDebug(arena);
    return [{ kind: "out of memory", text: "debugging out of memory - disabling" }];
  }
  writeEntry(arena, entry, mapping, check);
  const overlap = mapping.dir === DIR.toDevice ? [] : trackLine(arena, entry, mapping);
  linkEntry(arena, bucketOf(mapping.dmaAddr), DEBUG_ENTRY.next, entry);
  return overlap;
}

/** Notes that the device writes the first byte's cache line; the mapping that does so already is the other owner. */
function trackLine(arena: Arena, entry: number, mapping: DebugMapping): DebugVerdict[] {
  const bucket = lineBucketOf(mapping.phys);
  const sharers: DebugMapping[] = [];
  for (let at = firstOf(arena, bucket); at !== 0; at = firstOf(arena, at + DEBUG_ENTRY.lineNext)) {
    const other = readEntry(arena, at);
    if (lineOf(other.phys) === lineOf(mapping.phys)) sharers.push(other);
  }
  linkEntry(arena, bucket, DEBUG_ENTRY.lineNext, entry);
  const first = sharers[0];
  if (first === undefined) return [];
  const found: DebugVerdict[] = [];
  if (sharers.length > OVERLAP_MAX && arena.i32[DEBUG_WORD + DEBUG.overlapWarned] === 0) {
    arena.i32[DEBUG_WORD + DEBUG.overlapWarned] = 1;
    const text = `exceeded ${OVERLAP_MAX} overlapping mappings of cacheline 0x${lineOf(mapping.phys).toString(16)}`;
    found.push({ kind: "overlap limit", text, mapped: first });
  }
  if ((mapping.attrs & ATTR.skipCpuSync) === 0) {
    const text = "cacheline tracking EEXIST, overlapping mappings aren't supported";
    found.push({ kind: "overlap", text, mapped: first });
  }
  return found;
}

function removeMapping(arena: Arena, wanted: DebugMapping): DebugVerdict[] {
  const entry = findExact(arena, wanted);
  if (entry === 0) return unmapVerdicts(null, MAP_CHECK.notNeeded, wanted);
  const mapping = readEntry(arena, entry);
  const verdicts = unmapVerdicts(mapping, arena.i32[entry + DEBUG_ENTRY.checked] as number, wanted);
  unlinkEntry(arena, bucketOf(mapping.dmaAddr), DEBUG_ENTRY.next, entry);
  if (mapping.dir !== DIR.toDevice) unlinkEntry(arena, lineBucketOf(mapping.phys), DEBUG_ENTRY.lineNext, entry);
  giveEntry(arena, entry);
  return verdicts;
}
