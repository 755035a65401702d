/**
 * Scatterlist entries as people write them, checked against the machine's memory map.
 *
 * ```
 * ram@0x10800+0x800              absolute address in a RAM region (also pmem@, bar@)
 * pmem0+0x50000+4k               region, offset in it, length (also bar:nvme3+0+4k)
 * private:gpu0+0x1000+4k         offset in the private memory of a device, length
 * pfn:0x10+0x800[@0x800]         page frame, length, offset in the frame: an entry that has no struct page
 * ```
 * Numbers are decimal, hexadecimal (also grouped: 0x1_0005_0000) or sizes such as 4k.
 */
import { hex, PAGE_BYTES, type Phys } from "../../base/addr.ts";
import { closestWord } from "../../base/closest.ts";
import { DmasimError } from "../../base/errors.ts";
import { parseSizeBytes } from "../../base/units.ts";
import { SG_MAX_SEGMENTS } from "../../host/dma/sg_table.ts";
import type { PhysRegion } from "../../memory/physmap.ts";
import { unassignedBar } from "../machine/named_bar.ts";
import type { System } from "../system.ts";
import { type EntryKind, kindOf, type MapEntry } from "./entry.ts";
import { checkPlace } from "./entry_place.ts";

/** Range of an entry before it is checked; `want` is the kind that its words promise, null = any. */
interface Range {
  readonly kind: EntryKind | null;
  readonly phys: Phys;
  readonly bytes: number;
}

const FORMS =
  "ram@ADDR+LEN, pmem@ADDR+LEN, bar@ADDR+LEN, REGION+OFFSET+LEN, bar:DEVICE+OFFSET+LEN, private:DEVICE+OFFSET+LEN, pfn:PFN+LEN[@OFFSET]";
const EXAMPLE = "write it as ram@0x10800+0x800, pmem0+0x50000+4k, bar:nvme3+0+4k or pfn:0x10+4k";

/** Reads and checks a list of 1 to 2048 entries. Throws one DmasimError for the first that is wrong. */
export function parseEntries(system: System, texts: readonly string[]): readonly MapEntry[] {
  if (texts.length === 0) {
    throw new DmasimError({
      code: "DMASIM_ENTRIES_MISSING",
      what: "a scatterlist needs at least one entry",
      remedy: "name what is to be mapped, e.g. dmasim map ram@0x10800+0x800 (dmasim map --help shows every form)",
    });
  }
  if (texts.length > SG_MAX_SEGMENTS) {
    throw new DmasimError({
      code: "DMASIM_ENTRIES_TOO_MANY",
      what: "this scatterlist has too many entries",
      value: texts.length,
      limit: `at most ${SG_MAX_SEGMENTS} (SG_MAX_SEGMENTS)`,
      remedy: "split it, as the block layer does",
    });
  }
  return texts.map((text) => parseEntry(system, text));
}

/** One entry; see the file's head for its forms. */
export function parseEntry(system: System, text: string): MapEntry {
  const range = readRange(system, text);
  const region = checkPlace(system, text, range.kind, range.phys, range.bytes);
  return {
    text,
    kind: range.kind ?? kindOf(region),
    region: region.name,
    phys: range.phys,
    bytes: range.bytes,
    hasPage: range.kind !== "pfn" && system.memmap.hasPage(range.phys),
  };
}

function readRange(system: System, text: string): Range {
  const parts = text.trim().split("+");
  const head = parts[0] as string;
  if (head.startsWith("pfn:")) return frameRange(text, head.slice("pfn:".length), parts);
  if (head.startsWith("private:")) return regionRange(system, text, `vram:${head.slice("private:".length)}`, parts);
  const at = head.indexOf("@");
  if (at >= 0) return absoluteRange(text, head.slice(0, at), head.slice(at + 1), parts);
  return regionRange(system, text, head, parts);
}

function frameRange(text: string, pfnText: string, parts: readonly string[]): Range {
  const [lengthText = "", offsetText = "0", ...more] = (parts[1] ?? "").split("@");
  if (parts.length !== 2 || more.length > 0) throw syntax(text);
  const pfn = numberOf(text, "the frame number", pfnText);
  const offset = numberOf(text, "the offset", offsetText);
  return { kind: "pfn", phys: pfn * PAGE_BYTES + offset, bytes: numberOf(text, "the length", lengthText) };
}

function absoluteRange(text: string, word: string, addressText: string, parts: readonly string[]): Range {
  if (parts.length !== 2) throw syntax(text);
  if (word !== "ram" && word !== "pmem" && word !== "bar") throw syntax(text);
  const phys = numberOf(text, "the address", addressText);
  return { kind: word, phys, bytes: numberOf(text, "the length", parts[1] as string) };
}

function regionRange(system: System, text: string, name: string, parts: readonly string[]): Range {
  if (parts.length !== 3) throw syntax(text);
  const region = system.map.regions.find((candidate) => candidate.name === name);
  if (region === undefined) throw unknownRegion(system, text, name);
  const phys = region.start + numberOf(text, "the offset", parts[1] as string);
  const bytes = numberOf(text, "the length", parts[2] as string);
  if (phys >= region.start + region.bytes) throw beyondRegion(text, region, phys);
  return { kind: null, phys, bytes };
}

function numberOf(entry: string, what: string, text: string): number {
  const value = parseSizeBytes(text.replaceAll(/(?<=[0-9a-fA-F])_(?=[0-9a-fA-F])/g, ""));
  if (value !== undefined) return value;
  throw new DmasimError({
    code: "DMASIM_ENTRY_SYNTAX",
    what: `${what} of this entry is no number or size`,
    value: text,
    path: entry,
    remedy: "write 4096, 0x1000 or 4k",
  });
}

function syntax(text: string): DmasimError {
  return new DmasimError({
    code: "DMASIM_ENTRY_SYNTAX",
    what: "this is no scatterlist entry",
    value: text,
    limit: `forms: ${FORMS}`,
    remedy: EXAMPLE,
  });
}

function unknownRegion(system: System, text: string, name: string): DmasimError {
  const bar = unassignedBar(system.machine, name);
  if (bar !== null) {
    return new DmasimError({
      code: "DMASIM_BAR_UNASSIGNED",
      what: `this BAR has no address: ${bar.kernelLine}`,
      value: name,
      path: text,
      remedy: "enlarge the host bridge's windows (more address bits, or a larger share of them for MMIO)",
    });
  }
  const known = system.map.regions.map((region) => region.name);
  const closest = closestWord(name, known);
  return new DmasimError({
    code: "DMASIM_REGION_UNKNOWN",
    what: "the machine has no memory region of this name",
    value: name,
    path: text,
    limit: `it has ${known.join(", ")}`,
    remedy: closest === undefined ? EXAMPLE : `did you mean ${closest}?`,
  });
}

function beyondRegion(text: string, region: PhysRegion, phys: Phys): DmasimError {
  return new DmasimError({
    code: "DMASIM_ENTRY_OUTSIDE",
    what: `the entry starts behind the end of ${region.name}`,
    value: hex(phys),
    path: text,
    limit: `${region.name} is ${hex(region.start)}-${hex(region.start + region.bytes - 1)}`,
    remedy: "the first number is an offset in the region; for an absolute address write ram@, pmem@ or bar@",
  });
}
