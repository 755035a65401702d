/** Directions and attributes by the names that people give them. */
import { closestWord } from "../../base/closest.ts";
import { DmasimError } from "../../base/errors.ts";
import { ATTR_NAMES, attrBit, attrText } from "../../host/dma/attr_names.ts";
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
const STREAMING =
  ATTR.skipCpuSync | ATTR.mmio | ATTR.noWarn | ATTR.weakOrdering | ATTR.privileged | ATTR.requireCoherent;

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

/** DMA attributes as bits and as names. */
export interface Attrs {
  /** ATTR bits. */
  readonly bits: number;
  /** As the kernel's traces print them: `SKIP_CPU_SYNC`. */
  readonly names: readonly string[];
}

/** Attributes of a comma-separated list such as `skip-cpu-sync,mmio`; the kernel's spelling is accepted too. */
export function parseAttrs(text: string): Attrs {
  const words = text.split(",").filter((word) => word.trim() !== "");
  const bits = words.reduce((sum, word) => sum | streamingBit(word), 0);
  return { bits, names: bits === 0 ? [] : attrText(bits).split("|") };
}

function streamingBit(word: string): number {
  const bit = attrBit(word.replaceAll("-", "_"));
  if (bit !== undefined && (bit & STREAMING) !== 0) return bit;
  const known = ATTR_NAMES.filter((each) => (each.bit & STREAMING) !== 0).map(({ name }) => flagWord(name));
  const closest = closestWord(flagWord(word.trim()), known);
  throw new DmasimError({
    code: "DMASIM_ATTR_UNKNOWN",
    what: "no attribute of a streaming mapping has this name",
    value: word.trim(),
    limit: `allowed: ${known.join(", ")}`,
    remedy: closest === undefined ? "attributes of allocations have no meaning here" : `did you mean ${closest}?`,
  });
}

/** `skip-cpu-sync` of `SKIP_CPU_SYNC`. */
function flagWord(name: string): string {
  return name.toLowerCase().replaceAll("_", "-");
}
