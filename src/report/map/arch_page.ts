/** The page of `dmasim map --arch NAME`: one list on one architecture, before and after the page-less series. */
import { hex } from "../../base/addr.ts";
import { formatBytes } from "../../base/units.ts";
import type { Series } from "../../host/arch/types.ts";
import type { ArchRun, ArchView, CacheWork } from "../../sim/mapping/archs.ts";
import { plural } from "../figures.ts";
import { labelled, type Screen } from "../style.ts";
import { mergingWords, pagelessWords } from "./arch_words.ts";

const SEGMENTS_SHOWN = 8;
const SERIES_WORDS: Readonly<Record<Series, string>> = {
  before: "Linux 4.1",
  after: "Linux 4.1 with the page-less scatterlist series (proposed 2015, in no released kernel; today: dma_map_phys)",
};

/** Head, rules, and a block for each of the two kernels; one block where they do the same. */
export function renderArchPage(screen: Screen, arch: ArchView): string[] {
  const same = JSON.stringify(arch.runs.before) === JSON.stringify(arch.runs.after);
  const blocks: readonly Series[] = same ? ["after"] : ["before", "after"];
  return [
    `${screen.colors.bold(arch.name)} ${screen.colors.dim(arch.title)}`,
    "",
    ...labelled(screen, "address", arch.addressRule),
    ...labelled(
      screen,
      "joins by",
      arch.merging === "none" ? "nothing: every entry by itself" : mergingWords(arch.merging),
    ),
    ...labelled(screen, "evidence", `${arch.evidence}: ${arch.source}`, screen.colors.dim),
    ...blocks.flatMap((series) => [
      "",
      ` ${screen.colors.bold(same ? `${SERIES_WORDS.before}, with and without the page-less series` : SERIES_WORDS[series])}`,
      ...renderRun(screen, arch, series),
    ]),
  ];
}

function renderRun(screen: Screen, arch: ArchView, series: Series): string[] {
  const run = arch.runs[series];
  const { outcome, why } = arch.pageless[series];
  const paint = run.ret > 0 ? screen.colors.cyan : screen.colors.red;
  return [
    ...labelled(screen, "dma_map_sg", `→ ${run.ret}${segmentWords(run)}`, paint),
    ...(run.refusal === null ? [] : labelled(screen, "refused at", `${run.refusal.site}: ${run.refusal.text}`)),
    ...(run.message === "" ? [] : labelled(screen, "kernel log", run.message)),
    ...labelled(screen, "cache ops", cacheText(run)),
    ...(run.tableEntries + run.tlbFlushes === 0 ? [] : labelled(screen, "translation", translationText(run))),
    ...labelled(screen, "page-less entry", `${pagelessWords(outcome)}: ${why}`),
    ...run.hazards.flatMap((hazard) => labelled(screen, "hazard", hazard, screen.colors.yellow)),
  ];
}

function segmentWords({ segments }: ArchRun): string {
  if (segments.length === 0) return "";
  const shown = segments.slice(0, SEGMENTS_SHOWN).map(({ dmaAddr, bytes }) => `${hex(dmaAddr)}+${hex(bytes)}`);
  const more = segments.length > SEGMENTS_SHOWN ? `, … ${segments.length - SEGMENTS_SHOWN} more` : "";
  return `: ${shown.join(", ")}${more}`;
}

function cacheText({ cacheAtMap, cacheAtUnmap, skippedFlushes, repeatedFlushes }: ArchRun): string {
  const words = [
    ...cacheAtMap.map((work) => `map ${workText(work)}`),
    ...cacheAtUnmap.map((work) => `unmap ${workText(work)}`),
    ...(repeatedFlushes === 0 ? [] : [`${repeatedFlushes} snoops of a stand-in line for page-less entries`]),
    ...(skippedFlushes === 0 ? [] : [`${skippedFlushes} left out for want of a page`]),
  ];
  return words.length === 0 ? "none" : words.join(" · ");
}

function workText({ op, count, bytes }: CacheWork): string {
  return bytes === 0 ? `${op} of the whole cache` : `${count} × ${op}, ${formatBytes(bytes)}`;
}

function translationText({ tableEntries, tlbFlushes }: ArchRun): string {
  return `${plural(tableEntries, "entry", "entries")} written, ${plural(tlbFlushes, "flush", "flushes")} in all`;
}
