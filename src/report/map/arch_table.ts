/** The page of `dmasim map --arch all`: one list on every architecture of kernel 4.1, and the lines that sum it up. */

import type { Series } from "../../host/arch/types.ts";
import type { ArchView } from "../../sim/mapping/archs.ts";
import { plural } from "../figures.ts";
import { labelled, type Screen } from "../style.ts";
import { type Column, renderTable } from "../table.ts";
import { cacheWords, mergingWords, pagelessChange, runWords } from "./arch_words.ts";

const COLUMNS: readonly Column[] = [
  { head: "architecture", align: "left" },
  { head: "4.1", align: "right" },
  { head: "+ series", align: "right" },
  { head: "joins by", align: "left" },
  { head: "cache ops, map", align: "left" },
  { head: "evidence", align: "left" },
  { head: "entry without a struct page", align: "left" },
];
const BEFORE = 1;
const AFTER = 2;

/** The table and what its columns mean. */
export function renderArchTable(screen: Screen, archs: readonly ArchView[]): string[] {
  const rows = archs.map((arch) => [
    arch.name,
    runWords(arch.runs.before),
    runWords(arch.runs.after),
    mergingWords(arch.merging),
    cacheWords(arch.runs.after.cacheAtMap),
    arch.evidence,
    pagelessChange(arch),
  ]);
  const lines = renderTable(screen, COLUMNS, rows, (cell, row, column) => paint(screen, archs[row], cell, column));
  const legend =
    "segments that dma_map_sg returns in Linux 4.1, and with the page-less scatterlist series of August 2015 on top (proposed, in no released kernel; its modern equivalent is dma_map_phys with page-less providers); a device that does not snoop; dmasim map --arch NAME tells one row in full";
  return [...lines, "", ...labelled(screen, "columns", legend, screen.colors.dim), ...hazardLines(screen, archs)];
}

function paint({ colors }: Screen, arch: ArchView | undefined, cell: string, column: number): string {
  if (column === 0) return colors.bold(cell);
  if (column !== BEFORE && column !== AFTER) return cell;
  const run = arch?.runs[column === BEFORE ? "before" : "after"];
  return run !== undefined && run.ret <= 0 ? colors.red(cell) : colors.cyan(cell);
}

function hazardLines(screen: Screen, archs: readonly ArchView[]): string[] {
  const told = archs.flatMap(({ name, runs }) =>
    [...new Set([...runs.before.hazards, ...runs.after.hazards])].map((hazard) => `${name}: ${hazard}`),
  );
  return told.flatMap((text, at) => labelled(screen, at === 0 ? "hazards" : "", text, screen.colors.yellow));
}

/** Two or three lines for the page of one machine. */
export function renderArchSummary(screen: Screen, archs: readonly ArchView[]): string[] {
  if (archs.length === 0) return [];
  const pageless = archs.some(({ runs }) => runs.before.ret !== runs.after.ret);
  const parts = pageless
    ? [`Linux 4.1: ${mappedWords(archs, "before")}`, `with the page-less series: ${mappedWords(archs, "after")}`]
    : [`Linux 4.1: ${mappedWords(archs, "after")}`];
  const refused = refusedWords(archs);
  return labelled(
    screen,
    "architectures",
    [...parts, ...(refused === "" ? [] : [`refuse: ${refused}`]), "each: --arch all"].join(" · "),
  );
}

/** `31 of 39 map it, 3 segments (powerpc-iommu 1)`: the usual count, then those that join more. */
function mappedWords(archs: readonly ArchView[], series: Series): string {
  const mapped = archs.filter(({ runs }) => runs[series].ret > 0);
  if (mapped.length === 0) return `none of ${archs.length} maps it`;
  const usual = Math.max(...mapped.map(({ runs }) => runs[series].ret));
  const fewer = mapped.filter(({ runs }) => runs[series].ret < usual);
  const others =
    fewer.length === 0 ? "" : `, fewer on ${fewer.map((arch) => `${arch.name} (${arch.runs[series].ret})`).join(", ")}`;
  return `${mapped.length} of ${archs.length} map it as ${plural(usual, "segment")}${others}`;
}

/** Those that refuse even with the series, by what they lack. */
function refusedWords(archs: readonly ArchView[]): string {
  const sites = new Map<string, string[]>();
  for (const { name, runs } of archs) {
    if (runs.after.ret > 0) continue;
    const site = runs.after.refusal?.site ?? "dma_map_sg → 0";
    sites.set(site, [...(sites.get(site) ?? []), name]);
  }
  return [...sites]
    .map(
      ([site, names]) =>
        `${names.length === archs.length ? `all ${archs.length}` : names.join(", ")} (${siteWords(site)})`,
    )
    .join(", ");
}

/** A coherence index comes from a virtual address; a page-less entry may be given another. */
function siteWords(site: string): string {
  return site === "coherence-index" ? "no VA, no coherence index; --set pagelessPolicy=index0" : site;
}
