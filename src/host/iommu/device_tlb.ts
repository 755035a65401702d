/**
 * The translations that a device with ATS keeps itself: whoever takes a page away has them dropped too, behind the unit's own
 * (iommu_flush_dev_iotlb of the Intel driver, CMDQ_OP_ATC_INV of SMMUv3), and waits for the device's answer.
 */
import { fetchAdd } from "../../shm/atomics.ts";
import { DEVICE, REGIONS } from "../../shm/layout.ts";
import type { HostContext } from "../context.ts";
import type { DmaDomain } from "../dma/device.ts";

/** One invalidation request to the device of `domain`, if it caches translations. */
export function flushDeviceTlb(ctx: HostContext, domain: DmaDomain): void {
  if (domain.ats !== true) return;
  ctx.cost.deviceTlbFlushes += 1;
  // A domain of the DMA API belongs to one device, and has its index.
  fetchAdd(ctx.arena.i32, REGIONS.devices.word + domain.index * DEVICE.WORDS + DEVICE.tlbFlushes, 1);
}
