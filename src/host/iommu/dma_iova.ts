/**
 * IOVA ranges as mappings want them: bytes, a device's limits, 32-bit-first, strict or lazy release
 * (iommu_dma_alloc_iova, iommu_dma_free_iova in drivers/iommu/dma-iommu.c).
 *
 * Every simulated device is a PCI device. With a mask above 32 bits it first asks below 4 GiB, where an address fits a
 * single-address-cycle request: [4.1, 6.1] every time, [6.12+] until that fails once for the device.
 */
import { type Iova, maskOfBits } from "../../base/addr.ts";
import { assert } from "../../base/assert.ts";
import { fetchOr, load } from "../../shm/atomics.ts";
import { domainWord } from "../../shm/domain_record.ts";
import { DOMAIN } from "../../shm/layout.ts";
import type { HostContext } from "../context.ts";
import type { DmaDevice, DmaDomain } from "../dma/device.ts";
import { dmaLimit, granuleBytes } from "../dma/limits.ts";
import { queueIova } from "./flush_queue.ts";
import { allocIovaFast, freeIovaFast } from "./magazine.ts";

const LIMIT_32_BIT = 2 ** 32 - 1;
const ADDRESS_BITS_MAX = 52;
/** Last byte by address width: a variable power costs more here than the rest of a cached allocation. */
const LAST_BYTE = Float64Array.from({ length: ADDRESS_BITS_MAX + 1 }, (_, bits) => maskOfBits(bits));

/** First byte of a new IOVA range of `bytes` (rounded up to granules) that the device can reach; -1 when there is none. */
export function allocDmaIova(ctx: HostContext, device: DmaDevice, bytes: number): Iova {
  const domain = device.domain;
  assert(domain !== null, "only a device behind an IOMMU asks for IOVAs");
  const granule = granuleBytes(domain);
  const pages = Math.ceil(bytes / granule);
  const limit = iovaLimit(device, domain);
  let pfn = -1;
  if (limit > LIMIT_32_BIT && triesBelow4GiB(ctx, device, domain)) {
    pfn = allocIovaFast(ctx, domain, pages, Math.floor(LIMIT_32_BIT / granule), false);
    if (pfn < 0) noteDacForced(ctx, device, domain);
  }
  if (pfn < 0) pfn = allocIovaFast(ctx, domain, pages, Math.floor(limit / granule), true);
  return pfn < 0 ? -1 : pfn * granule;
}

/** Gives a range back: at once in a strict domain (its translations are gone by now), through the flush queue in a lazy one. */
export function freeDmaIova(ctx: HostContext, domain: DmaDomain, iova: Iova, bytes: number): void {
  const granule = granuleBytes(domain);
  const pfn = Math.floor(iova / granule);
  const pages = Math.ceil(bytes / granule);
  if (domain.mode === "lazy") queueIova(ctx, domain, pfn, pages);
  else freeIovaFast(ctx, domain, pfn, pages);
}

/** True when 32-bit-first has failed for the device and it now starts at its full mask ("Using N-bit DMA addresses"). */
export function isDacForced(ctx: HostContext, device: DmaDevice, domain: DmaDomain): boolean {
  const seen = load(ctx.arena.i32, dacWord(device, domain));
  return (seen & (1 << (device.index & 31))) !== 0;
}

/** Last byte that the device, its bus and the IOMMU's address width all reach, inclusive. */
export function iovaLimit(device: DmaDevice, domain: DmaDomain): number {
  return Math.min(dmaLimit(device), LAST_BYTE[Math.min(domain.addressBits, ADDRESS_BITS_MAX)] as number);
}

function triesBelow4GiB(ctx: HostContext, device: DmaDevice, domain: DmaDomain): boolean {
  if (domain.forcedac) return false;
  return ctx.era === "4.1" || ctx.era === "6.1" || !isDacForced(ctx, device, domain);
}

function noteDacForced(ctx: HostContext, device: DmaDevice, domain: DmaDomain): void {
  if (ctx.era === "4.1" || ctx.era === "6.1") return;
  fetchOr(ctx.arena.i32, dacWord(device, domain), 1 << (device.index & 31));
}

function dacWord(device: DmaDevice, domain: DmaDomain): number {
  return domainWord(domain.index) + DOMAIN.dacForced + (device.index >>> 5);
}
