/** What one mapping left behind after its unmap, caches emptied. */

import { sgEntriesUsed } from "../../host/dma/sg_table.ts";
import { drainFlushQueues } from "../../host/iommu/flush_queue.ts";
import { countIovas } from "../../host/iommu/iova.ts";
import { flushCpuRcaches } from "../../host/iommu/magazine.ts";
import { slotsUsed } from "../../host/swiotlb/pool.ts";
import { pinsHeld } from "../../memory/memmap.ts";
import { load } from "../../shm/atomics.ts";
import { domainWord } from "../../shm/domain_record.ts";
import { DOMAIN } from "../../shm/layout.ts";
import type { MappingLab } from "./lab.ts";
import type { LeakView } from "./view.ts";

/** One line for every kind of resource that was not given back. */
export function findLabLeaks({ arena, ctx, device }: MappingLab): readonly LeakView[] {
  const leaks: LeakView[] = [];
  const add = (kind: string, count: number): void => {
    if (count !== 0) leaks.push({ kind, count });
  };
  const { domain, pool } = device;
  if (domain !== null) {
    drainFlushQueues(ctx, domain);
    flushCpuRcaches(ctx, domain);
    add("IOVA", countIovas(arena, domain));
    add("page-table entry", load(arena.i32, domainWord(domain.index) + DOMAIN.ptePresent));
  }
  if (pool !== null) add("swiotlb slot", slotsUsed(arena, pool));
  add("pin", pinsHeld(arena));
  add("scatterlist entry", sgEntriesUsed(arena));
  return leaks;
}
