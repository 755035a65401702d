/**
 * A whole list through the IOMMU as one IOVA range (drivers/iommu/dma-iommu.c: iommu_dma_map_sg, __finalise_sg).
 *
 * ```
 * entries    [..AAAA][BBBBBBBB]  [CC......]        offsets and lengths of the memory
 * pass 1     | pad A | pad B  |  | pad C  |        padded to granules, end to end in one IOVA range
 * pass 2     |  one DMA entry |  | another|        joined where the seam lies on granules and max_seg allows
 * ```
 * Between the passes dmaLength holds an entry's padded IOVA length; its offset and length stay untouched, so
 * that nothing has to be restored on failure. Kernel 4.1 (intel_map_sg) lays out the same range without boundary
 * padding and joins nothing.
 */
import { alignUp, DMA_MAPPING_ERROR, type Iova } from "../../base/addr.ts";
import { PATH } from "../../base/cost.ts";
import { mapRange } from "../../pagetable/mapper.ts";
import { SG } from "../../shm/layout.ts";
import { SG_FLAG, sgNext } from "../../shm/sg_entry.ts";
import { type HostContext, PEER_ROUTE } from "../context.ts";
import { allocDmaIova } from "../iommu/dma_iova.ts";
import { MAP_FAILURES } from "../status.ts";
import { syncLinesForCpu, syncLinesForDevice } from "./cache_sync.ts";
import { ATTR, DIR, type DmaDevice, type DmaDomain } from "./device.ts";
import { dirProt, domainFormat, undoMap, unmapIova } from "./dma_iommu.ts";
import { granuleBytes } from "./limits.ts";
import { NOT_PEER, peerBusAddress, peerRoute } from "./peer_entry.ts";
import {
  sgDmaAddress,
  sgHasPage,
  sgIsBusAddress,
  sgPhys,
  sgSetDma,
  sgSetDmaMarked,
  sgUnmarkDma,
} from "./scatterlist.ts";

/** DMA entries (fewer than `nents` after joining), or -(failure code) with nothing left mapped. */
export function iommuMapSg(
  ctx: HostContext,
  device: DmaDevice,
  domain: DmaDomain,
  sg: number,
  nents: number,
  dir: number,
  attrs: number,
): number {
  if (!device.coherent && (attrs & ATTR.skipCpuSync) === 0) syncSgLines(ctx, device, sg, nents, DIR.none);
  const iovaBytes = layOut(ctx, device, domain, sg, nents);
  if (iovaBytes < 0) return refuse(ctx, sg, nents, iovaBytes);
  if (iovaBytes === 0) return finalise(ctx, device, domain, sg, nents, 0);
  const iova = allocDmaIova(ctx, device, iovaBytes);
  if (iova < 0) return refuse(ctx, sg, nents, -MAP_FAILURES.noIova.code);
  const mapped = mapRuns(ctx, domain, sg, nents, iova, dirProt(dir));
  if (mapped < iovaBytes) {
    undoMap(ctx, domain, iova, mapped, iovaBytes);
    return refuse(ctx, sg, nents, -MAP_FAILURES.noTable.code);
  }
  return finalise(ctx, device, domain, sg, nents, iova);
}

/** Ends a mapping of {@link iommuMapSg}: one unmap from the first translated entry to the end of the last. */
export function iommuUnmapSg(
  ctx: HostContext,
  device: DmaDevice,
  domain: DmaDomain,
  sg: number,
  origNents: number,
  dir: number,
  attrs: number,
): void {
  const arena = ctx.arena;
  if (!device.coherent && (attrs & ATTR.skipCpuSync) === 0) syncSgLines(ctx, device, sg, origNents, dir);
  let start = -1;
  let end = -1;
  let at = sg;
  for (let i = 0; i < origNents && at !== 0; i += 1) {
    if (sgIsBusAddress(arena, at)) {
      sgUnmarkDma(arena, at);
    } else {
      const bytes = arena.u32[at + SG.dmaLength] as number;
      if (bytes === 0) break;
      const dmaAddr = arena.f64[(at + SG.dmaAddress) >>> 1] as number;
      if (start < 0) start = dmaAddr;
      end = dmaAddr + bytes;
    }
    at = sgNext(arena, at);
  }
  if (start >= 0) unmapIova(ctx, domain, start, end - start);
}

/** Cache lines of every entry with a struct page; `dir` DIR.none counts the map direction. */
export function syncSgLines(ctx: HostContext, device: DmaDevice, sg: number, nents: number, dir: number): void {
  const arena = ctx.arena;
  let at = sg;
  for (let i = 0; i < nents && at !== 0; i += 1) {
    const bytes = arena.u32[at + SG.length] as number;
    if (sgHasPage(arena, at) && dir === DIR.none) syncLinesForDevice(ctx, device, sgPhys(arena, at), bytes);
    else if (sgHasPage(arena, at)) syncLinesForCpu(ctx, device, sgPhys(arena, at), bytes, dir);
    at = sgNext(arena, at);
  }
}

