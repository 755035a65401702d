/** The comparison behind a refusal, with both of its numbers. */
import { alignUp, DMA_MAPPING_ERROR, hex, lowBits, roundUpPow2 } from "../../base/addr.ts";
import { defined } from "../../base/assert.ts";
import { ATTR, type DmaDomain } from "../../host/dma/device.ts";
import { directAddress, dmaCapable, dmaLimit, granuleBytes } from "../../host/dma/limits.ts";
import { iovaLimit } from "../../host/iommu/dma_iova.ts";
import { MAP_FAILURES } from "../../host/status.ts";
import { swiotlbMap, swiotlbUnmap } from "../../host/swiotlb/bounce.ts";
import { classifyFull, type FullDiagnosis, overflowLine } from "../../host/swiotlb/classify.ts";
import { maxMappingBytes } from "../../host/swiotlb/pool.ts";
import { REGIONS } from "../../shm/layout.ts";
import type { System } from "../system.ts";
import type { MapEntry } from "./entry.ts";
import type { MappingLab } from "./lab.ts";
import { comparePeers } from "./peer_path.ts";
import { comparePrivate } from "./private_words.ts";

/** The failed call: `entry` is the one that failed, or the first of a list that failed as a whole. */
export interface FailedMap {
  readonly system: System;
  readonly lab: MappingLab;
  readonly entries: readonly MapEntry[];
  readonly entry: MapEntry;
  readonly dir: number;
  readonly attrs: number;
}

/** What a comparison tells; null parts leave the failure's general words in force. */
export interface Comparison {
  readonly text: string;
  readonly name: string | null;
  readonly kernelLines: readonly string[] | null;
  readonly why: string | null;
  readonly remedy: string | null;
}

const COMPARERS: Readonly<Record<number, (failed: FailedMap) => Comparison>> = {
  [MAP_FAILURES.invalid.code]: compareAlignment,
  [MAP_FAILURES.noIova.code]: compareIova,
  [MAP_FAILURES.noTable.code]: compareTables,
  [MAP_FAILURES.poolFull.code]: comparePool,
  [MAP_FAILURES.tooLarge.code]: compareLargest,
  [MAP_FAILURES.maskOverflow.code]: compareMask,
  [MAP_FAILURES.peerUnsupported.code]: (failed) => said(comparePeers(failed.system, failed.lab.device, failed.entry)),
  [MAP_FAILURES.noPage.code]: comparePage,
};

/** Words for failure `code` (MAP_FAILURES). Call it while the entries before the failed one are mapped. */
export function compareLimits(failed: FailedMap, code: number): Comparison {
  const { system, lab, entry } = failed;
  if (entry.privatePage?.failure === code) return said(comparePrivate(system, lab.device, entry, code));
  return COMPARERS[code]?.(failed) ?? said("");
}

function said(text: string, more: Partial<Comparison> = {}): Comparison {
  return { text, name: null, kernelLines: null, why: null, remedy: null, ...more };
}

/** `0x1b258e000 + 8192 - 1 > mask 0xffffffff`, in bus addresses; or what no dma-range shows. */
function beyondLimit(lab: MappingLab, phys: number, bytes: number, attrs: number): string {
  const { device } = lab;
  const start = directAddress(device, phys, attrs);
  if (start === DMA_MAPPING_ERROR) return `${hex(phys)} lies in no dma-range of the device`;
  const name = dmaLimit(device) === device.dmaMask ? "mask" : "bus limit";
  return `${hex(start)} + ${bytes} - 1 > ${name} ${hex(dmaLimit(device))}`;
}

/** MMIO has no bytes to copy. */
const NO_BOUNCE: Partial<Comparison> = {
  remedy: "use a device whose mask and bus limit reach this address, or an IOMMU: MMIO never bounces",
};

function compareMask(failed: FailedMap): Comparison {
  const { lab, entry, attrs } = failed;
  if (dmaCapable(lab.device, directAddress(lab.device, entry.phys, attrs), entry.bytes) && isPeerMemory(entry)) {
    const remedy = "map peer memory without swiotlb=force, through an IOMMU or below one switch";
    return said("every DMA of this device bounces, and peer memory never does", {
      name: "peer memory cannot be bounced",
      kernelLines: [],
      remedy,
    });
  }
  const bounced = lab.device.pool !== null && entry.hasPage && !isPeerMemory(entry) && (attrs & ATTR.mmio) === 0;
  const slot = bounced ? slotBeyondReach(failed) : -1;
  if (slot < 0 && directAddress(lab.device, entry.phys, attrs) === DMA_MAPPING_ERROR)
    return said(beyondLimit(lab, entry.phys, entry.bytes, attrs), {
      name: "address outside the device's dma-ranges",
      remedy:
        "use memory that a dma-range shows, add a range, or give the machine a swiotlb pool inside one, or an IOMMU",
    });
  if (slot < 0)
    return said(beyondLimit(lab, entry.phys, entry.bytes, attrs), (attrs & ATTR.mmio) === 0 ? {} : NO_BOUNCE);
  return said(`bounce slot ${beyondLimit(lab, slot, entry.bytes, 0)}`, {
    kernelLines: [overflowLine(lab.device, slot, entry.bytes)],
    why: `entry at ${hex(entry.phys)} has to bounce, but the pool itself lies beyond the device's reach`,
    remedy: "put the pool where the device reaches it (swiotlb.start), or give the machine an IOMMU",
  });
}

