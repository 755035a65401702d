/** Directions and attributes by the names that people give them. */
import { closestWord } from "../../base/closest.ts";
import { DmasimError } from "../../base/errors.ts";
import { ATTR, DIR } from "../../host/dma/device.ts";

const DIRS: ReadonlyMap<string, number> = new Map([
  ["to", DIR.toDevice],
  ["to_device", DIR.toDevice],
  ["from", DIR.fromDevice],
  ["from_device", DIR.fromDevice],
  ["bidi", DIR.bidirectional],
  ["bidirectional", DIR.bidirectional],
]);

/** Attributes that mean something to a streaming mapping. */
const ATTRS: ReadonlyMap<string, number> = new Map([
  ["skip-cpu-sync", ATTR.skipCpuSync],
  ["mmio", ATTR.mmio],
  ["no-warn", ATTR.noWarn],
  ["weak-ordering", ATTR.weakOrdering],
  ["privileged", ATTR.privileged],
]);

/** DIR of `TO`, `FROM`, `BIDI` or the kernel's long names, in any case. */
export function parseDir(text: string): number {
  const dir = DIRS.get(text.trim().toLowerCase());
  if (dir !== undefined) return dir;
  throw new DmasimError({
    code: "DMASIM_DIR_UNKNOWN",
    what: "this is no DMA direction",
    value: text,
    limit: "allowed: TO, FROM, BIDI",
    remedy: "TO: the device reads memory; FROM: it writes memory; BIDI: both",
  });
}

export interface Attrs {
  /** ATTR bits. */
  readonly bits: number;
  /** As the kernel's traces print them: `SKIP_CPU_SYNC`. */
  readonly names: readonly string[];
}

/** Attributes of a comma-separated list such as `skip-cpu-sync,mmio`; the kernel's spelling is accepted too. */
export function parseAttrs(text: string): Attrs {
  const words = text.split(",").map((word) => attrWord(word));
  const known = words.filter((word) => word !== "");
  const bits = known.reduce((sum, word) => sum | attrBit(word), 0);
  const names = [...ATTRS].filter(([, bit]) => (bits & bit) !== 0).map(([word]) => kernelName(word));
  return { bits, names };
}

function attrWord(text: string): string {
  return text.trim().toLowerCase().replaceAll("_", "-").replace(/^dma-attr-/, "");
}

function attrBit(word: string): number {
  const bit = ATTRS.get(word);
  if (bit !== undefined) return bit;
  const closest = closestWord(word, ATTRS.keys());
  throw new DmasimError({
    code: "DMASIM_ATTR_UNKNOWN",
    what: "no attribute of a streaming mapping has this name",
    value: word,
    limit: `allowed: ${[...ATTRS.keys()].join(", ")}`,
    remedy: closest === undefined ? "attributes of allocations have no meaning here" : `did you mean ${closest}?`,
  });
}

function kernelName(word: string): string {
  return word.replaceAll("-", "_").toUpperCase();
}
