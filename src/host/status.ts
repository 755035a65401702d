/**
 * Outcomes of mapping calls: resource exhaustion is a status, never an exception.
 *
 * The errno is what the kernel's call of the machine's era returns (dma_map_sgtable; dma_map_sg turns all of them into 0).
 */
export const MAP_OK = 0;

/** One reason why a mapping call fails; mapping functions return `-code`. */
export interface MapFailure {
  readonly code: number;
  readonly name: string;
  /** Negative errno of dma_map_sgtable. */
  readonly errno: number;
  /** True when the same call may succeed after other mappings are released. */
  readonly mayRetry: boolean;
  readonly remedy: string;
}

/** Every way in which a mapping can fail. Codes are small integers so that hot code can return them. */
export const MAP_FAILURES = Object.freeze({
  invalid: {
    code: 1,
    name: "invalid argument",
    errno: -22,
    mayRetry: false,
    remedy: "check entries, lengths and alignment against the device's limits",
  },
  noIova: {
    code: 2,
    name: "IOVA space exhausted",
    errno: -12,
    mayRetry: true,
    remedy: "unmap earlier, map less at a time, or widen the device's DMA mask",
  },
  noTable: {
    code: 3,
    name: "no memory for page tables",
    errno: -12,
    mayRetry: true,
    remedy: "unmap earlier or use larger pages",
  },
  poolFull: {
    code: 4,
    name: "swiotlb buffer is full",
    errno: -5,
    mayRetry: true,
    remedy: "enlarge swiotlb, lower iodepth, or unmap earlier",
  },
  tooLarge: {
    code: 5,
    name: "larger than the largest swiotlb mapping",
    errno: -5,
    mayRetry: false,
    remedy: "split the request at dma_max_mapping_size (256 KiB less alignment)",
  },
  maskOverflow: {
    code: 6,
    name: "address above the device's DMA mask",
    errno: -5,
    mayRetry: false,
    remedy: "give the machine a swiotlb pool or an IOMMU, or a device with a wider mask",
  },
  peerUnsupported: {
    code: 7,
    name: "peer-to-peer not supported between these devices",
    errno: -121,
    mayRetry: false,
    remedy: "put both devices below one switch without ACS redirect, or use an allowed host bridge",
  },
  noBacking: {
    code: 8,
    name: "out of arena memory",
    errno: -12,
    mayRetry: false,
    remedy: "lower iodepth, numjobs or bs",
  },
  noPage: {
    code: 9,
    name: "entry has no struct page",
    errno: -22,
    mayRetry: false,
    remedy: "bounce buffers need a kernel virtual address: use page-backed memory or a device that reaches it directly",
  },
  noScatterlist: {
    code: 10,
    name: "no memory for scatterlist entries",
    errno: -12,
    mayRetry: true,
    remedy: "lower iodepth, numjobs or the number of entries",
  },
  unalignedLink: {
    code: 11,
    name: "a linked range other than the first starts inside a granule",
    errno: -5,
    mayRetry: false,
    remedy: "link whole granules, but for the start of the first and the end of the last range",
  },
  bounceForbidden: {
    code: 12,
    name: "the range would bounce and must not",
    errno: -1,
    mayRetry: false,
    remedy: "align the range to granules, or drop DMA_ATTR_MMIO and DMA_ATTR_REQUIRE_COHERENT",
  },
  notSupported: {
    code: 13,
    name: "operation not supported",
    errno: -95,
    mayRetry: false,
    remedy: "map the ranges one by one (dma_map_phys)",
  },
  peerGone: {
    code: 14,
    name: "the peer's driver is going away",
    errno: -19,
    mayRetry: false,
    remedy: "unmap, and map again when the device is back",
  },
  noPeerOp: {
    code: 15,
    name: "the ops table has no operation for peer resources",
    errno: -95,
    mayRetry: false,
    remedy: "use an ops table with map_peer_resource, or a kernel with dma_map_resource",
  },
  privatePage: {
    code: 16,
    name: "device private page: its pfn is no address until the page is resolved",
    errno: -14,
    mayRetry: false,
    remedy: "resolve the page to a peer address, or migrate it to RAM (hmm_range_fault), and map that",
  },
  windowBusy: {
    code: 17,
    name: "every window slot in reach is pinned or in use",
    errno: -16,
    mayRetry: true,
    remedy: "lower iodepth, or give the device a larger BAR",
  },
  windowRange: {
    code: 18,
    name: "range: the device does not expose this part of its memory",
    errno: -22,
    mayRetry: false,
    remedy: "raise memory.exposable",
  },
  windowAperture: {
    code: 19,
    name: "MMIO aperture: the device has no peer BAR for its memory",
    errno: -6,
    mayRetry: false,
    remedy: "give memory a bar with memmap p2pdma",
  },
  windowBar32: {
    code: 20,
    name: "32-bit BAR: its slots lie above 4 GiB",
    errno: -6,
    mayRetry: false,
    remedy: "make it a 64-bit BAR, or place it below 4 GiB",
  },
  windowBridge: {
    code: 21,
    name: "bridge window: the bridges above the device do not forward to its slots",
    errno: -6,
    mayRetry: false,
    remedy: "widen the windows of the bridges",
  },
  windowClient: {
    code: 22,
    name: "client's address width: it cannot drive the slots' bus addresses",
    errno: -5,
    mayRetry: false,
    remedy: "raise dma_mask_bits of the client, or move the BAR down",
  },
  longtermFile: {
    code: 23,
    name: "long-term pin of a filesystem's DAX file: its blocks could never be given back",
    errno: -95,
    mayRetry: false,
    remedy: "pin for the I/O only (pin: io), use device-DAX, or memory that is no file",
  },
  notPinnable: {
    code: 24,
    name: "no struct page to pin",
    errno: -14,
    mayRetry: false,
    remedy: "pin memory with struct pages, or import it as a dma-buf (map: dma-buf)",
  },
} satisfies Record<string, MapFailure>);

const BY_CODE: readonly MapFailure[] = Object.values(MAP_FAILURES);

/** The failure with `code`; undefined for MAP_OK. */
export function failureOf(code: number): MapFailure | undefined {
  return BY_CODE.find((failure) => failure.code === code);
}