/** A BAR, or private memory that one shows. */
function isPeerMemory({ kind, privatePage }: MapEntry): boolean {
  return kind === "bar" || privatePage?.outcome === "shown";
}

/** Address of the slot that the entry would get if the device reached it; below 0 when it gets none. */
function slotBeyondReach({ lab, entry, dir, attrs }: FailedMap): number {
  const far = { ...lab.device, dmaMask: Number.MAX_SAFE_INTEGER, busDmaLimit: 0, dmaRanges: null };
  const slot = swiotlbMap(lab.ctx, far, entry.phys, entry.bytes, 0, dir, attrs);
  if (slot >= 0) swiotlbUnmap(lab.ctx, far, slot, entry.bytes, dir, attrs | ATTR.skipCpuSync);
  return slot;
}

function comparePage({ lab, entry, attrs }: FailedMap): Comparison {
  const { device } = lab;
  const page = "and there is no struct page to copy through";
  if (device.domain !== null) {
    const granule = granuleBytes(device.domain);
    return said(`${hex(entry.phys)} + ${entry.bytes} does not fill pages of ${granule}, ${page}`);
  }
  if (dmaCapable(device, directAddress(device, entry.phys, attrs), entry.bytes))
    return said(`every DMA of this device bounces, ${page}`);
  return said(`${beyondLimit(lab, entry.phys, entry.bytes, attrs)}, ${page}`);
}

function comparePool(failed: FailedMap): Comparison {
  if (failed.lab.device.pool === null)
    return said("every DMA of this device bounces, and the machine has no pool", { name: "no bounce pool" });
  const found = diagnose(failed);
  if (found.reason === "outside dma-ranges") return said(found.why, { remedy: found.remedy });
  return said(`${found.nslots} slots in one run > ${found.longestFreeRun}, the longest free run`, {
    why: found.why,
    remedy: found.remedy,
  });
}

function compareLargest(failed: FailedMap): Comparison {
  const { device } = failed.lab;
  const largest = Math.min(maxMappingBytes(device.minAlignMask), device.segBoundaryMask + 1);
  const found = diagnose(failed);
  return said(`${failed.entry.bytes} bytes > ${largest} bytes, dma_max_mapping_size`, { remedy: found.remedy });
}

/** What the pool's real state says; everything in it belongs to this list, so nothing leaked. */
function diagnose({ lab, entries, entry }: FailedMap): FullDiagnosis {
  const { ctx, device } = lab;
  const allocAlignMask = device.domain === null ? 0 : granuleBytes(device.domain) - 1;
  const request = { orig: entry.phys, mappingBytes: entry.bytes, allocAlignMask };
  return classifyFull(ctx, device, request, () => entries.length);
}

function compareAlignment({ lab }: FailedMap): Comparison {
  const { device } = lab;
  if (device.domain === null) return said("");
  return said(`min_align_mask ${hex(device.minAlignMask)} > granule - 1 = ${hex(granuleBytes(device.domain) - 1)}`);
}

function compareIova({ lab, entries }: FailedMap): Comparison {
  const domain = defined(lab.device.domain ?? undefined, "IOVAs come from a domain");
  const granule = granuleBytes(domain);
  const pages = iovaPages(domain, entries);
  const limit = iovaLimit(lab.device, domain);
  const asked = `${pages} pages of ${granule}`;
  // Page 0 is never allocated.
  const room = limit + 1 - granule;
  if (pages * granule > room)
    return said(`${asked} = ${hex(pages * granule)} > ${hex(room)}, all IOVAs up to ${hex(limit)}`);
  return said(`no free block of ${asked}, aligned to ${roundUpPow2(pages)} pages, up to ${hex(limit)}`);
}

/** Granules that the entries touch, each by itself. */
function iovaPages(domain: DmaDomain, entries: readonly MapEntry[]): number {
  const granule = granuleBytes(domain);
  return entries.reduce((sum, { phys, bytes }) => sum + alignUp(lowBits(phys, granule) + bytes, granule) / granule, 0);
}

function compareTables({ lab, entries }: FailedMap): Comparison {
  const domain = defined(lab.device.domain ?? undefined, "page tables belong to a domain");
  const pages = iovaPages(domain, entries);
  return said(`page tables for ${pages} pages > ${REGIONS.frames.count} frames, all that the simulator has`);
}
