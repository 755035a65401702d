/**
 * ZONE_DEVICE arithmetic: what a struct page for every device page costs, and which ranges may have them.
 *
 * Source: mm/memory_hotplug.c:check_pfn_span, include/linux/mmzone.h, kernel/memremap.c before 5.3,
 * drivers/nvdimm/pfn_devs.c:nd_pfn_init.
 */
import { alignDownWide, alignUpWide, type Phys } from "../base/addr.ts";
import type { Era } from "../base/era.ts";

/** struct page of a 64-bit kernel, bytes. */
export const STRUCT_PAGE_BYTES = 64;
/** SECTION_SIZE_BITS 27: x86-64, arm64 with 4 KiB or 16 KiB pages. */
export const SECTION_BYTES = 2 ** 27;
/** Hot-plug granule since 5.3 (SUBSECTION_SHIFT 21). */
export const SUBSECTION_BYTES = 2 ** 21;

const EINVAL = -22;
const ENXIO = -6;
/** Room for the superblock that nvdimm keeps in front of the data. */
const INFO_BLOCK_BYTES = 8192;

/** [start, end) in bytes. */
export interface RamRange {
  readonly start: Phys;
  readonly end: Phys;
}

/** Outcome of the section rule before 5.3. */
export interface SectionCollision {
  readonly alignedStart: Phys;
  readonly alignedBytes: number;
  /** region_intersects() with System RAM: `mixed` = part RAM, part not. */
  readonly intersects: "disjoint" | "intersects" | "mixed";
  /** 0 or -ENXIO. */
  readonly ret: number;
}

/** Bytes of struct pages for a device: 1/64 of it with 4 KiB pages. */
export function memmapBytes(deviceBytes: number, pageBytes: number, structPageBytes = STRUCT_PAGE_BYTES): number {
  return Math.ceil(deviceBytes / pageBytes) * structPageBytes;
}

/**
 * Offset of the first data byte of a pfn or dax namespace: info block, then the memmap when it is carved from the
 * device itself (altmap, `map=dev`), rounded up to `alignBytes`.
 */
export function namespaceDataOffset(
  start: Phys,
  bytes: number,
  altmap: boolean,
  alignBytes = SUBSECTION_BYTES,
): number {
  const reserved = INFO_BLOCK_BYTES + (altmap ? memmapBytes(bytes, 4096) : 0);
  return alignUpWide(start + reserved, alignBytes) - start;
}

/** 5.3 and later: start and length in whole subsections, else -EINVAL. */
export function checkSubsections(start: Phys, bytes: number): number {
  const whole = alignDownWide(start, SUBSECTION_BYTES) === start && alignDownWide(bytes, SUBSECTION_BYTES) === bytes;
  return whole ? 0 : EINVAL;
}

/** Before 5.3: the range is rounded out to sections, and fails with -ENXIO when a section then holds RAM as well. */
export function checkSections(
  ram: readonly RamRange[],
  start: Phys,
  bytes: number,
  sectionBytes = SECTION_BYTES,
): SectionCollision {
  const alignedStart = alignDownWide(start, sectionBytes);
  const alignedEnd = alignUpWide(start + bytes, sectionBytes);
  let ramBytes = 0;
  for (const range of ram) {
    ramBytes += Math.max(0, Math.min(range.end, alignedEnd) - Math.max(range.start, alignedStart));
  }
  const alignedBytes = alignedEnd - alignedStart;
  const intersects = ramBytes === 0 ? "disjoint" : ramBytes === alignedBytes ? "intersects" : "mixed";
  return { alignedStart, alignedBytes, intersects, ret: intersects === "mixed" ? ENXIO : 0 };
}

/** Whether a machine of `era` gives [start, start + bytes) struct pages: 0, -EINVAL or -ENXIO. */
export function checkZoneDevice(era: Era, ram: readonly RamRange[], start: Phys, bytes: number): number {
  return era === "4.1" ? checkSections(ram, start, bytes).ret : checkSubsections(start, bytes);
}
