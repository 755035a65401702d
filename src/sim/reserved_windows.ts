/**
 * IOVAs that no mapping gets: what a device would reach there is not memory (iommu_dma_init_domain,
 * iova_reserve_pci_windows, iova_reserve_iommu_regions).
 */
import type { HostContext } from "../host/context.ts";
import type { DmaDomain } from "../host/dma/device.ts";
import { granuleBytes } from "../host/dma/limits.ts";
import type { DmaRange } from "../host/dma/range_map.ts";
import { reserveIova } from "../host/iommu/iova.ts";
import type { System } from "./system.ts";

/** Message-signalled interrupts of x86, [start, last]. */
const MSI_START = 0xfee00000;
const MSI_LAST = 0xfeefffff;

/**
 * Reserves the memory windows of the device's host bridge (bus addresses), the interrupt range, and what the device's
 * dma-ranges leave out below their end; the end itself is the bus limit.
 */
export function reserveWindows(ctx: HostContext, system: System, device: number, domain: DmaDomain): void {
  const { machine, topology } = system;
  const port = machine.devices[device]?.parent ?? null;
  const root = port === null ? null : topology.rootOf(port).name;
  const bridge = machine.bridges.find((candidate) => candidate.name === root);
  for (const window of bridge?.windows ?? []) {
    const start = window.start + (bridge?.busOffset ?? 0);
    reserve(ctx, domain, start, start + window.bytes - 1);
  }
  if (machine.arch === "x86-64") reserve(ctx, domain, MSI_START, MSI_LAST);
  reserveGaps(ctx, domain, machine.devices[device]?.dmaRanges ?? [], port !== null);
}

/** Of a platform device only what lies below its first range is kept free, as the kernel does. */
function reserveGaps(ctx: HostContext, domain: DmaDomain, ranges: readonly DmaRange[], isPci: boolean): void {
  let end = 0;
  for (const { dmaStart, bytes } of [...ranges].sort((a, b) => a.dmaStart - b.dmaStart)) {
    if (dmaStart > end && (isPci || end === 0)) reserve(ctx, domain, end, dmaStart - 1);
    end = dmaStart + bytes;
  }
}

function reserve(ctx: HostContext, domain: DmaDomain, start: number, last: number): void {
  const granule = granuleBytes(domain);
  reserveIova(ctx, domain, Math.floor(start / granule), Math.floor(last / granule));
}
