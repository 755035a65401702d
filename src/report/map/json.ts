/** A mapping as JSON (`dmasim/map@1`): addresses and masks as hexadecimal text, lengths and counts as numbers. */
import { hex } from "../../base/addr.ts";
import type { MappingSurvey } from "../../sim/mapping/survey.ts";

/** Keys whose numbers are addresses or masks. */
const ADDRESS_KEYS: ReadonlySet<string> = new Set([
  "addr",
  "busDmaLimit",
  "dmaAddr",
  "dmaMask",
  "iova",
  "last",
  "limit",
  "minAlignMask",
  "phys",
  "segBoundaryMask",
  "start",
  "tlb",
]);

/** A 64-bit mask as far as a Number can name it. */
const ALL_ONES = Number.MAX_SAFE_INTEGER;
const ALL_ONES_TEXT = "0xffffffffffffffff";

/** Plain data of the whole page. */
export function mapReportJson({ preview, ...beside }: MappingSurvey): unknown {
  return { schema: "dmasim/map@1", ...(hexAddresses(preview) as object), ...(hexAddresses(beside) as object) };
}

function hexAddresses(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(hexAddresses);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, addressOr(key, inner)]));
}

function addressOr(key: string, value: unknown): unknown {
  if (typeof value === "number" && ADDRESS_KEYS.has(key)) return value === ALL_ONES ? ALL_ONES_TEXT : hex(value);
  if (key === "word" && typeof value === "string") return `0x${value}`;
  return hexAddresses(value);
}
