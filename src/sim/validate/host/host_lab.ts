/**
 * A machine built from a row's parts, and the production mapping code on it: what a call did is read from its cost record.
 */
import type { DmaAddr, Phys } from "../../../base/addr.ts";
import { assert, defined } from "../../../base/assert.ts";
import { CostRecord } from "../../../base/cost.ts";
import type { Era } from "../../../base/era.ts";
import type { HostContext, InvalidationPort } from "../../../host/context.ts";
import type { DmaDevice } from "../../../host/dma/device.ts";
import { mapPhys, mapSg, unmapPhys, unmapSg } from "../../../host/dma/map.ts";
import { sgSetPhys } from "../../../host/dma/scatterlist.ts";
import { allocSg, freeSg } from "../../../host/dma/sg_table.ts";
import type { PageTableFormat } from "../../../pagetable/format.ts";
import { Arena } from "../../../shm/arena.ts";
import { CPUS_MAX } from "../../../shm/capacities.ts";
import { sgNext } from "../../../shm/sg_entry.ts";
import type { HostIommuKind } from "../../../timing/host_cost/prices.ts";
import { MAIN_OWNER } from "../../host_ports.ts";
import type { IommuDescription } from "../../machine/description.ts";
import { resolveDocument } from "../../machine/resolve.ts";
import { machineSchema } from "../../machine/schema.ts";
import { initSystem, System } from "../../system.ts";

/** Parts of the machine. */
export interface HostParts {
  readonly era: Era;
  readonly cpus: number;
  readonly iommuKind: HostIommuKind;
  readonly iommuMode: "off" | "passthrough" | "strict" | "lazy";
  /** Largest page of the IOMMU's tables, bytes. */
  readonly pageBytesMax: number;
  /** Areas of a pool that every mapping goes through; 0 = no pool. */
  readonly bounceAreas: number;
  readonly coherent: boolean;
}

/** A mapping to be ended: the address of a single range, or a list. */
export interface LabMapping {
  readonly dmaAddr: DmaAddr;
  readonly sg: number;
}

const KINDS: Readonly<Record<HostIommuKind, IommuDescription["kind"]>> = {
  none: "none",
  smmuv3: "smmuv3",
  vtd: "intel-vtd",
  amdvi: "amd-vi",
  virtio: "virtio-iommu",
};
const RAM_START = 2 ** 32;
const RAM_BYTES = 2 ** 36;
const POOL_BYTES = 2 ** 26;
const PAGE_BYTES = 4096;
const PAGES = [PAGE_BYTES, 2 ** 21, 2 ** 30];

/** Host costs do not depend on what units drop. */
const NO_UNITS: InvalidationPort = { invalidatePages: () => {}, invalidateDomain: () => {} };

/** One machine and its state; calls leave their cost in `ctx.cost`. */
export class HostLab {
  readonly ctx: HostContext;
  readonly device: DmaDevice;
  /** Page tables of its IOMMU. */
  readonly format: PageTableFormat;
  #nextPhys = RAM_START;

  /** `units` makes the port to units whose contents matter; absent: invalidations only cost time. */
  constructor(parts: HostParts, units: (arena: Arena) => InvalidationPort = () => NO_UNITS) {
    const system = new System(resolveDocument(machineSchema.parse(documentOf(parts)), "row"));
    const arena = Arena.create();
    initSystem(arena, system);
    this.format = system.format;
    this.device = defined(system.devices[0], "the machine has a device");
    this.ctx = {
      arena,
      era: parts.era,
      defects: "shipped",
      lockOwner: MAIN_OWNER,
      copyPort: { copy: () => true, fill: () => true },
      invalidation: units(arena),
      peers: system.peers,
      cost: new CostRecord(),
      cpu: 0,
      nowNs: 0,
    };
  }

  /** Maps `nents` entries of `bytes` each from `cpu`; entries lie apart. Null when nothing was mapped. */
  map(cpu: number, nents: number, bytes: number, dir: number): LabMapping | null {
    this.enter(cpu);
    if (nents === 1) {
      const dmaAddr = mapPhys(this.ctx, this.device, this.#takePhys(bytes), bytes, dir, 0);
      return dmaAddr < 0 ? null : { dmaAddr, sg: 0 };
    }
    const sg = allocSg(this.ctx.arena, MAIN_OWNER, nents);
    assert(sg > 0, "the arena has room for a list");
    let at = sg;
    for (let i = 0; i < nents; i += 1) {
      sgSetPhys(this.ctx.arena, at, this.#takePhys(2 * bytes), bytes, true);
      at = sgNext(this.ctx.arena, at);
    }
    if (mapSg(this.ctx, this.device, sg, nents, dir, 0) > 0) return { dmaAddr: 0, sg };
    freeSg(this.ctx.arena, MAIN_OWNER, sg);
    return null;
  }

  /** Ends a mapping of {@link map}. */
  unmap(cpu: number, mapping: LabMapping, nents: number, bytes: number, dir: number): void {
    this.enter(cpu);
    if (mapping.sg === 0) {
      unmapPhys(this.ctx, this.device, mapping.dmaAddr, bytes, dir, 0);
      return;
    }
    unmapSg(this.ctx, this.device, mapping.sg, nents, dir, 0);
    freeSg(this.ctx.arena, MAIN_OWNER, mapping.sg);
  }

  /** Host code now acts for `cpu`, on an empty record. */
  enter(cpu: number): void {
    this.ctx.cpu = cpu;
    this.ctx.cost.reset();
  }

  /** Memory of its own, aligned to its size, so that large pages fit. */
  #takePhys(bytes: number): Phys {
    const span = Math.max(PAGE_BYTES, 2 ** Math.ceil(Math.log2(bytes)));
    const start = Math.ceil(this.#nextPhys / span) * span;
    if (start + span > RAM_START + RAM_BYTES) {
      this.#nextPhys = RAM_START;
      return this.#takePhys(bytes);
    }
    this.#nextPhys = start + span;
    return start;
  }
}

/** The machine as a document: one device below one root complex. */
function documentOf(parts: HostParts): Record<string, unknown> {
  const kind = KINDS[parts.iommuKind];
  const translates = kind !== "none" && parts.iommuMode !== "off";
  const sizes = PAGES.filter((size) => size <= Math.max(PAGE_BYTES, parts.pageBytesMax));
  return {
    name: "row",
    title: "A machine built from the parts of a row",
    arch: parts.iommuKind === "smmuv3" ? "arm64" : "x86-64",
    kernel: { era: parts.era },
    cpus: { sockets: 1, cores_per_socket: Math.min(CPUS_MAX, parts.cpus) },
    memory: [
      { name: "low", start: 0x100000, size: 2 ** 31 - 2 ** 20 },
      { name: "ram", start: RAM_START, size: RAM_BYTES },
    ],
    iommu: translates
      ? {
          kind,
          mode: parts.iommuMode,
          page_sizes: sizes,
          units: [{ name: "u", iotlb_entries: 64, iotlb_ways: 8, walkers: 4 }],
        }
      : { kind: "none" },
    swiotlb:
      parts.bounceAreas > 0
        ? { size: POOL_BYTES, areas: parts.bounceAreas, force: true }
        : { size: translates ? 0 : POOL_BYTES },
    pcie: [
      {
        name: "rc0",
        kind: "root-complex",
        windows: [{ start: 0x80000000, size: 2 ** 28 }],
        ...(translates ? { iommu_unit: "u" } : {}),
      },
    ],
    devices: [{ name: "d0", class: "nvme", parent: "rc0", bdf: "0000:00:04.0", queues: 1, coherent: parts.coherent }],
  };
}
