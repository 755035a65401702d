/** What must hold when nobody maps anything any more. */
import { locksHeld } from "../../host/coordinator.ts";
import { debugCounters } from "../../host/dma/debug/session.ts";
import { holdings } from "../../host/swiotlb/occupancy.ts";
import { MAIN_OWNER } from "../host_ports.ts";
import { findLeaks } from "../leaks.ts";
import type { Finding } from "./finding.ts";
import type { StressPlace } from "./place.ts";

/** Nothing leaked, no lock held, no mapping known to the shadow checker; the first of these that does not hold, else null. */
export function brokenInvariant({ arena, system, ctx }: StressPlace, workers: number): Finding | null {
  const found = (kind: Finding["kind"], text: string): Finding => ({ kind, text, op: -1, worker: -1 });
  for (const owner of [...Array.from({ length: workers }, (_, worker) => worker), MAIN_OWNER]) {
    const [lock] = locksHeld(arena, owner);
    if (lock !== undefined) return found("lock", `${lock} is held by worker ${owner} at the end`);
  }
  const [leak] = findLeaks(ctx, system);
  if (leak !== undefined) return found("leak", `${leak.count} x ${leak.kind} left at ${leak.where}`);
  // The pool's counter can be right when its slots are not.
  const [holder] = system.pool === null ? [] : holdings(arena, system.pool);
  if (holder !== undefined) {
    return found("leak", `${holder.slots} slots stay marked as taken by ${system.devices[holder.device]?.name ?? "?"}`);
  }
  const { disabled, numFreeEntries, nrTotalEntries } = debugCounters(arena);
  if (disabled) return found("dma-debug", "the shadow checker ran out of entries");
  const pending = nrTotalEntries - numFreeEntries;
  return pending === 0 ? null : found("leak", `the shadow checker still knows ${pending} mappings`);
}
