/**
 * The ports of a host context, joined to the device plane (host and device do not know each other).
 */
import { CostRecord } from "../base/cost.ts";
import type { CopyPort, HostContext, InvalidationPort } from "../host/context.ts";
import type { Arena } from "../shm/arena.ts";
import type { System } from "./system.ts";
import { UnitInvalidation } from "./unit_invalidation.ts";

/** A context for the calling thread. Lock owner ids: worker i = i, the main thread = 63. */
export function makeHostContext(
  arena: Arena,
  system: System,
  lockOwner: number,
  copyPort: CopyPort,
  invalidation: InvalidationPort = new UnitInvalidation(arena, system.machine.iommu.kind),
): HostContext {
  return {
    arena,
    era: system.machine.era,
    defects: system.machine.defects,
    lockOwner,
    copyPort,
    invalidation,
    peers: system.peers,
    cost: new CostRecord(),
    cpu: 0,
    nowNs: 0,
  };
}

/** Lock owner id of the main thread. */
export const MAIN_OWNER = 63;