/** Pass 1: padded lengths into dmaLength, bus addresses of peers; the bytes of IOVA needed, or -(failure code). */
function layOut(ctx: HostContext, device: DmaDevice, domain: DmaDomain, sg: number, nents: number): number {
  const arena = ctx.arena;
  const granule = granuleBytes(domain);
  const boundary = ctx.era === "4.1" ? Number.MAX_SAFE_INTEGER : device.segBoundaryMask + 1;
  let iovaBytes = 0;
  let previous = 0;
  let at = sg;
  for (let i = 0; i < nents; i += 1) {
    if (at === 0) return -MAP_FAILURES.invalid.code;
    const phys = sgPhys(arena, at);
    const length = arena.u32[at + SG.length] as number;
    const route = peerRoute(ctx, device, phys);
    if (route === PEER_ROUTE.notSupported) return -MAP_FAILURES.peerUnsupported.code;
    if (route !== NOT_PEER) ctx.cost.path = PATH.p2p;
    if (route === PEER_ROUTE.busAddr) {
      sgSetDmaMarked(arena, at, peerBusAddress(ctx, phys), length, SG_FLAG.busAddress);
    } else {
      const padded = alignUp((phys & (granule - 1)) + length, granule);
      const pad = toBoundary(iovaBytes, boundary);
      if (pad !== 0 && pad < padded - 1) {
        // The entry before is mapped longer than it is, so that this one starts on the boundary.
        arena.u32[previous + SG.dmaLength] = (arena.u32[previous + SG.dmaLength] as number) + pad;
        iovaBytes += pad;
      }
      arena.u32[at + SG.dmaLength] = padded;
      sgUnmarkDma(arena, at);
      iovaBytes += padded;
      previous = at;
    }
    at = sgNext(arena, at);
  }
  return iovaBytes;
}

/** Bytes from `at` to the next multiple of `boundary`, 0 on one. */
function toBoundary(at: number, boundary: number): number {
  const past = at < boundary ? at : at - Math.floor(at / boundary) * boundary;
  return past === 0 ? 0 : boundary - past;
}

/** Writes the page table, one call for every physically contiguous run of padded entries; the bytes mapped. */
function mapRuns(ctx: HostContext, domain: DmaDomain, sg: number, nents: number, iova: Iova, prot: number): number {
  const arena = ctx.arena;
  const granule = granuleBytes(domain);
  let mapped = 0;
  let runStart = 0;
  let runBytes = 0;
  let at = sg;
  for (let i = 0; i < nents; i += 1) {
    if (!sgIsBusAddress(arena, at)) {
      const phys = sgPhys(arena, at);
      const start = phys - (phys & (granule - 1));
      if (start !== runStart + runBytes) {
        const done = mapRun(ctx, domain, iova + mapped, runStart, runBytes, prot);
        mapped += done;
        if (done < runBytes) return mapped;
        runStart = start;
        runBytes = 0;
      }
      runBytes += arena.u32[at + SG.dmaLength] as number;
    }
    at = sgNext(arena, at);
  }
  return mapped + mapRun(ctx, domain, iova + mapped, runStart, runBytes, prot);
}

function mapRun(ctx: HostContext, domain: DmaDomain, iova: Iova, phys: number, bytes: number, prot: number): number {
  if (bytes === 0) return 0;
  return mapRange(ctx.arena, ctx.lockOwner, domain.index, domainFormat(domain), iova, phys, bytes, prot, ctx.cost);
}

/**
 * Pass 2: writes the DMA side into the first entries and empties the rest; the number of DMA entries.
 * Under `shipped` the room left in a segment is an unsigned difference as in the kernel: behind an entry longer
 * than max_seg it wraps, and the next one joins.
 */
function finalise(
  ctx: HostContext,
  device: DmaDevice,
  domain: DmaDomain,
  sg: number,
  nents: number,
  iova: Iova,
): number {
  const arena = ctx.arena;
  const granule = granuleBytes(domain);
  const boundary = device.segBoundaryMask + 1;
  const joins = ctx.era !== "4.1";
  const wraps = ctx.defects === "shipped";
  const maxBytes = device.maxSegBytes;
  let out = 0;
  let outBytes = 0;
  let count = 0;
  let iovaAt = iova;
  let at = sg;
  for (let i = 0; i < nents; i += 1) {
    const bytes = arena.u32[at + SG.length] as number;
    if (sgIsBusAddress(arena, at)) {
      const busAddr = sgDmaAddress(arena, at);
      out = out === 0 ? sg : sgNext(arena, out);
      if (out !== at) sgSetDma(arena, at, DMA_MAPPING_ERROR, 0);
      sgSetDmaMarked(arena, out, busAddr, bytes, SG_FLAG.busAddress);
      outBytes = 0;
      count += 1;
    } else {
      const iovaBytes = arena.u32[at + SG.dmaLength] as number;
      const offset = sgPhys(arena, at) & (granule - 1);
      const room = wraps ? (maxBytes - outBytes) >>> 0 : maxBytes - outBytes;
      if (joins && outBytes !== 0 && offset === 0 && room >= bytes && toBoundary(iovaAt, boundary) !== 0) {
        sgSetDma(arena, at, DMA_MAPPING_ERROR, 0);
        outBytes += bytes;
        arena.u32[out + SG.dmaLength] = outBytes;
      } else {
        out = out === 0 ? sg : sgNext(arena, out);
        if (out !== at) sgSetDma(arena, at, DMA_MAPPING_ERROR, 0);
        sgSetDma(arena, out, iovaAt + offset, bytes);
        outBytes = bytes;
        count += 1;
      }
      iovaAt += iovaBytes;
      // The device would see the padding between the two: no join behind an entry that ends inside a granule.
      if (offset + bytes < iovaBytes) outBytes = 0;
    }
    at = sgNext(arena, at);
  }
  return count;
}

function refuse(ctx: HostContext, sg: number, nents: number, status: number): number {
  let at = sg;
  for (let i = 0; i < nents && at !== 0; i += 1) {
    sgSetDma(ctx.arena, at, DMA_MAPPING_ERROR, 0);
    at = sgNext(ctx.arena, at);
  }
  return status;
}
