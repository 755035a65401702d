/**
 * Addresses of BARs that a machine leaves to the firmware, as UEFI hands them out: bridge by bridge from the leaves, the
 * largest alignment first, each bridge's aperture rounded up to its alignment.
 *
 * ```
 * root window 8 TiB  | rp0: 512 GiB + 32 MiB, rounded to 1 TiB | rp1: 1 TiB | ... | rp7: no room
 * ```
 * When they do not all fit, the largest consumer gets nothing: its BARs have no address, and the device cannot be reached.
 */
import { alignUpWide } from "../../base/addr.ts";
import type { MachineDocument } from "./schema.ts";
import type { DeviceDocument } from "./schema_device.ts";

/** Bridges forward whole MiB. */
const BRIDGE_ALIGN = 2 ** 20;
const FOUR_GIB = 2 ** 32;

/** Addresses by device and BAR index, as {@link barKey} names them; null = no room. */
export type AssignedBars = ReadonlyMap<string, number | null>;

/** Key of BAR `index` of device `device` in {@link AssignedBars}. */
export function barKey(device: string, index: number): string {
  return `${device}/${index}`;
}

/** What needs room: one BAR, or everything of one kind below a bridge. */
interface Need {
  readonly bytes: number;
  readonly align: number;
  readonly place: (start: number | null) => void;
}

interface Range {
  readonly start: number;
  readonly end: number;
}

type BarDocument = DeviceDocument["bars"][number];

/** Hands out addresses to all BARs without `start`. */
export function assignBars(document: MachineDocument): AssignedBars {
  const assigned = new Map<string, number | null>();
  const given = document.devices.flatMap(({ bars }) =>
    bars.flatMap(({ start, size }) => (start === undefined ? [] : [{ start, end: start + size }])),
  );
  for (const root of document.pcie.filter(({ kind }) => kind === "root-complex")) {
    for (const isWide of [false, true]) {
      const windows = root.windows
        .map(({ start, size }) => ({ start, end: start + size }))
        .filter(({ start }) => start >= FOUR_GIB === isWide);
      placeAll(windows, given, byAlign(needsBelow(document, root.name, isWide, assigned)));
    }
  }
  return assigned;
}

/** When not all fit, the largest is turned away, the last of equals, and the rest is tried again (PciBusDxe). */
function placeAll(windows: readonly Range[], given: readonly Range[], needs: readonly Need[]): void {
  const taken = [...given];
  const starts = needs.map((need) => {
    const start = firstFit(windows, taken, need);
    if (start !== null) taken.push({ start, end: start + need.bytes });
    return start;
  });
  if (starts.every((start) => start !== null)) {
    for (const [index, need] of needs.entries()) need.place(starts[index] as number);
    return;
  }
  const largest = needs.reduce((found, need) => (need.bytes >= found.bytes ? need : found));
  largest.place(null);
  placeAll(
    windows,
    given,
    needs.filter((need) => need !== largest),
  );
}

/** Needs of a bridge's own devices, and one for each bridge below it. */
function needsBelow(
  document: MachineDocument,
  name: string,
  isWide: boolean,
  assigned: Map<string, number | null>,
): Need[] {
  const own = document.devices
    .filter(({ parent }) => parent === name)
    .flatMap((device) =>
      device.bars
        .filter((bar) => bar.start === undefined && wantsWide(document, bar) === isWide)
        .map(({ index, size }) => ({
          bytes: size,
          align: size,
          place: (start: number | null) => assigned.set(barKey(device.name, index), start),
        })),
    );
  const bridges = document.pcie
    .filter(({ parent }) => parent === name)
    .map((bridge) => apertureOf(needsBelow(document, bridge.name, isWide, assigned)))
    .filter(({ bytes }) => bytes > 0);
  return [...own, ...bridges];
}

/** 64-bit prefetchable BARs go above 4 GiB where the host has a window there. */
function wantsWide(document: MachineDocument, { bits, prefetchable }: BarDocument): boolean {
  const hasWide = document.pcie.some(({ windows }) => windows.some(({ start }) => start >= FOUR_GIB));
  return bits === 64 && prefetchable && hasWide;
}

/** One aperture for everything below a bridge. */
function apertureOf(needs: readonly Need[]): Need {
  const sorted = byAlign(needs);
  const align = Math.max(BRIDGE_ALIGN, ...sorted.map((need) => need.align));
  const offsets: number[] = [];
  let end = 0;
  for (const need of sorted) {
    const at = alignUpWide(end, need.align);
    offsets.push(at);
    end = at + need.bytes;
  }
  const place = (start: number | null) => {
    for (const [index, need] of sorted.entries())
      need.place(start === null ? null : start + (offsets[index] as number));
  };
  return { bytes: alignUpWide(end, align), align, place };
}

function byAlign(needs: readonly Need[]): readonly Need[] {
  return [...needs].sort((one, other) => other.align - one.align);
}

function firstFit(windows: readonly Range[], taken: readonly Range[], { bytes, align }: Need): number | null {
  for (const window of windows) {
    let at = alignUpWide(window.start, align);
    while (at + bytes <= window.end) {
      const from = at;
      const hit = taken.find(({ start, end }) => start < from + bytes && end > from);
      if (hit === undefined) return at;
      at = alignUpWide(hit.end, align);
    }
  }
  return null;
}
