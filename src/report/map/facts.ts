/** What stands below the drawing of a mapping: reach, joins, return values, unmap, cost, caches, pins. */
import { hex } from "../../base/addr.ts";
import { formatBytes, formatNs } from "../../base/units.ts";
import type {
  CostView,
  ExposureView,
  InvalidationView,
  Mapped,
  MappingPreview,
  SeamView,
} from "../../sim/mapping/view.ts";
import { plural } from "../figures.ts";
import { labelled, plain, type Screen, wrap } from "../style.ts";
import { indexList } from "./address.ts";

/** Ranges and seams that are told one by one. */
const RANGES_SHOWN = 6;
const SEAMS_SHOWN = 4;

/** `▲ device can also write ...`: the line that a reader must not miss. */
export function renderExposure(screen: Screen, preview: MappingPreview, exposure: ExposureView): string[] {
  const text = exposureText(exposure);
  const peers = exposure.peers.map(
    (peer) => `▲ ${peer} is reached as a whole, past the IOMMU: nothing checks a bus address`,
  );
  const lazy = preview.request.iommu.mode === "lazy" && exposure.reach === "pages" ? [LAZY] : [];
  if (text === null && peers.length + lazy.length === 0)
    return [screen.colors.dim(" the device reaches nothing beyond the list: every page lies in it as a whole")];
  return [...(text === null ? [] : [text]), ...peers, ...lazy].flatMap((line) =>
    wrap(plain(line), screen.width - 3).map((part, at) => {
      const painted = screen.colors.yellow(at === 0 ? part : `  ${part}`);
      return ` ${painted}`;
    }),
  );
}

const LAZY = "▲ lazy: after unmap the device keeps its access to these pages until the next flush, up to 10 ms";

function exposureText({ reach, access, ranges, bytes, limit, padding }: ExposureView): string | null {
  if (reach === "pool")
    return `▲ memory is encrypted: the device can ${access} the bounce pool (${formatBytes(bytes)} outside your list), nothing else`;
  if (reach === "everything")
    return `▲ nothing checks: the device can ${access} all memory up to ${hex(limit ?? 0)} (${formatBytes(bytes)} outside your list)`;
  if (ranges.length === 0) return null;
  const shown = ranges.slice(0, RANGES_SHOWN).map(({ start, last }) => `${hex(start)}-${hex(last)}`);
  const more = ranges.length > RANGES_SHOWN ? [`${ranges.length - RANGES_SHOWN} more`] : [];
  const list = joinAnd([...shown, ...more]);
  if (padding) return `▲ device can also ${access} ${list}: the rest of the bounce slots' pages, zeroed, nobody's data`;
  return `▲ device can also ${access} ${list} (${formatBytes(bytes)} on the same pages, not in your list)`;
}

function joinAnd(words: readonly string[]): string {
  if (words.length < 2) return words.join("");
  return `${words.slice(0, -1).join(", ")} and ${words.at(-1)}`;
}

/** Labelled lines of a mapping that succeeded. */
export function renderFacts(screen: Screen, preview: MappingPreview, mapped: Mapped): string[] {
  const joins = joinsText(mapped);
  return [
    ...labelled(screen, callLabel(preview), returnText(preview, mapped)),
    ...(joins === null ? [] : labelled(screen, "joins", joins)),
    ...labelled(screen, "unmap", unmapText(preview, mapped)),
    ...labelled(screen, "cost", costText(mapped), screen.colors.dim),
    ...labelled(screen, "cache ops", cacheText(preview, mapped)),
    ...labelled(screen, "pins", pinsText(preview)),
    ...peersText(preview).flatMap((line) => labelled(screen, "peers", line)),
  ];
}

/** Name of the call, short enough for a label. */
export function callLabel({ request }: MappingPreview): string {
  return request.call === "dma_map_sg" ? "dma_map_sg" : "map_resource";
}

function returnText({ entries, request }: MappingPreview, { segments }: Mapped): string {
  if (request.call === "dma_map_resource") return `→ ${plural(segments.length, "DMA address", "DMA addresses")}`;
  const nents = segments.length;
  const sgtable = request.era === "4.1" ? "" : ` · dma_map_sgtable → 0 (nents ${nents}, orig_nents ${entries.length})`;
  const use = nents === entries.length ? "" : ` · the device takes ${nents}, sync and unmap take ${entries.length}`;
  return `→ ${nents}${sgtable}${use}`;
}

/** Null where the drawing says it all: one entry, or every seam joined for the plain reason. */
function joinsText({ seams }: Mapped): string | null {
  if (seams.every((seam) => seam.reason === "page seam")) return null;
  const joined = seams.filter((seam) => seam.joined);
  const apart = seams.filter((seam) => !seam.joined);
  const first = apart[0];
  if (first !== undefined && apart.every((seam) => seam.reason === "one by one")) return `none: ${first.why}`;
  const parts: string[] = [];
  if (joined.length > 0) parts.push(joinedText(joined));
  parts.push(...apart.slice(0, SEAMS_SHOWN).map((seam) => `${seam.after}|${seam.after + 1} apart: ${seam.why}`));
  if (apart.length > SEAMS_SHOWN) parts.push(`${apart.length - SEAMS_SHOWN} more apart`);
  return parts.join(" · ");
}

