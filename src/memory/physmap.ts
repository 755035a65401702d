/**
 * The physical address space as /proc/iomem shows it: which region holds an address, and what kind it is.
 *
 * Immutable; every thread builds its own from the same description. Looking up does not allocate.
 */
import { ADDR_LIMIT, hex, type Phys } from "../base/addr.ts";
import { DmasimError } from "../base/errors.ts";

/** What answers at an address. `reserved` is a hole: nothing decodes there. */
export type RegionKind = "ram" | "pmem" | "device" | "reserved";

/** How pages of a region are described: struct pages of System RAM, page-less, ZONE_DEVICE, DEVICE_PRIVATE or P2PDMA. */
export type PageMode = "ram" | "none" | "zone-device" | "private" | "p2pdma";

/** [start, start + bytes) of the physical address space. */
export interface PhysRegion {
  readonly name: string;
  readonly kind: RegionKind;
  readonly start: Phys;
  readonly bytes: number;
  /** `private`: start is fictitious, no bus access reaches it until the page is resolved to device memory. */
  readonly memmap: PageMode;
  readonly node: number;
  /** Index of the device whose BAR or memory it is; -1 = none. */
  readonly deviceIndex: number;
  /** Comes online during the run: no buffer lies there before. */
  readonly hot?: boolean;
}

const IOMEM_NAMES: Readonly<Record<RegionKind, string | null>> = {
  ram: "System RAM",
  pmem: "Persistent Memory",
  device: null,
  reserved: "Reserved",
};

/** Regions by address. */
export class PhysMap {
  /** In rising order of address, without overlap. */
  readonly regions: readonly PhysRegion[];
  readonly #start: Float64Array;
  readonly #end: Float64Array;
  /** Region found last: accesses stay in one for long. */
  #last = 0;

  /** Throws DMASIM_REGION_OVERLAP or DMASIM_REGION_RANGE for regions that no address space can hold. */
  constructor(regions: readonly PhysRegion[]) {
    this.regions = Object.freeze([...regions].sort((a, b) => a.start - b.start));
    this.#start = Float64Array.from(this.regions, (region) => region.start);
    this.#end = Float64Array.from(this.regions, (region) => region.start + region.bytes);
    for (const [index, region] of this.regions.entries()) checkRegion(region, this.regions[index - 1]);
  }

  /** Index into {@link regions} of the one that holds `phys`, -1 = none. */
  indexAt(phys: Phys): number {
    const start = this.#start;
    const last = this.#last;
    if (phys >= (start[last] as number) && phys < (this.#end[last] as number)) return last;
    let low = 0;
    let high = start.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((start[middle] as number) <= phys) low = middle + 1;
      else high = middle;
    }
    const found = low - 1;
    if (found < 0 || phys >= (this.#end[found] as number)) return -1;
    this.#last = found;
    return found;
  }

  /** Region that holds `phys`; undefined in a gap. */
  regionAt(phys: Phys): PhysRegion | undefined {
    const index = this.indexAt(phys);
    return index < 0 ? undefined : this.regions[index];
  }

  /**
   * True when memory answers for every byte of [phys, phys + bytes); otherwise a device access is a bus error.
   * Gaps, reserved ranges and the fictitious addresses of DEVICE_PRIVATE pages decode nowhere.
   */
  decodes(phys: Phys, bytes: number): boolean {
    const end = phys + bytes;
    let at = phys;
    do {
      const index = this.indexAt(at);
      if (index < 0) return false;
      const region = this.regions[index] as PhysRegion;
      if (region.kind === "reserved" || region.memmap === "private") return false;
      at = this.#end[index] as number;
    } while (at < end);
    return true;
  }
}

/** The map in the format of /proc/iomem, one line a region; pmem regions show their namespace as a child. */
export function formatIomem(map: PhysMap): string {
  const lines: string[] = [];
  for (const region of map.regions) {
    const range = `${iomemAddr(region.start)}-${iomemAddr(region.start + region.bytes - 1)}`;
    lines.push(`${range} : ${IOMEM_NAMES[region.kind] ?? region.name}`);
    if (region.kind === "pmem") lines.push(`  ${range} : ${region.name}`);
  }
  return `${lines.join("\n")}\n`;
}

function iomemAddr(phys: Phys): string {
  return phys.toString(16).padStart(8, "0");
}

function checkRegion(region: PhysRegion, before: PhysRegion | undefined): void {
  const end = region.start + region.bytes;
  if (!(region.start >= 0 && region.bytes > 0 && end <= ADDR_LIMIT)) {
    throw new DmasimError({
      code: "DMASIM_REGION_RANGE",
      what: `memory region ${region.name} does not fit the physical address space`,
      value: `${hex(region.start)}, ${region.bytes} bytes`,
      limit: "0 < bytes, start + bytes <= 2^52",
      remedy: "correct start or bytes of the region",
    });
  }
  if (before === undefined || before.start + before.bytes <= region.start) return;
  throw new DmasimError({
    code: "DMASIM_REGION_OVERLAP",
    what: `memory regions ${before.name} and ${region.name} overlap`,
    value: hex(region.start),
    limit: `${before.name} ends at ${hex(before.start + before.bytes)}`,
    remedy: "move one of them, or make the first smaller",
  });
}
