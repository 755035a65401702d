/** Physical address space as /proc/iomem shows it, with the machine's own names behind each line. */
import type { Machine } from "../../sim/machine/description.ts";

/** An inclusive range [start, last] and what lies in it. */
export interface IomemEntry {
  readonly start: number;
  readonly last: number;
  readonly label: string;
}

const DIGITS_NARROW = 8;

/** Lines in rising order; what lies inside another range is indented below it. */
export function renderIomem(machine: Machine): string[] {
  const entries = iomemEntries(machine).sort((a, b) => a.start - b.start || b.last - a.last);
  const digits = Math.max(DIGITS_NARROW, ...entries.map((entry) => entry.last.toString(16).length));
  const open: IomemEntry[] = [];
  return entries.map((entry) => {
    while (open.length > 0 && !contains(open.at(-1), entry)) open.pop();
    const indent = "  ".repeat(open.length);
    open.push(entry);
    return `${indent}${address(entry.start, digits)}-${address(entry.last, digits)} : ${entry.label}`;
  });
}

function contains(outer: IomemEntry | undefined, inner: IomemEntry): boolean {
  return outer !== undefined && inner.start >= outer.start && inner.last <= outer.last;
}

function address(value: number, digits: number): string {
  return value.toString(16).padStart(digits, "0");
}

function entryOf(start: number, bytes: number, label: string): IomemEntry {
  return { start, last: start + bytes - 1, label };
}

function iomemEntries(machine: Machine): IomemEntry[] {
  const memory = machine.memory.map((region) => {
    const ram = region.memmap === "ram" ? "System RAM" : "Reserved (carve-out, no struct pages)";
    const kind = region.kind === "pmem" ? `Persistent Memory (memmap ${region.memmap})` : ram;
    return entryOf(region.start, region.bytes, `${kind}  ${region.name}, node ${region.node}`);
  });
  const { swiotlb } = machine;
  const pool = swiotlb.bytes > 0 ? [entryOf(swiotlb.start, swiotlb.bytes, "software IO TLB")] : [];
  const windows = machine.bridges.flatMap((bridge) =>
    bridge.windows.map((window) => entryOf(window.start, window.bytes, `PCI Bus  ${bridge.name}`)),
  );
  const bars = machine.devices.flatMap((device) =>
    device.bars.map((bar) =>
      entryOf(bar.start, bar.bytes, `${device.bdf}  ${device.name} BAR ${bar.index}, memmap ${bar.memmap}`),
    ),
  );
  return [...memory, ...pool, ...windows, ...bars];
}
