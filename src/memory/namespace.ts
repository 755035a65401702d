/**
 * Making a namespace of persistent memory that has struct pages: what each generation of kernels pads, cuts off or refuses.
 *
 * Sources: drivers/nvdimm/pfn_devs.c (nd_pfn_init, trim_pfn_device), kernel/memremap.c (devm_memremap_pages),
 * mm/memory_hotplug.c (check_pfn_span). Messages are the kernel's.
 */
import { alignDownWide, alignUpWide, hex, type Phys } from "../base/addr.ts";
import { checkSections, memmapBytes, type RamRange, SECTION_BYTES, SUBSECTION_BYTES } from "./zone_device.ts";

/**
 * Kernel that brought the rule: `4.3` whole sections or nothing; `4.5` pads the start and truncates the end to sections;
 * `5.3` sub-sections of 2 MiB, so that a section may be shared.
 */
export type SectionRule = "4.3" | "4.5" | "5.3";
/** All rules, oldest first. */
export const SECTION_RULES: readonly SectionRule[] = ["4.3", "4.5", "5.3"];

/** Where struct pages of a namespace lie: System RAM (`--map=mem`) or the namespace itself (altmap, `--map=dev`). */
export type NamespaceMap = "mem" | "dev";

/** Memory next to the namespace that has struct pages of its own. */
export interface Neighbour extends RamRange {
  readonly name: string;
}

/** What is asked for: `bytes` of raw capacity from `start` on. */
export interface NamespaceRequest {
  readonly name: string;
  readonly start: Phys;
  readonly bytes: number;
  readonly map: NamespaceMap;
  /** Data alignment: 4 KiB, 2 MiB or 1 GiB. */
  readonly alignBytes: number;
  readonly ram: readonly RamRange[];
  readonly neighbours: readonly Neighbour[];
}

/** What the kernel makes of it; sizes are 0 when it refuses. */
export interface NamespacePlan {
  /** 0, -ENXIO, -ENOMEM or -EINVAL. */
  readonly ret: number;
  /** Bytes left unused before and behind, so that no section is shared. */
  readonly startPadBytes: number;
  readonly endTruncBytes: number;
  /** First data byte, counted from `start`: pad, info block, and the memmap with map `dev`. */
  readonly dataOffsetBytes: number;
  /** What `ndctl list` shows as size. */
  readonly dataBytes: number;
  /** Struct pages of the namespace, and how much of them System RAM pays. */
  readonly memmapBytes: number;
  readonly memmapInRamBytes: number;
  /** Lines of the kernel log. */
  readonly messages: readonly string[];
}

/** Data alignments that the nvdimm driver takes: a page, a PMD, a PUD (nd_pfn_supported_alignments on x86-64). */
export const NAMESPACE_ALIGNMENTS: readonly number[] = [4096, 2 ** 21, 2 ** 30];

const EINVAL = -22;
const ENXIO = -6;
const ENOMEM = -12;
const INFO_BLOCK_BYTES = 8192;

/** Plans one namespace under one rule. Pure; nothing is thrown. */
export function planNamespace(rule: SectionRule, request: NamespaceRequest): NamespacePlan {
  if (!NAMESPACE_ALIGNMENTS.includes(request.alignBytes))
    return refuse(EINVAL, ["failed to set alignment: Invalid argument"]);
  if (rule === "4.3") return wholeSections(request);
  if (rule === "4.5") return paddedSections(request);
  return subsections(request);
}

function wholeSections(request: NamespaceRequest): NamespacePlan {
  const { ram, start, bytes } = request;
  const found = checkSections(ram, start, bytes);
  if (found.ret !== 0) {
    const end = found.alignedStart + found.alignedBytes - 1;
    return refuse(found.ret, [
      `devm_memremap_pages attempted on mixed region [mem ${hex(found.alignedStart)}-${hex(end)}]`,
    ]);
  }
  return conflict(request, start, start + bytes, SECTION_BYTES) ?? layOut(request, 0, 0, []);
}

