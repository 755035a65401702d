import { ADDR_LIMIT } from "#dmasim/base/addr.js";
import { CostRecord } from "#dmasim/base/cost.js";
import type { Defects, Era } from "#dmasim/base/era.js";
import type { CopyPort, HostContext, PeerRoutes } from "#dmasim/host/context.js";
import type { DmaDevice, DmaDomain } from "#dmasim/host/dma/device.js";
import { copyPhys, fillPhys } from "#dmasim/memory/copy.js";
import { Arena } from "#dmasim/shm/arena.js";

/** One recorded call of the invalidation port; `bytes` 0 = the whole domain. */
export interface RecordedInvalidation {
  readonly unit: number;
  readonly domain: number;
  readonly iova: number;
  readonly bytes: number;
}

export interface ContextOptions {
  readonly era?: Era;
  readonly defects?: Defects;
  readonly peers?: PeerRoutes;
  /** Share an arena between contexts (two CPUs, two threads). */
  readonly arena?: Arena;
  readonly lockOwner?: number;
  readonly cpu?: number;
}

export type TestContext = HostContext & { readonly invalidations: RecordedInvalidation[] };

/** No peer memory at all. */
export const NO_PEERS: PeerRoutes = { regionAt: () => -1, route: () => 0, busOffset: () => 0 };

/** Copies and fills at once, on this thread. */
export function immediateCopyPort(arena: Arena): CopyPort {
  return {
    copy: (dst, src, bytes) => copyPhys(arena, dst, src, bytes),
    fill: (dst, byte, bytes) => fillPhys(arena, dst, byte, bytes),
  };
}

/** A host context over a new arena: era 6.12, shipped defects, copies at once, invalidations recorded. */
export function makeContext(options: ContextOptions = {}): TestContext {
  const arena = options.arena ?? Arena.create();
  const invalidations: RecordedInvalidation[] = [];
  return {
    arena,
    era: options.era ?? "6.12",
    defects: options.defects ?? "shipped",
    lockOwner: options.lockOwner ?? 0,
    copyPort: immediateCopyPort(arena),
    invalidation: {
      invalidatePages: (unit, domain, iova, bytes) => void invalidations.push({ unit, domain, iova, bytes }),
      invalidateDomain: (unit, domain) => void invalidations.push({ unit, domain, iova: 0, bytes: 0 }),
    },
    peers: options.peers ?? NO_PEERS,
    cost: new CostRecord(),
    cpu: options.cpu ?? 0,
    nowNs: 0,
    invalidations,
  };
}

/** A coherent device with a 64-bit mask, 64 KiB segments, 4 GiB boundary, no IOMMU and no pool. */
export function makeDevice(overrides: Partial<DmaDevice> = {}): DmaDevice {
  return {
    index: 0,
    name: "test 0000:00:04.0",
    dmaMask: ADDR_LIMIT - 1,
    busDmaLimit: 0,
    dmaRanges: null,
    hidesRam: false,
    maxSegBytes: 65536,
    segBoundaryMask: 0xffffffff,
    minAlignMask: 0,
    coherent: true,
    untrusted: false,
    domain: null,
    pool: null,
    forceBounce: false,
    ...overrides,
  };
}

/** A strict 48-bit domain with 4 KiB, 2 MiB and 1 GiB pages, one CPU. Its IOVA space still has to be initialised. */
export function makeDomain(overrides: Partial<DmaDomain> = {}): DmaDomain {
  return {
    index: 0,
    mode: "strict",
    unit: 0,
    addressBits: 48,
    pageShifts: [12, 21, 30],
    forcedac: false,
    cpus: 1,
    ...overrides,
  };
}
