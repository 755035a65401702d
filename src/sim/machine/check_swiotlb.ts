/** Cross-checks of the bounce pool. */
import { ADDR_LIMIT, alignDown, hex, isPow2, lowBits, PAGE_BYTES } from "../../base/addr.ts";
import { formatBytes } from "../../base/units.ts";
import type { Machine } from "./description.ts";
import { formatRange, type MachineFault } from "./fault.ts";
import { SWIOTLB_NOWHERE, SWIOTLB_SEGMENT_BYTES, swiotlbAreasMax } from "./resolve_swiotlb.ts";
import type { MachineDocument } from "./schema.ts";

const FOUR_GIB = 2 ** 32;

/** First fault of the bounce pool; undefined when it is sound. */
export function checkSwiotlb(machine: Machine, document: MachineDocument): MachineFault | undefined {
  return (
    untimely(machine) ??
    missingPool(machine) ??
    unsoundSize(machine) ??
    unsoundAreas(machine) ??
    unsoundPlace(machine, document)
  );
}

function untimely(machine: Machine): MachineFault | undefined {
  const { era } = machine;
  if (!machine.swiotlb.dynamic || (era !== "4.1" && era !== "6.1")) return undefined;
  return {
    code: "DMASIM_MACHINE_POOL_DYNAMIC",
    path: ["swiotlb", "dynamic"],
    what: "bounce pools grow since Linux 6.6",
    value: `true with kernel.era ${era}`,
    limit: "kernel.era 6.12 or 7.x",
    remedy: "remove dynamic, or choose a later era",
  };
}

function missingPool(machine: Machine): MachineFault | undefined {
  if (machine.swiotlb.bytes > 0 || !machine.swiotlb.force) return undefined;
  return {
    code: "DMASIM_MACHINE_NO_POOL",
    path: ["swiotlb", "size"],
    what: machine.confidential ? "a confidential guest bounces every DMA" : "swiotlb.force bounces every DMA",
    value: 0,
    limit: `needs a pool of at least ${formatBytes(SWIOTLB_SEGMENT_BYTES)}`,
    remedy: "remove size: 0",
  };
}

function unsoundSize(machine: Machine): MachineFault | undefined {
  const { bytes } = machine.swiotlb;
  if (lowBits(bytes, SWIOTLB_SEGMENT_BYTES) === 0) return undefined;
  return {
    code: "DMASIM_MACHINE_POOL_SIZE",
    path: ["swiotlb", "size"],
    what: "the bounce pool is made of segments of 128 slots of 2 KiB",
    value: bytes,
    limit: `a multiple of ${SWIOTLB_SEGMENT_BYTES} (256 KiB)`,
    remedy: `use ${alignDown(bytes, SWIOTLB_SEGMENT_BYTES) + SWIOTLB_SEGMENT_BYTES}`,
  };
}

function unsoundAreas(machine: Machine): MachineFault | undefined {
  const { areas, bytes } = machine.swiotlb;
  const areasMax = swiotlbAreasMax(bytes);
  if (isPow2(areas) && areas <= areasMax) return undefined;
  return {
    code: "DMASIM_MACHINE_POOL_AREAS",
    path: ["swiotlb", "areas"],
    what: "the bounce pool cannot be cut into this many areas",
    value: areas,
    limit: `a power of two up to ${areasMax} (areas are equal parts of whole 256 KiB of ${formatBytes(bytes)})`,
    remedy: "lower areas, or enlarge the pool",
  };
}

function unsoundPlace(machine: Machine, document: MachineDocument): MachineFault | undefined {
  const { start, bytes } = machine.swiotlb;
  if (bytes === 0) return undefined;
  if (start === SWIOTLB_NOWHERE) return noRoom(machine);
  if (lowBits(start, PAGE_BYTES) !== 0) {
    return place(machine, "the bounce pool does not start on a page", `a multiple of ${PAGE_BYTES}`);
  }
  const end = start + bytes;
  const inside = machine.memory.some(
    (region) => region.kind === "ram" && start >= region.start && end <= region.start + region.bytes,
  );
  if (!inside) return place(machine, "the bounce pool does not lie inside one RAM region", ramList(machine));
  if (end <= FOUR_GIB || document.swiotlb.any) return undefined;
  return place(machine, "the bounce pool ends above 4 GiB", `end at most ${hex(FOUR_GIB)} unless swiotlb.any is true`);
}

function place(machine: Machine, what: string, limit: string): MachineFault {
  return {
    code: "DMASIM_MACHINE_POOL_PLACE",
    path: ["swiotlb", "start"],
    what,
    value: formatRange(machine.swiotlb.start, machine.swiotlb.bytes),
    limit,
    remedy: "remove start: the pool is then put at the top of the highest RAM below 4 GiB",
  };
}

function noRoom(machine: Machine): MachineFault {
  return {
    code: "DMASIM_MACHINE_POOL_PLACE",
    path: ["swiotlb", "size"],
    what: "no RAM region holds the bounce pool",
    value: formatBytes(machine.swiotlb.bytes),
    limit: `${ramList(machine)}; below 4 GiB unless swiotlb.any is true`,
    remedy: "lower swiotlb.size, set swiotlb.any, or add RAM below 4 GiB",
  };
}

function ramList(machine: Machine): string {
  const ram = machine.memory.filter((region) => region.kind === "ram" && region.start < ADDR_LIMIT);
  return `RAM: ${ram.map((region) => `${region.name} ${formatRange(region.start, region.bytes)}`).join(", ")}`;
}
