/**
 * The end-of-run leak check: everything that was mapped, allocated or pinned must have been given back.
 *
 * Caches are emptied first (deferred flushes, magazines, depots): what they hold is not a leak.
 */
import type { HostContext } from "../host/context.ts";
import type { DmaDevice } from "../host/dma/device.ts";
import { sgEntriesUsed } from "../host/dma/sg_table.ts";
import { drainFlushQueues } from "../host/iommu/flush_queue.ts";
import { countIovas } from "../host/iommu/iova.ts";
import { flushCpuRcaches } from "../host/iommu/magazine.ts";
import { slotsUsed } from "../host/swiotlb/pool.ts";
import { pinsHeld } from "../memory/memmap.ts";
import { load } from "../shm/atomics.ts";
import { QPAIRS_MAX } from "../shm/capacities.ts";
import { DOMAIN, QPAIR, REGIONS } from "../shm/layout.ts";
import { ringUsed } from "../shm/ring.ts";
import type { Leak } from "./result.ts";
import type { System } from "./system.ts";

/** Empties the caches and reports what is left. */
export function findLeaks(ctx: HostContext, system: System): Leak[] {
  const leaks: Leak[] = [];
  const add = (kind: Leak["kind"], where: string, count: number): void => {
    if (count !== 0) leaks.push({ kind, where, count });
  };
  for (const device of system.devices)
    findDomainLeaks(ctx, device, system.machine.devices[device.index]?.name ?? device.name, add);
  if (system.pool !== null) add("swiotlb slot", "swiotlb pool", slotsUsed(ctx.arena, system.pool));
  add("pin", "memmap", pinsHeld(ctx.arena));
  add("scatterlist", "scatterlist pool", sgEntriesUsed(ctx.arena));
  for (let pair = 0; pair < QPAIRS_MAX; pair += 1) {
    const base = REGIONS.qpairs.word + pair * REGIONS.qpairs.stride;
    add(
      "ring entry",
      `queue pair ${pair}`,
      ringUsed(ctx.arena.i32, base + QPAIR.sq) + ringUsed(ctx.arena.i32, base + QPAIR.cq),
    );
  }
  return leaks;
}

function findDomainLeaks(
  ctx: HostContext,
  device: DmaDevice,
  name: string,
  add: (kind: Leak["kind"], where: string, count: number) => void,
): void {
  const domain = device.domain;
  if (domain === null) return;
  drainFlushQueues(ctx, domain);
  flushCpuRcaches(ctx, domain);
  add("iova", name, countIovas(ctx.arena, domain));
  const present = REGIONS.domains.word + domain.index * REGIONS.domains.stride + DOMAIN.ptePresent;
  add("page-table entry", name, load(ctx.arena.i32, present));
}
