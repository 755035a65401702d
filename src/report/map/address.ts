/** Addresses and sizes as the drawing writes them. */
import { hex, maskOfBits } from "../../base/addr.ts";
import { formatBytes } from "../../base/units.ts";
import type { DmaRange } from "../../host/dma/range_map.ts";

const GROUP = 4;

/** `0x1_0005_0000`: groups of four digits, as they can be typed back in. */
export function groupedHex(addr: number): string {
  const digits = addr.toString(16);
  const head = digits.length % GROUP;
  const groups = head === 0 ? [] : [digits.slice(0, head)];
  for (let at = head; at < digits.length; at += GROUP) groups.push(digits.slice(at, at + GROUP));
  return `0x${groups.join("_")}`;
}

/** `4K`, `2M`, `1G`: sizes of pages. */
export function pageSizeText(bytes: number): string {
  return formatBytes(bytes).replace(" KiB", "K").replace(" MiB", "M").replace(" GiB", "G").replace(" B", "");
}

/** `64 bits` of a mask of low ones; its hexadecimal form otherwise. */
export function maskText(mask: number): string {
  if (mask >= Number.MAX_SAFE_INTEGER) return "64 bits";
  const bits = Math.round(Math.log2(mask + 1));
  return maskOfBits(bits) === mask ? `${bits} bits` : hex(mask);
}

/** `4 GiB` of a boundary mask; `none` when it is all ones. */
export function boundaryText(mask: number): string {
  return mask >= Number.MAX_SAFE_INTEGER ? "none" : formatBytes(mask + 1);
}

/** `4 GiB - 1` where a limit is one byte short of a round size. */
export function limitBytesText(bytes: number): string {
  const up = formatBytes(bytes + 1);
  const isRound = Number.isInteger(Math.log2(bytes + 1)) && bytes > 1;
  return isRound ? `${up} - 1` : formatBytes(bytes);
}

/** `0x80000000-0xbfffffff at bus 0x0`, range after range. */
export function rangesText(ranges: readonly DmaRange[]): string {
  const text = ({ cpuStart, dmaStart, bytes }: DmaRange) =>
    `${hex(cpuStart)}-${hex(cpuStart + bytes - 1)} at bus ${hex(dmaStart)}`;
  return ranges.map(text).join(", ");
}

/** `5, 7, 9-12`; long lists end with an ellipsis. */
export function indexList(indexes: readonly number[], shown = 6): string {
  const runs: { first: number; last: number }[] = [];
  for (const index of indexes) {
    const run = runs.at(-1);
    if (run !== undefined && index === run.last + 1) run.last = index;
    else runs.push({ first: index, last: index });
  }
  const words = runs.map(({ first, last }) => (first === last ? String(first) : `${first}-${last}`));
  return words.length <= shown ? words.join(", ") : `${words.slice(0, shown).join(", ")}, …`;
}
