/** Where an entry may lie: in one region of the machine, of the kind that its words say, outside the bounce pool. */
import { hex, type Phys } from "../../base/addr.ts";
import { DmasimError } from "../../base/errors.ts";
import type { PhysRegion } from "../../memory/physmap.ts";
import type { System } from "../system.ts";
import { type EntryKind, kindOf } from "./entry.ts";

/** struct scatterlist has 32 bits for a length. */
const LENGTH_MAX = 2 ** 32 - 1;

/** The region that holds [phys, phys + bytes); `kind` null or `pfn` accepts any. Throws one DmasimError. */
export function checkPlace(
  system: System,
  text: string,
  kind: EntryKind | null,
  phys: Phys,
  bytes: number,
): PhysRegion {
  checkLength(text, bytes);
  const region = system.map.regionAt(phys);
  if (region === undefined) throw outside(system, text, phys);
  if (kind !== null && kind !== "pfn" && kindOf(region) !== kind) throw otherKind(text, kind, region, phys, bytes);
  const end = region.start + region.bytes;
  if (phys + bytes > end) throw pastEnd(text, region, phys, bytes);
  const [poolStart, poolEnd] = system.bounceRange;
  if (phys < poolEnd && phys + bytes > poolStart) throw inPool(text, phys, poolStart, poolEnd);
  return region;
}

function checkLength(text: string, bytes: number): void {
  if (bytes >= 1 && bytes <= LENGTH_MAX && Number.isInteger(bytes)) return;
  throw new DmasimError({
    code: "DMASIM_ENTRY_LENGTH",
    what: "an entry of this length cannot be mapped, bytes",
    value: bytes,
    path: text,
    limit: `1 to ${LENGTH_MAX} (struct scatterlist keeps 32 bits)`,
    remedy: bytes === 0 ? "leave the entry out, or give its length" : "split the entry",
  });
}

function outside(system: System, text: string, phys: Phys): DmasimError {
  const below = system.map.regions.findLast((region) => region.start <= phys);
  const above = system.map.regions.find((region) => region.start > phys);
  const near = [below, above].filter((region) => region !== undefined).map(rangeText);
  return new DmasimError({
    code: "DMASIM_ENTRY_OUTSIDE",
    what: "nothing answers at this physical address",
    value: hex(phys),
    path: text,
    limit: `nearest: ${near.join(", ")}`,
    remedy: `see the memory map: dmasim inspect machine ${system.machine.name}`,
  });
}

function otherKind(text: string, kind: EntryKind, region: PhysRegion, phys: Phys, bytes: number): DmasimError {
  return new DmasimError({
    code: "DMASIM_ENTRY_KIND",
    what: `no ${kind} region holds this address`,
    value: hex(phys),
    path: text,
    limit: `${rangeText(region)} does`,
    remedy: `write ${kindOf(region)}@${hex(phys)}+${hex(bytes)}`,
  });
}

function pastEnd(text: string, region: PhysRegion, phys: Phys, bytes: number): DmasimError {
  const last = region.start + region.bytes - 1;
  return new DmasimError({
    code: "DMASIM_ENTRY_OUTSIDE",
    what: `the entry runs past the end of ${region.name}`,
    value: `${hex(phys)}-${hex(phys + bytes - 1)}`,
    path: text,
    limit: `${region.name} ends at ${hex(last)}`,
    remedy: `make it ${hex(last + 1 - phys)} bytes or shorter, or split it at the region's end`,
  });
}

function inPool(text: string, phys: Phys, start: Phys, end: Phys): DmasimError {
  return new DmasimError({
    code: "DMASIM_ENTRY_IN_POOL",
    what: "this address belongs to the bounce pool: no buffer lies there",
    value: hex(phys),
    path: text,
    limit: `the pool is ${hex(start)}-${hex(end - 1)}`,
    remedy: "take an address outside it",
  });
}

function rangeText(region: PhysRegion): string {
  return `${region.name} ${hex(region.start)}-${hex(region.start + region.bytes - 1)}`;
}
