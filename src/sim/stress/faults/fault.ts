/** What a fault declares before it is injected. */
import { PATH } from "../../../base/cost.ts";
import { DIR, type DmaDevice } from "../../../host/dma/device.ts";
import type { PhysRegion } from "../../../memory/physmap.ts";

/** One fault. */
export interface Fault {
  /** What goes wrong. */
  readonly what: string;
  /** Outcomes in which something reported it. */
  readonly detected: readonly string[];
  /** Outcomes in which nothing wrong came of it, or the exposure is one that the configuration is documented to have. */
  readonly harmless: readonly string[];
  /** When it is detected. */
  readonly after: string;
  /** Data at risk until it is detected. */
  readonly risk: string;
  /** PATHs on which it is injected; empty = it happens to a worker or a run, not to a mapping. */
  readonly paths: readonly number[];
  readonly call: "sg" | "phys";
  readonly dir: number;
  readonly fits: (device: DmaDevice) => boolean;
  /** Kind of the memory that it needs; absent = any. */
  readonly memory?: PhysRegion["kind"];
  /** Bytes of its buffer that come on top of up to a page; absent = none. */
  readonly bytes?: number;
  /** It takes tens of milliseconds: drawn less often. */
  readonly slow?: true;
}

/** Every device. */
export const any = (): boolean => true;
/** A device whose mappings the IOMMU translates as they are. */
export const trusted = (device: DmaDevice): boolean => !device.untrusted;
/** A trusted device in a strict domain. */
export const strict = (device: DmaDevice): boolean => !device.untrusted && device.domain?.mode === "strict";
/** Pools that are filled in bounded time and memory, in large pieces and slot by slot. */
const FILL_SLOTS_MAX = 32768;
const FRAGMENT_SLOTS_MAX = 8192;
/** An untrusted device bounces what fills no granule; the rest would fill page tables instead. A pool that grows is never full. */
const bouncesAll = ({ domain, pool }: DmaDevice, slotsMax: number): boolean =>
  domain === null && pool !== null && pool.growth === undefined && pool.nslabs <= slotsMax;
/** Bounces into a pool that can be filled. */
export const middlePool = (device: DmaDevice): boolean => bouncesAll(device, FILL_SLOTS_MAX);
/** Bounces into a pool that can be filled slot by slot. */
export const smallPool = (device: DmaDevice): boolean => bouncesAll(device, FRAGMENT_SLOTS_MAX);

/** What most faults have in common. */
export const DRIVER = { call: "phys", dir: DIR.toDevice, fits: any } as const;
/** A fault of the device or its link: the buffer is used in both directions. */
export const HARDWARE = { call: "phys", dir: DIR.bidirectional, fits: any } as const;
/** Paths over host memory. */
export const EVERYWHERE: readonly number[] = [PATH.direct, PATH.iommu, PATH.bounce];
