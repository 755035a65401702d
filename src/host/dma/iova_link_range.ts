/**
 * Ranges of the two-step mapping API in page table and IOTLB; iova_link.ts has the calls.
 */
import { alignDownWide, alignUp, type Iova, type Phys } from "../../base/addr.ts";
import { mapRange, unmapRange } from "../../pagetable/mapper.ts";
import { pageBytes } from "../../pagetable/page_size.ts";
import { WalkResult, walk } from "../../pagetable/walker.ts";
import type { HostContext } from "../context.ts";
import { MAP_FAILURES } from "../status.ts";
import { swiotlbUnmap } from "../swiotlb/bounce.ts";
import { findPool } from "../swiotlb/pools.ts";
import { syncLinesForCpu, syncLinesForDevice } from "./cache_sync.ts";
import { ATTR, type DmaDevice, type DmaDomain } from "./device.ts";
import { dirProt, domainFormat, invalidate } from "./dma_iommu.ts";
import { granuleBytes } from "./limits.ts";

const NO_LINES = ATTR.skipCpuSync | ATTR.mmio;

/** struct dma_iova_state: the caller keeps it from dmaIovaTryAlloc to dmaIovaDestroy or dmaIovaFree. */
export class DmaIovaState {
  /** First byte that the device uses; keeps the memory's offset in its granule. */
  addr: Iova = 0;
  /** Bytes asked for; 0 = no IOVA range, map the ranges one by one. */
  bytes = 0;
  /** Some part lies in bounce slots (bit 63 of the kernel's size). */
  bounced = false;
}

/** Writes the page table for whole granules; 0, or -(failure code) with nothing of them left. */
export function linkGranules(
  ctx: HostContext,
  device: DmaDevice,
  domain: DmaDomain,
  iova: Iova,
  phys: Phys,
  bytes: number,
  dir: number,
  attrs: number,
): number {
  const mask = granuleBytes(domain) - 1;
  if ((iova & mask) !== 0 || (phys & mask) !== 0) return -MAP_FAILURES.invalid.code;
  if ((attrs & NO_LINES) === 0) syncLinesForDevice(ctx, device, phys, bytes);
  const format = domainFormat(domain);
  const mapped = mapRange(ctx.arena, ctx.lockOwner, domain.index, format, iova, phys, bytes, dirProt(dir), ctx.cost);
  if (mapped === bytes) return 0;
  if (mapped > 0) {
    unmapRange(ctx.arena, ctx.lockOwner, domain.index, format, iova, mapped, ctx.cost);
    invalidate(ctx, domain, iova, mapped);
  }
  return -MAP_FAILURES.noTable.code;
}

/** Takes [offset, offset + bytes) of the range out of the page table, bounced parts first; `now` = out of the IOTLB too. */
export function clearLinked(
  ctx: HostContext,
  device: DmaDevice,
  domain: DmaDomain,
  state: DmaIovaState,
  offset: number,
  bytes: number,
  dir: number,
  attrs: number,
  now: boolean,
): void {
  const addr = state.addr + offset;
  if (state.bounced || (!device.coherent && (attrs & ATTR.skipCpuSync) === 0)) {
    releaseGranules(ctx, device, domain, addr, bytes, dir, attrs);
  }
  const granule = granuleBytes(domain);
  const pad = addr & (granule - 1);
  const size = alignUp(bytes + pad, granule);
  unmapRange(ctx.arena, ctx.lockOwner, domain.index, domainFormat(domain), addr - pad, size, ctx.cost);
  if (now) invalidate(ctx, domain, addr - pad, size);
}

/** Slow path, granule by granule, as each may lie in a slot of its own: cache lines, copy out, slot back to the pool. */
function releaseGranules(
  ctx: HostContext,
  device: DmaDevice,
  domain: DmaDomain,
  addr: Iova,
  bytes: number,
  dir: number,
  attrs: number,
): void {
  const granule = granuleBytes(domain);
  const found = new WalkResult();
  const end = addr + bytes;
  for (let at = addr; at < end; ) {
    if (!walk(ctx.arena, domain.index, domainFormat(domain), at, found)) return;
    const phys = found.phys + at - alignDownWide(at, pageBytes(found.pageShift));
    const piece = Math.min(end - at, granule - (at & (granule - 1)));
    if ((attrs & NO_LINES) === 0) syncLinesForCpu(ctx, device, phys, piece, dir);
    if (findPool(ctx.arena, device, phys) !== null) swiotlbUnmap(ctx, device, phys, piece, dir, attrs);
    at += piece;
  }
}
