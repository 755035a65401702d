/** What an I/O's driver does on the host: mappings by production code, IOVAs alone, or copies through buffers mapped before. */
import { defined } from "../../../base/assert.ts";
import { COST_LOCK, PATH } from "../../../base/cost.ts";
import { allocIovaTree, freeIovaTree } from "../../../host/iommu/iova.ts";
import { allocIovaFast, freeIovaFast } from "../../../host/iommu/magazine.ts";
import { MAGAZINE_PFNS } from "../../../shm/capacities.ts";
import type { HostLab, LabMapping } from "./host_lab.ts";
import type { HostPath } from "./io_loop.ts";

const LIMIT_PFN = 2 ** 20 - 1;
/** A search each so many I/Os stands for rarer, longer ones: their mean is soon steady. */
const SEARCH_IOS = 64;
/** Magazines that a depot holds (MAX_GLOBAL_MAGS). */
const DEPOT_MAGAZINES = 32;

/** Maps and unmaps each I/O, `nents` entries of `bytes`. */
export class MappedPath implements HostPath {
  readonly #lab: HostLab;
  readonly #nents: number;
  readonly #bytes: number;
  readonly #dir: number;
  readonly #held = new Map<number, LabMapping>();
  #nextTag = 0;

  constructor(lab: HostLab, nents: number, bytes: number, dir: number) {
    this.#lab = lab;
    this.#nents = nents;
    this.#bytes = bytes;
    this.#dir = dir;
  }

  begin(cpu: number): number {
    const mapping = this.#lab.map(cpu, this.#nents, this.#bytes, this.#dir);
    const tag = this.#nextTag;
    this.#nextTag += 1;
    this.#held.set(tag, defined(mapping ?? undefined, "a row's machine has room for its load"));
    return tag;
  }

  end(cpu: number, tag: number): void {
    const mapping = defined(this.#held.get(tag), "what ends was begun");
    this.#held.delete(tag);
    this.#lab.unmap(cpu, mapping, this.#nents, this.#bytes, this.#dir);
  }
}

/** IOVAs without page tables, as software devices take them: through the magazines or straight from the tree. */
export class IovaPath implements HostPath {
  readonly #lab: HostLab;
  readonly #fast: boolean;

  constructor(lab: HostLab, fast: boolean) {
    this.#lab = lab;
    this.#fast = fast;
  }

  begin(): number {
    const { ctx } = this.#lab;
    const domain = defined(this.#lab.device.domain ?? undefined, "the machine translates");
    return this.#fast ? allocIovaFast(ctx, domain, 1, LIMIT_PFN, true) : allocIovaTree(ctx, domain, 1, LIMIT_PFN);
  }

  end(_cpu: number, pfn: number): void {
    const { ctx } = this.#lab;
    const domain = defined(this.#lab.device.domain ?? undefined, "the machine translates");
    if (this.#fast) freeIovaFast(ctx, domain, pfn, 1);
    else freeIovaTree(ctx, domain, pfn);
  }
}

/**
 * A mapping path whose tree searches fail and start over from the last node: the whole tree is walked under its lock. A CPU goes
 * to the tree when both its magazines are used up; nodes are the ranges that all magazines and the depot hold.
 */
export class RetryingPath implements HostPath {
  readonly #path: HostPath;
  readonly #lab: HostLab;
  readonly #nodes: number;
  #begun = 0;

  constructor(path: HostPath, lab: HostLab, cpus: number) {
    this.#path = path;
    this.#lab = lab;
    // A full magazine and, on average, half of the one in use.
    this.#nodes = (1.5 * cpus + DEPOT_MAGAZINES) * MAGAZINE_PFNS;
  }

  begin(cpu: number): number {
    const tag = this.#path.begin(cpu);
    this.#begun += 1;
    const index = defined(this.#lab.device.domain ?? undefined, "the machine translates").index;
    if (this.#begun % SEARCH_IOS !== 0) return tag;
    const share = SEARCH_IOS / (2 * MAGAZINE_PFNS);
    this.#lab.ctx.cost.addLock(COST_LOCK.iovaTree, index, Math.round(this.#nodes * share));
    return tag;
  }

  end(cpu: number, tag: number): void {
    this.#path.end(cpu, tag);
  }
}

/** Buffers mapped once: the CPU copies, towards the device before it works or from it afterwards. */
export class PooledPath implements HostPath {
  readonly #lab: HostLab;
  readonly #bytes: number;
  readonly #toDevice: boolean;

  constructor(lab: HostLab, bytes: number, toDevice: boolean) {
    this.#lab = lab;
    this.#bytes = bytes;
    this.#toDevice = toDevice;
  }

  begin(): number {
    if (this.#toDevice) this.#copy();
    return 0;
  }

  end(): void {
    if (!this.#toDevice) this.#copy();
  }

  #copy(): void {
    this.#lab.ctx.cost.path = PATH.bounce;
    this.#lab.ctx.cost.bytesBounced += this.#bytes;
  }
}
