/**
 * x86 without an IOMMU: the identity (pci-nommu.c) and the bounce pool (swiotlb.c), kernel 4.1; and the two other rows that
 * hand out physical addresses as they are, alpha's noop and arm64.
 */
import type { Phys } from "../../base/addr.ts";
import { SG } from "../../shm/layout.ts";
import { sgNext } from "../../shm/sg_entry.ts";
import { dmaCapable } from "../dma/limits.ts";
import { sgDmaAddress, sgDmaLength, sgHasPage, sgLength, sgPhys, sgSetDma } from "../dma/scatterlist.ts";
import { swiotlbMap, swiotlbSyncForCpu, swiotlbSyncForDevice, swiotlbUnmap } from "../swiotlb/bounce.ts";
import { findPool } from "../swiotlb/pools.ts";
import { always, NO_CACHE, type NO_CACHE_RULE, noncoherentOps, opFor } from "./cache_ops.ts";
import { eachEntry } from "./entry.ts";
import type { ArchRequest, ArchRow } from "./types.ts";
import type { ArchWork } from "./work.ts";

const PAGE = 4096;

/** x86 without translation: checks the mask, nothing else. */
export const X86_NOMMU: ArchRow = Object.freeze<ArchRow>({
  name: "x86-nommu",
  title: "x86 without an IOMMU",
  source: "arch/x86/kernel/pci-nommu.c:nommu_map_sg [4.1]",
  evidence: "read",
  addressRule: "the physical address, entry by entry",
  merging: "none",
  granularityBytes: 0,
  pageBytes: PAGE,
  cache: NO_CACHE,
  errors: { ret: 0, text: "nommu_map_sg: overflow ADDR+SIZE of device mask MASK" },
  pageless: {
    before: { outcome: "needs-page", why: "has no struct page: BUG_ON(!sg_page)" },
    after: { outcome: "works", why: "patch 4 drops the BUG; the address is sg_phys" },
  },
  translation: "none",
  defaults: {},
  ops: noncoherentOps({ checksMask: true }),
});

/** Alpha machines without an IOMMU: physical addresses. */
export const ALPHA_NOOP: ArchRow = Object.freeze<ArchRow>({
  name: "alpha-noop",
  title: "Alpha without PCI scatter-gather hardware",
  source: "arch/alpha/kernel/pci-noop.c:alpha_noop_map_sg [4.1]",
  evidence: "read",
  addressRule: "the physical address of the kernel virtual address, entry by entry",
  merging: "none",
  granularityBytes: 0,
  pageBytes: 8192,
  cache: NO_CACHE,
  errors: { ret: 0, text: "" },
  pageless: {
    before: { outcome: "needs-page", why: "has no struct page: BUG_ON(!sg_page), then virt_to_phys(sg_virt)" },
    after: { outcome: "works", why: "patch 6 takes sg_phys" },
  },
  translation: "none",
  defaults: {},
  ops: noncoherentOps({}),
});

/** x86 with bounce slots for what the device does not reach. */
export const X86_SWIOTLB: ArchRow = Object.freeze<ArchRow>({
  name: "x86-swiotlb",
  title: "x86 with the bounce pool",
  source: "lib/swiotlb.c:swiotlb_map_sg_attrs [4.1]",
  evidence: "read",
  addressRule: "the physical address if the device reaches it, else a bounce slot, entry by entry",
  merging: "none",
  granularityBytes: 0,
  pageBytes: PAGE,
  cache: NO_CACHE,
  errors: { ret: 0, text: "swiotlb buffer is full (sz: BYTES bytes)" },
  pageless: {
    before: { outcome: "works", why: "addresses are physical already; only a bounce needs a kernel address" },
    after: { outcome: "works", why: "addresses are physical already; only a bounce needs a kernel address" },
  },
  translation: "none",
  defaults: {},
  ops: { map: mapSwiotlb, unmap: unmapSwiotlb, sync: syncSwiotlb },
});

