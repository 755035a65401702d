/**
 * A quiet place to map one list: a fresh arena with the machine's initial state, the list in it, and ports that record
 * what the mapping code asks of the hardware instead of doing it.
 */
import type { Iova, Phys } from "../../base/addr.ts";
import { assert } from "../../base/assert.ts";
import { CostRecord } from "../../base/cost.ts";
import type { CopyPort, HostContext, InvalidationPort } from "../../host/context.ts";
import type { DmaDevice } from "../../host/dma/device.ts";
import { mapSg, unmapSg } from "../../host/dma/map.ts";
import type { PageFinder } from "../../host/dma/resource.ts";
import { sgSetPhys } from "../../host/dma/scatterlist.ts";
import { allocSg } from "../../host/dma/sg_table.ts";
import { initDomainIova } from "../../host/iommu/iova.ts";
import { initPool } from "../../host/swiotlb/pool.ts";
import { pinsHeld } from "../../memory/memmap.ts";
import { Arena } from "../../shm/arena.ts";
import { sgNext } from "../../shm/sg_entry.ts";
import { MAIN_OWNER } from "../host_ports.ts";
import { reserveWindows } from "../reserved_windows.ts";
import type { System } from "../system.ts";
import type { MapEntry } from "./entry.ts";
import { privateFailure } from "./private_pages.ts";
import { mapResources, unmapResources } from "./resource_list.ts";
import type { MapCall } from "./view.ts";

/** One call of the invalidation port; `bytes` 0 = the whole domain. */
export interface RecordedInvalidation {
  readonly iova: Iova;
  readonly bytes: number;
}

/** One copy between a buffer and its bounce slots. */
export interface RecordedCopy {
  readonly dst: Phys;
  readonly src: Phys;
  readonly bytes: number;
}

/** Records copies and moves nothing: a preview looks at addresses, not at bytes. */
class CopyRecorder implements CopyPort {
  readonly copies: RecordedCopy[] = [];

  copy(dst: Phys, src: Phys, bytes: number): boolean {
    this.copies.push({ dst, src, bytes });
    return true;
  }

  fill(): boolean {
    return true;
  }
}

class InvalidationRecorder implements InvalidationPort {
  readonly seen: RecordedInvalidation[] = [];

  invalidatePages(_unit: number, _domain: number, iova: Iova, bytes: number): void {
    this.seen.push({ iova, bytes });
  }

  invalidateDomain(): void {
    this.seen.push({ iova: 0, bytes: 0 });
  }
}

/** Everything that one previewed mapping needs; single use. */
export class MappingLab {
  readonly arena: Arena;
  readonly ctx: HostContext;
  readonly device: DmaDevice;
  /** First entry of the list. */
  readonly sg: number;
  readonly nents: number;
  /** The call that maps it. */
  readonly call: MapCall;
  readonly #pages: PageFinder;
  readonly #entries: readonly MapEntry[];
  readonly #copies = new CopyRecorder();
  readonly #invalidations = new InvalidationRecorder();

  constructor(system: System, device: DmaDevice, entries: readonly MapEntry[], call: MapCall = "dma_map_sg") {
    this.call = call;
    this.#entries = entries;
    this.#pages = system.memmap;
    this.arena = Arena.create();
    this.device = device;
    this.nents = entries.length;
    this.ctx = {
      arena: this.arena,
      era: system.machine.era,
      defects: system.machine.defects,
      lockOwner: MAIN_OWNER,
      copyPort: this.#copies,
      invalidation: this.#invalidations,
      peers: system.peers,
      cost: new CostRecord(),
      cpu: 0,
      nowNs: 0,
    };
    this.#initState(system);
    this.sg = buildList(this.arena, entries);
  }

  /** Maps the first `nents` entries: DMA entries for the device, or -(failure code) with nothing left mapped. */
  map(nents: number, dir: number, attrs: number): number {
    const { ctx, device, sg } = this;
    const unmappable = privateFailure(this.#entries, nents);
    if (unmappable !== 0) return -unmappable;
    if (this.call === "dma_map_sg") return mapSg(ctx, device, sg, nents, dir, attrs);
    return mapResources(ctx, device, this.#pages, sg, nents, dir, attrs);
  }

  /** Ends a mapping of {@link map}. */
  unmap(nents: number, dir: number, attrs: number): void {
    const { ctx, device, sg } = this;
    if (this.call === "dma_map_sg") unmapSg(ctx, device, sg, nents, dir, attrs);
    else unmapResources(ctx, device, sg, nents, dir, attrs);
  }

  /** Copies since the last call. */
  takeCopies(): readonly RecordedCopy[] {
    return this.#copies.copies.splice(0);
  }

  /** Invalidations since the last call. */
  takeInvalidations(): readonly RecordedInvalidation[] {
    return this.#invalidations.seen.splice(0);
  }

  /** Pages pinned now. */
  pinned(): number {
    return pinsHeld(this.arena);
  }

  /** Only what this device uses: its domain with the ranges that hold no IOVA, and its pool. */
  #initState(system: System): void {
    const { domain, pool } = this.device;
    if (domain !== null) {
      initDomainIova(this.arena, domain, 1);
      reserveWindows(this.ctx, system, this.device.index, domain);
    }
    if (pool === null) return;
    initPool(this.arena, pool.index, pool.slotBase, pool.areaBase, pool.nslabs, pool.nareas, pool.start);
  }
}

/** A scatterlist of `entries` in the arena; its handle. */
export function buildList(arena: Arena, entries: readonly MapEntry[]): number {
  const sg = allocSg(arena, MAIN_OWNER, entries.length);
  assert(sg > 0, "an empty arena has room for a list");
  let at = sg;
  for (const entry of entries) {
    sgSetPhys(arena, at, entry.phys, entry.bytes, entry.hasPage);
    at = sgNext(arena, at);
  }
  return sg;
}
