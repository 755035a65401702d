/**
 * The ports of a host context, joined to the device plane (host and device do not know each other).
 */
import { CostRecord } from "../base/cost.ts";
import { invalidateDomain, invalidatePages } from "../device/invalidate.ts";
import type { CopyPort, HostContext, InvalidationPort } from "../host/context.ts";
import type { Arena } from "../shm/arena.ts";
import type { System } from "./system.ts";

/** A context for the calling thread. Lock owner ids: worker i = i, the main thread = 63. */
export function makeHostContext(arena: Arena, system: System, lockOwner: number, copyPort: CopyPort): HostContext {
  return {
    arena,
    era: system.machine.era,
    defects: system.machine.defects,
    lockOwner,
    copyPort,
    invalidation: new UnitInvalidation(arena),
    peers: system.peers,
    cost: new CostRecord(),
    cpu: 0,
    nowNs: 0,
  };
}

/** Lock owner id of the main thread. */
export const MAIN_OWNER = 63;

/** Applies invalidations to the units' IOTLBs at once; host code has already put them into the cost record. */
class UnitInvalidation implements InvalidationPort {
  readonly #arena: Arena;

  constructor(arena: Arena) {
    this.#arena = arena;
  }

  invalidatePages(unit: number, domain: number, iova: number, bytes: number): void {
    invalidatePages(this.#arena, unit, domain, iova, bytes);
  }

  invalidateDomain(unit: number, domain: number): void {
    invalidateDomain(this.#arena, unit, domain);
  }
}
