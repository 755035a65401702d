/** A mapping as JSON (`dmasim/map@1`): addresses and masks as hexadecimal text, lengths and counts as numbers. */
import { hex } from "../../base/addr.ts";
import type { ArchRun, ArchView } from "../../sim/mapping/archs.ts";
import type { MappingSurvey } from "../../sim/mapping/survey.ts";

/** Keys whose numbers are addresses or masks. */
const ADDRESS_KEYS: ReadonlySet<string> = new Set([
  "addr",
  "busDmaLimit",
  "cpuStart",
  "dmaAddr",
  "dmaMask",
  "dmaStart",
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

/** Plain data of the whole page. Segments of architectures are told only when one was asked for. */
export function mapReportJson({ preview, archs, ...beside }: MappingSurvey): unknown {
  const brief = archs.length === 1 ? archs : archs.map(withoutSegments);
  return {
    schema: "dmasim/map@1",
    ...(hexAddresses(preview) as object),
    ...(hexAddresses(beside) as object),
    archs: hexAddresses(brief),
  };
}

function withoutSegments({ runs, ...arch }: ArchView): unknown {
  const brief = ({ segments: _segments, ...run }: ArchRun) => run;
  return { ...arch, runs: { before: brief(runs.before), after: brief(runs.after) } };
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
