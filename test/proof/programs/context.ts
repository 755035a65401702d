import { CostRecord } from "#dmasim/base/cost.js";
import type { HostContext } from "#dmasim/host/context.js";
import type { Arena } from "#dmasim/shm/arena.js";

/** What host code needs of a thread that is a CPU of its own; copies and invalidations go nowhere. */
export function contextOf(arena: Arena, thread: number): HostContext {
  return {
    arena,
    era: "6.12",
    defects: "shipped",
    lockOwner: thread,
    copyPort: { copy: () => true, fill: () => true },
    invalidation: { invalidatePages() {}, invalidateDomain() {} },
    peers: { regionAt: () => -1, route: () => 0, busOffset: () => 0 },
    cost: new CostRecord(),
    cpu: thread,
    nowNs: 0,
  };
}