function joinedText(joined: readonly SeamView[]): string {
  const wraps = joined.filter((seam) => seam.reason === "unsigned wrap");
  const which =
    joined.length <= 3 ? joined.map((seam) => `${seam.after}|${seam.after + 1}`).join(", ") : `${joined.length} seams`;
  const why =
    wraps[0]?.why ??
    `${joined.length === 1 ? "the seam lies" : "their seams lie"} on page boundaries and max_seg has room`;
  return `${which} joined: ${why}`;
}

function unmapText(preview: MappingPreview, { invalidations, unmapCost, exposure }: Mapped): string {
  const back = preview.entries.filter((entry) => (entry.bounce?.copiedOut ?? 0) > 0);
  const copied = back.reduce((sum, entry) => sum + (entry.bounce?.copiedOut ?? 0), 0);
  const slots = preview.entries.reduce((sum, entry) => sum + (entry.bounce?.slots ?? 0), 0);
  const parts: string[] = [];
  if (copied > 0) parts.push(`${formatBytes(copied)} copied back`);
  if (slots > 0) parts.push(`${plural(slots, "slot")} freed`);
  if (exposure.reach === "pages") parts.push(...translationParts(preview, invalidations, unmapCost));
  return parts.length === 0 ? "nothing to undo: no translation, no copy" : parts.join(" · ");
}

function translationParts(preview: MappingPreview, calls: readonly InvalidationView[], cost: CostView): string[] {
  if (cost.ptesCleared === 0) return ["nothing to undo: bus addresses only"];
  if (preview.request.iommu.mode === "lazy")
    return [
      "no invalidation now: the IOVA waits in this CPU's flush queue (full, or 10 ms), then one flush of the whole domain",
    ];
  const shown = calls.slice(0, RANGES_SHOWN).map(invalidationText);
  const more = calls.length > RANGES_SHOWN ? `, ${calls.length - RANGES_SHOWN} more` : "";
  return [`${plural(calls.length, "invalidation")}, waited for: ${shown.join(", ")}${more}`];
}

/** `PSI 0xffffc000 AM=2 (4 pages for 3)`. */
function invalidationText({ command, wanted, pages }: InvalidationView): string {
  if (pages === null) return command;
  return `${command} (${pages === wanted ? plural(wanted, "page") : `${pages} pages for ${wanted}`})`;
}

function costText({ mapCost, unmapCost }: Mapped): string {
  const map = [
    counted(mapCost.ptesWritten, "PTE", "written"),
    counted(mapCost.tablesAllocated, "table", "made"),
    mapCost.magazineHits > 0 ? "IOVA from the magazine" : mapCost.treeOps > 0 ? "IOVA from the tree" : null,
    counted(mapCost.slotsProbed, "slot", "probed"),
    mapCost.bytesBounced > 0 ? `${formatBytes(mapCost.bytesBounced)} copied` : null,
    counted(mapCost.linesFlushed, "line", "cleaned"),
  ];
  const unmap = [
    counted(unmapCost.ptesCleared, "PTE", "cleared"),
    counted(unmapCost.invalidations, "invalidation", "waited for"),
    unmapCost.bytesBounced > 0 ? `${formatBytes(unmapCost.bytesBounced)} copied` : null,
    counted(unmapCost.linesFlushed, "line", "invalidated"),
  ];
  const side = (name: string, cost: CostView, words: readonly (string | null)[]) =>
    [`${name} ${formatNs(cost.cpuNs)}`, ...words].filter((word) => word !== null).join(", ");
  return `${side("map", mapCost, map)} · ${side("unmap", unmapCost, unmap)} (CPU time modelled, uncalibrated)`;
}

function counted(count: number, noun: string, done: string): string | null {
  return count === 0 ? null : `${plural(count, noun)} ${done}`;
}

function cacheText({ request }: MappingPreview, { cache }: Mapped): string {
  if (cache.coherent) return "none: the device snoops the CPU caches";
  if (request.call === "dma_map_resource") return "none: MMIO is not cached";
  if (request.attrs.includes("SKIP_CPU_SYNC")) return "none: SKIP_CPU_SYNC leaves them to the driver";
  const work = `map cleans ${plural(cache.linesAtMap, "line")} of 64 bytes, unmap invalidates ${cache.linesAtUnmap}`;
  if (cache.skipped.length === 0) return work;
  return `${work} · page-less entries ${indexList(cache.skipped)} are left alone: whoever maps them keeps them coherent`;
}

function pinsText({ pins }: MappingPreview): string {
  const held = pins.pages === 0 ? "none" : `${plural(pins.pages, "page")}`;
  if (pins.pageless.length === 0) return held;
  const which = pins.pageless.length === 1 ? "entry" : "entries";
  return `${held} · ${which} ${indexList(pins.pageless)}: no struct page, nothing to pin`;
}

/** One line for all peer entries of each way; the drawing tells the ways of bus addresses. */
function peersText({ entries }: MappingPreview): string[] {
  const ways = new Map<string, number[]>();
  for (const { via, region, index, space } of entries) {
    if (via === null || space === "bus") continue;
    const way = `${region}, ${via}`;
    ways.set(way, [...(ways.get(way) ?? []), index]);
  }
  return [...ways].map(
    ([way, indexes]) => `${indexes.length === 1 ? "entry" : "entries"} ${indexList(indexes)}: ${way}`,
  );
}
