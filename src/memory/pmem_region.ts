/**
 * A region of persistent memory: which sizes its interleave set allows, and the namespaces that are cut from it.
 *
 * Sources: drivers/nvdimm/region_devs.c (default_align, 5.7), ndctl/namespace.c (validate_namespace_options).
 */
import { alignDownWide, alignUpWide, type Phys } from "../base/addr.ts";
import { type NamespaceMap, type NamespacePlan, planNamespace, type SectionRule } from "./namespace.ts";
import type { RamRange } from "./zone_device.ts";

/** MEMREMAP_COMPAT_ALIGN_MAX: 16 MiB, which every architecture can map. */
const REGION_ALIGN_BYTES = 2 ** 24;
const EBUSY = -16;
const ENOSPC = -28;

/** Alignment of namespaces inside a region of `ways` interleaved modules: 16 MiB, or `ways` times that when it does not divide evenly. */
export function regionAlignBytes(ways: number): number {
  const whole = Math.floor(REGION_ALIGN_BYTES / ways) * ways === REGION_ALIGN_BYTES;
  return whole ? REGION_ALIGN_BYTES : REGION_ALIGN_BYTES * ways;
}

/** Verdict on a size; `nearestBytes` is what would pass. */
export interface SizeVerdict {
  readonly ok: boolean;
  /** `alignBytes` x `ways`: a namespace takes as much of every module. */
  readonly unitBytes: number;
  readonly nearestBytes: number;
  readonly message: string;
}

/** Whether a namespace of `bytes` takes the same number of `alignBytes` from each of `ways` modules; rounds up. */
export function checkInterleavedSize(bytes: number, alignBytes: number, ways: number): SizeVerdict {
  const unitBytes = alignBytes * ways;
  const nearestBytes = Math.max(unitBytes, alignUpWide(bytes, unitBytes));
  const ok = nearestBytes === bytes;
  const message = ok
    ? ""
    : `'--size=' must align to interleave-width: ${ways} and alignment: ${alignBytes}; did you intend --size=${nearestBytes}?`;
  return { ok, unitBytes, nearestBytes, message };
}

/** A namespace of a region; `plan.ret` other than 0 = half-made: it holds its capacity and cannot be enabled. */
export interface Namespace {
  readonly name: string;
  readonly start: Phys;
  readonly bytes: number;
  readonly plan: NamespacePlan;
}

/** Namespaces of one region, as labels keep them: a failed creation stays until it is destroyed. */
export class PmemRegion {
  readonly #range: RamRange;
  readonly #rule: SectionRule;
  readonly #ram: readonly RamRange[];
  readonly #namespaces: Namespace[] = [];

  constructor(rule: SectionRule, range: RamRange, ram: readonly RamRange[]) {
    this.#rule = rule;
    this.#range = range;
    this.#ram = ram;
  }

  get namespaces(): readonly Namespace[] {
    return this.#namespaces;
  }

  /**
   * Takes the first free `bytes` and tries to enable them. -ENOSPC without room; -EBUSY while a half-made namespace is there
   * (tools reuse it as the seed and fail again).
   */
  create(bytes: number, map: NamespaceMap, alignBytes = 2 ** 21): Namespace | number {
    if (this.#namespaces.some(({ plan }) => plan.ret !== 0)) return EBUSY;
    const start = this.#freeStart();
    if (start + bytes > this.#range.end) return ENOSPC;
    const name = `namespace0.${this.#namespaces.length}`;
    const neighbours = this.#namespaces.map((other) => ({
      name: other.name,
      start: other.start,
      end: other.start + other.bytes,
    }));
    const plan = planNamespace(this.#rule, { name, start, bytes, map, alignBytes, ram: this.#ram, neighbours });
    const made = { name, start, bytes, plan };
    this.#namespaces.push(made);
    return made;
  }

  /** Gives a namespace's capacity back; false when there is none of this name. */
  destroy(name: string): boolean {
    const at = this.#namespaces.findIndex((each) => each.name === name);
    if (at < 0) return false;
    this.#namespaces.splice(at, 1);
    return true;
  }

  #freeStart(): Phys {
    return this.#namespaces.reduce((end, each) => Math.max(end, each.start + each.bytes), this.#range.start);
  }
}

/** Largest size of at most `bytes` that {@link checkInterleavedSize} takes. */
export function largestInterleavedSize(bytes: number, alignBytes: number, ways: number): number {
  return alignDownWide(bytes, alignBytes * ways);
}
