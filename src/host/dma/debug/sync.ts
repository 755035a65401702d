/** dma-debug around syncs (debug_dma_sync_single_for_cpu and its siblings). */

import { sgNext } from "../../../shm/sg_entry.ts";
import type { DmaDevice } from "../device.ts";
import { sgDmaAddress, sgDmaLength, sgPhys } from "../scatterlist.ts";
import { DEBUG_KIND, readEntry } from "./entry.ts";
import { findContaining, findExact } from "./match.ts";
import { checked, type DmaDebug } from "./session.ts";
import { type DebugCall, mappingOf } from "./shadow.ts";
import { syncVerdicts } from "./verdicts.ts";

/** A sync of any part of one mapping; `forCpu` false = for the device. */
export function debugSyncSingle(debug: DmaDebug, device: DmaDevice, call: DebugCall, forCpu: boolean): void {
  const wanted = mappingOf(debug, device, call);
  checked(debug, device.index, wanted, () => {
    const entry = findContaining(debug.arena, wanted, device.maxSegBytes);
    return syncVerdicts(entry === 0 ? null : readEntry(debug.arena, entry), wanted, forCpu);
  });
}

/** A sync of a mapped list; `origNents` is what the driver passes. */
export function debugSyncSg(
  debug: DmaDebug,
  device: DmaDevice,
  sg: number,
  origNents: number,
  dir: number,
  forCpu: boolean,
): void {
  const { arena } = debug;
  let left = origNents;
  let at = sg;
  for (let i = 0; i < left && at !== 0; i += 1) {
    const [dmaAddr, bytes] = [sgDmaAddress(arena, at), sgDmaLength(arena, at)];
    const call = { dmaAddr, bytes, dir, phys: sgPhys(arena, at), kind: DEBUG_KIND.sg, nents: origNents };
    const first = i === 0 ? findExact(arena, mappingOf(debug, device, call)) : 0;
    if (first !== 0) left = Math.min(left, readEntry(arena, first).mappedNents || left);
    debugSyncSingle(debug, device, call, forCpu);
    at = sgNext(arena, at);
  }
}
