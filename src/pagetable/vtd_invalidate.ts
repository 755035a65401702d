/**
 * Invalidation requests as VT-d encodes them (intel/cache.c:calculate_psi_aligned_address, intel/iommu.h:qi_desc_iotlb,
 * qi_desc_dev_iotlb; VT-d specification, queued invalidation interface).
 *
 * Quad words stay below 2^52 in every field used here, so they are plain Numbers.
 */
import { alignDownWide, blockOrder, PAGE_BYTES, pfnOf } from "../base/addr.ts";

/** Granularity field of an IOTLB invalidation. */
export const IOTLB_GRANULARITY = Object.freeze({ global: 1, domain: 2, page: 3 });

/** Largest address mask that units report (CAP_REG.MAMV, 1 GiB): server hardware and QEMU alike. */
export const ADDRESS_MASK_MAX = 18;

const TYPE_IOTLB = 2;
const TYPE_DEVICE_TLB = 3;
const GRANULARITY_BIT = 2 ** 4;
const DRAIN_WRITES = 2 ** 6;
const DRAIN_READS = 2 ** 7;
const DOMAIN_ID_BIT = 2 ** 16;
const LEAF_ONLY = 2 ** 6;
const DEVICE_QUEUE_DEPTH_BIT = 2 ** 16;
const DEVICE_QUEUE_DEPTH_LIMIT = 32;
const SOURCE_ID_BIT = 2 ** 32;
const DEVICE_SIZE = 1;

/** What a page-selective invalidation covers: 2^addressMask pages from `addr`, which is a multiple of their size. */
export interface PageSelective {
  readonly addr: number;
  readonly addressMask: number;
  readonly pages: number;
}

/**
 * Smallest naturally aligned power-of-two block of pages that holds [start, last] (bytes, inclusive). A range that
 * straddles a large boundary makes a large block: the units then lose entries that nobody unmapped.
 */
export function pageSelective(start: number, last: number): PageSelective {
  const addressMask = blockOrder(pfnOf(start), pfnOf(last));
  const pages = 2 ** addressMask;
  return { addr: alignDownWide(pfnOf(start), pages) * PAGE_BYTES, addressMask, pages };
}

/** True when the unit cannot take the request page by page and a domain-selective one is sent instead. */
export function needsDomainSelective(
  request: PageSelective,
  pageSelectiveCapable: boolean,
  addressMaskMax: number,
): boolean {
  return !pageSelectiveCapable || request.addressMask > addressMaskMax;
}

/** First and second quad word of a queued descriptor. */
export interface QueuedDescriptor {
  readonly qw0: number;
  readonly qw1: number;
}

/** What an IOTLB invalidation says. */
export interface IotlbRequest {
  readonly domainId: number;
  /** IOTLB_GRANULARITY. */
  readonly granularity: number;
  /** Page address and mask order of a page-selective request, else 0. */
  readonly addr: number;
  readonly addressMask: number;
  readonly drainWrites: boolean;
  readonly drainReads: boolean;
  /** Invalidation hint: only leaves changed, so that paging-structure caches may stay. 0 when tables were dropped. */
  readonly leafOnly: boolean;
}

/** Queued IOTLB invalidation. */
export function iotlbDescriptor(request: IotlbRequest): QueuedDescriptor {
  const drains = (request.drainWrites ? DRAIN_WRITES : 0) + (request.drainReads ? DRAIN_READS : 0);
  return {
    qw0: TYPE_IOTLB + request.granularity * GRANULARITY_BIT + drains + request.domainId * DOMAIN_ID_BIT,
    qw1: alignDownWide(request.addr, PAGE_BYTES) + (request.leafOnly ? LEAF_ONLY : 0) + request.addressMask,
  };
}

/**
 * Queued device-TLB (ATS) invalidation of 2^sizeOrder pages for the function `sourceId` (bus << 8 | devfn).
 * The lowest zero bit of the page field encodes the size; a queue depth of 32 is written as 0.
 */
export function deviceTlbDescriptor(
  sourceId: number,
  queueDepth: number,
  addr: number,
  sizeOrder: number,
): QueuedDescriptor {
  const depth = queueDepth >= DEVICE_QUEUE_DEPTH_LIMIT ? 0 : queueDepth;
  return {
    qw0: TYPE_DEVICE_TLB + depth * DEVICE_QUEUE_DEPTH_BIT + sourceId * SOURCE_ID_BIT,
    qw1: deviceTlbAddressWord(addr, sizeOrder),
  };
}

/** Address quad word of {@link deviceTlbDescriptor}. */
export function deviceTlbAddressWord(addr: number, sizeOrder: number): number {
  const page = alignDownWide(addr, PAGE_BYTES);
  if (sizeOrder === 0) return page;
  const half = PAGE_BYTES * 2 ** (sizeOrder - 1);
  return alignDownWide(page, half) + (half - PAGE_BYTES) + DEVICE_SIZE;
}