/** arm64: bounce slots, and cache maintenance for devices that do not snoop. */
export const ARM64: ArchRow = Object.freeze<ArchRow>({
  name: "arm64",
  title: "arm64, bounce pool and cache maintenance by address",
  source: "arch/arm64/mm/dma-mapping.c:__swiotlb_map_sg_attrs [4.1]; cache rules of [7.0]",
  evidence: "read",
  addressRule: "the physical address if the device reaches it, else a bounce slot, entry by entry",
  merging: "none",
  granularityBytes: 0,
  pageBytes: PAGE,
  cache: {
    by: "va",
    map: always("writeback"),
    unmap: { toDevice: "none", fromDevice: "invalidate", bidirectional: "invalidate" },
    syncCpu: { toDevice: "none", fromDevice: "invalidate", bidirectional: "invalidate" },
    syncDevice: always("writeback"),
  },
  errors: { ret: 0, text: "swiotlb buffer is full (sz: BYTES bytes)" },
  pageless: {
    before: {
      outcome: "needs-va",
      why: "has no kernel virtual address for phys_to_virt, which the cache operation takes",
    },
    after: { outcome: "needs-va", why: "has no kernel virtual address for phys_to_virt: not converted by the series" },
  },
  translation: "none",
  defaults: { lineBytes: 64 },
  ops: { map: mapSwiotlb, unmap: unmapSwiotlb, sync: syncSwiotlb },
});

/** Per entry: reachable and not forced - the identity; else a slot for that entry only. */
function mapSwiotlb(row: ArchRow, request: ArchRequest, work: ArchWork): number {
  const { ctx, device, dir } = request;
  const { arena } = ctx;
  let sg = request.sg;
  for (let entry = 0; entry < request.nents && sg !== 0; entry += 1, sg = sgNext(arena, sg)) {
    const phys = sgPhys(arena, sg);
    const bytes = sgLength(arena, sg);
    let dmaAddr = device.forceBounce || !dmaCapable(device, phys, bytes) ? -1 : phys;
    if (dmaAddr < 0 && !sgHasPage(arena, sg)) {
      work.refuse(
        "kernel virtual address",
        entry,
        `${row.name}: entry ${entry} has no kernel address to bounce through`,
      );
    } else if (dmaAddr < 0) dmaAddr = swiotlbMap(ctx, device, phys, bytes, 0, dir, 0);
    if (dmaAddr < 0) {
      if (work.refusal === null) logFull(request, work, bytes);
      releaseFirst(request, entry);
      arena.u32[request.sg + SG.dmaLength] = 0;
      return 0;
    }
    sgSetDma(arena, sg, dmaAddr, bytes);
    maintain(row, request, work, sg, entry, row.cache.map);
  }
  return request.nents;
}

function unmapSwiotlb(row: ArchRow, request: ArchRequest, work: ArchWork): void {
  eachEntry(request, (sg, entry) => maintain(row, request, work, sg, entry, row.cache.unmap));
  releaseFirst(request, request.nents);
}

function syncSwiotlb(row: ArchRow, request: ArchRequest, work: ArchWork, forCpu: boolean): void {
  const { ctx, device, dir } = request;
  const { arena } = ctx;
  const copy = forCpu ? swiotlbSyncForCpu : swiotlbSyncForDevice;
  eachEntry(request, (sg, entry) => {
    if (forCpu) maintain(row, request, work, sg, entry, row.cache.syncCpu);
    const dmaAddr = sgDmaAddress(arena, sg) as Phys;
    if (findPool(arena, device, dmaAddr) !== null) {
      copy(ctx, device, dmaAddr, sgDmaLength(arena, sg), dir);
    }
    if (!forCpu) maintain(row, request, work, sg, entry, row.cache.syncDevice);
  });
}

function maintain(
  row: ArchRow,
  request: ArchRequest,
  work: ArchWork,
  sg: number,
  entry: number,
  rule: typeof NO_CACHE_RULE,
): void {
  if (request.device.coherent || row.cache.by === "none") return;
  const { arena } = request.ctx;
  work.cacheOp(opFor(rule, request.dir), entry, sgDmaAddress(arena, sg), sgDmaLength(arena, sg));
}

function releaseFirst(request: ArchRequest, count: number): void {
  const { ctx, device, dir } = request;
  const { arena } = ctx;
  eachEntry(request, (sg, entry) => {
    const dmaAddr = sgDmaAddress(arena, sg) as Phys;
    if (entry >= count || findPool(arena, device, dmaAddr) === null) return;
    swiotlbUnmap(ctx, device, dmaAddr, sgDmaLength(arena, sg), dir, 0);
  });
}

function logFull(request: ArchRequest, work: ArchWork, bytes: number): void {
  if (request.device.pool === null) {
    work.panic("Can not allocate SWIOTLB buffer earlier and can't now provide you with the DMA bounce buffer");
    return;
  }
  work.log(`swiotlb buffer is full (sz: ${bytes} bytes)`);
  work.log(`DMA: Out of SW-IOMMU space for ${bytes} bytes at device ${request.device.name}`);
}