function paddedSections(request: NamespaceRequest): NamespacePlan {
  const { ram, start, bytes, name } = request;
  const end = start + bytes;
  const headMixed = checkSections(ram, start, alignUpWide(start + 1, SECTION_BYTES) - start).ret !== 0;
  const tail = alignDownWide(end - 1, SECTION_BYTES);
  const tailMixed = checkSections(ram, tail, end - tail).ret !== 0;
  const startPad = headMixed ? alignUpWide(start, SECTION_BYTES) - start : 0;
  const endTrunc = tailMixed ? end - alignDownWide(end, SECTION_BYTES) : end - alignDownWide(end, request.alignBytes);
  const cut = startPad + endTrunc;
  const messages = cut === 0 ? [] : [`${name} alignment collision, truncate ${cut} bytes`];
  if (cut >= bytes) return refuse(ENXIO, [...messages, `${name} unable to satisfy requested alignment`]);
  const clash = conflict(request, start + startPad, end - endTrunc, SECTION_BYTES);
  if (clash !== null) return { ...clash, messages: [...messages, ...clash.messages] };
  return layOut(request, startPad, endTrunc, messages);
}

function subsections(request: NamespaceRequest): NamespacePlan {
  const { start, bytes } = request;
  if (alignDownWide(start, SUBSECTION_BYTES) !== start) {
    return refuse(EINVAL, [`Misaligned range: start ${hex(start)} is no multiple of 2 MiB`]);
  }
  const end = start + bytes;
  const endTrunc = end - alignDownWide(end, Math.max(request.alignBytes, SUBSECTION_BYTES));
  return conflict(request, start, end - endTrunc, SUBSECTION_BYTES) ?? layOut(request, 0, endTrunc, []);
}

/** -ENOMEM when a neighbour has struct pages in a granule of [start, end); the driver then reports -ENXIO to user space. */
function conflict({ neighbours }: NamespaceRequest, start: Phys, end: Phys, granule: number): NamespacePlan | null {
  const first = alignDownWide(start, granule);
  const last = alignUpWide(end, granule);
  const clash = neighbours.find(
    (other) => alignDownWide(other.start, granule) < last && alignUpWide(other.end, granule) > first,
  );
  if (clash === undefined) return null;
  const where = granule === SECTION_BYTES ? "Conflicting mapping in same section" : "Conflicting mapping";
  return refuse(ENOMEM, [`${where} (${clash.name})`]);
}

function layOut(
  { name, start, bytes, map, alignBytes }: NamespaceRequest,
  startPadBytes: number,
  endTruncBytes: number,
  messages: readonly string[],
): NamespacePlan {
  const from = start + startPadBytes;
  const usable = bytes - startPadBytes - endTruncBytes;
  // The driver rounds the memmap to whole PMDs: vmemmap is mapped by 2 MiB.
  const memmap = alignUpWide(memmapBytes(usable, 4096), SUBSECTION_BYTES);
  const reserved = INFO_BLOCK_BYTES + (map === "dev" ? memmap : 0);
  const dataOffsetBytes = alignUpWide(from + reserved, alignBytes) - start;
  const dataBytes = bytes - dataOffsetBytes - endTruncBytes;
  if (dataBytes <= 0) return refuse(ENXIO, [...messages, `${name} unable to satisfy requested alignment`]);
  const pages = memmapBytes(dataBytes, 4096);
  return {
    ret: 0,
    startPadBytes,
    endTruncBytes,
    dataOffsetBytes,
    dataBytes,
    memmapBytes: pages,
    memmapInRamBytes: map === "mem" ? pages : 0,
    messages,
  };
}

function refuse(ret: number, messages: readonly string[]): NamespacePlan {
  return {
    ret,
    startPadBytes: 0,
    endTruncBytes: 0,
    dataOffsetBytes: 0,
    dataBytes: 0,
    memmapBytes: 0,
    memmapInRamBytes: 0,
    messages,
  };
}
