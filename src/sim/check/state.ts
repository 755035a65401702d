/**
 * Fresh simulator state for one case: an arena of its own, contexts, devices, domains and pools on it.
 *
 * The machinery is what runs use: a host context over an arena. What is special is that CPU copies happen at
 * once and that invalidations are recorded instead of reaching a unit.
 */
import { ADDR_LIMIT } from "../../base/addr.ts";
import { CostRecord } from "../../base/cost.ts";
import type { Defects, Era } from "../../base/era.ts";
import type { CopyPort, HostContext, PeerRoutes } from "../../host/context.ts";
import type { BouncePool, DmaDevice, DmaDomain } from "../../host/dma/device.ts";
import { initDomainIova } from "../../host/iommu/iova.ts";
import { initPool, limitNareas } from "../../host/swiotlb/pool.ts";
import { copyPhys, fillPhys } from "../../memory/copy.ts";
import { Arena } from "../../shm/arena.ts";
import { DOMAINS_MAX } from "../../shm/capacities.ts";
import type { KernelCase } from "./case_file.ts";

/** One call of the invalidation port; `bytes` 0 = the whole domain. */
export interface Invalidation {
  readonly iova: number;
  readonly bytes: number;
}

/** A host context that remembers the invalidations asked of it. */
export type CheckContext = HostContext & { readonly invalidations: Invalidation[] };

const NO_PEERS: PeerRoutes = { regionAt: () => -1, route: () => 0, busOffset: () => 0 };
const POOL_SLOTS = 32768;

/** State of one case; everything is made on first use. */
export class CaseState {
  readonly era: Era;
  readonly defects: Defects;
  /** Another case by its id, for a case that refers to it. */
  readonly find: (id: string) => KernelCase | undefined;
  #arena: Arena | undefined;
  #domains = 0;
  #pools = 0;
  #slots = 0;
  #areas = 0;

  constructor(era: Era, defects: Defects, find: (id: string) => KernelCase | undefined) {
    this.era = era;
    this.defects = defects;
    this.find = find;
  }

  get arena(): Arena {
    this.#arena ??= Arena.create();
    return this.#arena;
  }

  /** A context of CPU 0; several contexts of a case share its arena. */
  context(cpu = 0, peers: PeerRoutes = NO_PEERS): CheckContext {
    const { arena } = this;
    const invalidations: Invalidation[] = [];
    return {
      arena,
      era: this.era,
      defects: this.defects,
      lockOwner: 0,
      copyPort: immediateCopies(arena),
      invalidation: {
        invalidatePages: (_unit, _domain, iova, bytes) => void invalidations.push({ iova, bytes }),
        invalidateDomain: () => void invalidations.push({ iova: 0, bytes: 0 }),
      },
      peers,
      cost: new CostRecord(),
      cpu,
      nowNs: 0,
      invalidations,
    };
  }

  /** A coherent device that reaches every address, with the default limits, no IOMMU and no pool. */
  device(changes: Partial<DmaDevice> = {}): DmaDevice {
    return {
      index: 0,
      name: "0000:01:00.0",
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
      ...changes,
    };
  }

  /** An empty strict domain; the arena is renewed when all its domains are taken. */
  domain(changes: Partial<DmaDomain> = {}, startPfn = 1): DmaDomain {
    if (this.#domains === DOMAINS_MAX) this.renew();
    const domain: DmaDomain = {
      index: this.#domains,
      mode: "strict",
      unit: 0,
      addressBits: 48,
      pageShifts: [12, 21, 30],
      forcedac: false,
      cpus: 1,
      ...changes,
    };
    this.#domains += 1;
    initDomainIova(this.arena, domain, startPfn);
    return domain;
  }

  /** An empty bounce pool; areas that a pool of this size cannot have are taken away as at boot. */
  pool(start: number, nslabs = POOL_SLOTS, areas = 1): BouncePool {
    const nareas = limitNareas(areas, nslabs);
    const pool = initPool(this.arena, this.#pools, this.#slots, this.#areas, nslabs, nareas, start);
    this.#pools += 1;
    this.#slots += nslabs;
    this.#areas += nareas;
    return pool;
  }

  /** Drops all state: what was handed out before must not be used any more. */
  renew(): void {
    this.#arena = undefined;
    this.#domains = 0;
    this.#pools = 0;
    this.#slots = 0;
    this.#areas = 0;
  }
}

function immediateCopies(arena: Arena): CopyPort {
  return {
    copy: (dst, src, bytes) => copyPhys(arena, dst, src, bytes),
    fill: (dst, byte, bytes) => fillPhys(arena, dst, byte, bytes),
  };
}
