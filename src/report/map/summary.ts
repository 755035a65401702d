/** The head of the page: what was asked, and the answer in one line. */
import { hex } from "../../base/addr.ts";
import { formatBytes } from "../../base/units.ts";
import type { EntryView, MappingPreview, RequestView } from "../../sim/mapping/view.ts";
import { plural } from "../figures.ts";
import { plain, type Screen, wrap, wrapParts } from "../style.ts";
import { boundaryText, limitBytesText, maskText, rangesText } from "./address.ts";

/** Machine, device and every limit that decides, on one or two dim lines. */
export function renderHead(screen: Screen, { request }: MappingPreview): string[] {
  const { colors, width } = screen;
  const parts = [
    request.machine,
    `Linux ${request.era}${request.defects === "corrected" ? " (defects corrected)" : ""}`,
    deviceText(request),
    request.dir,
    ...(request.attrs.length > 0 ? [`attrs ${request.attrs.join("|")}`] : []),
    pathText(request),
    `mask ${maskText(request.dmaMask)}${request.iommu.triesBelow4GiB ? " (32-bit first)" : ""}`,
    ...(request.busDmaLimit === 0 ? [] : [`bus limit ${hex(request.busDmaLimit)}`]),
    ...(request.dmaRanges === null ? [] : [`dma-ranges ${rangesText(request.dmaRanges)}`]),
    `max_seg ${limitBytesText(request.maxSegBytes)}`,
    `boundary ${boundaryText(request.segBoundaryMask)}`,
    ...(request.minAlignMask === 0 ? [] : [`min_align_mask ${hex(request.minAlignMask)}`]),
    ...(request.coherent ? [] : ["not coherent"]),
    ...emptyText(request),
  ];
  return wrapParts(parts.map(plain), width).map((line) => colors.dim(line));
}

/** What a list meets: nothing else is mapped. */
function emptyText({ iommu, untrusted, poolBytes }: RequestView): string[] {
  if (iommu.unit !== null) return [untrusted ? "empty domain and pool" : "empty domain"];
  return poolBytes > 0 ? ["empty pool"] : ["no pool"];
}

function deviceText({ device, address }: RequestView): string {
  return device === address ? device : `${device} ${address}`;
}

/** Which code maps: `iommu-dma strict`, `dma-direct`, ... */
function pathText({ iommu, untrusted, forceBounce, era }: RequestView): string {
  if (iommu.unit === null) {
    const identity = iommu.kind === "none" ? "no IOMMU" : "IOMMU passthrough";
    return `${era === "4.1" ? "nommu/swiotlb" : "dma-direct"}, ${identity}${forceBounce ? ", swiotlb=force" : ""}`;
  }
  const code = era === "4.1" ? legacyDriver(iommu.kind) : "iommu-dma";
  return `${code} ${iommu.mode}${untrusted ? ", untrusted" : ""} (${iommu.unit})`;
}

/** Drivers of 4.1 differ; the simulator follows Intel's for all. */
function legacyDriver(kind: string): string {
  return kind === "intel-vtd" ? "intel-iommu" : `${kind}, mapped as intel-iommu did,`;
}

/** The answer, coloured by whether it is good news. */
export function renderAnswer(screen: Screen, preview: MappingPreview): string[] {
  const { colors } = screen;
  const { mapped, refusal, leaks } = preview;
  const leaked = leaks.map(({ kind, count }) => `${count} ${kind}`).join(", ");
  const bounced = preview.entries.filter((entry) => entry.bounce !== null).length;
  const paint = refusal !== null || leaks.length > 0 ? colors.red : bounced > 0 ? colors.yellow : colors.cyan;
  const words =
    leaks.length > 0
      ? `LEAKED after unmap: ${leaked}`
      : mapped === null
        ? refusedWords(preview)
        : mappedWords(preview, bounced);
  return wrap(plain(words), screen.width - 1).map((line) => ` ${colors.bold(paint(line))}`);
}

function refusedWords({ refusal, entries }: MappingPreview): string {
  if (refusal === null) return "REFUSED";
  const where = refusal.entry === null || entries.length === 1 ? "" : `, entry ${refusal.entry}`;
  return `REFUSED${where}: ${refusal.name}`;
}

function mappedWords({ entries, mapped }: MappingPreview, bounced: number): string {
  const segments = mapped?.segments.length ?? 0;
  const bytes = entries.reduce((sum, entry) => sum + entry.bytes, 0);
  const share = bounced === entries.length ? (bounced === 1 ? "" : "all ") : `${bounced} of ${entries.length} `;
  const how = bounced === 0 ? "" : `, ${share}bounced`;
  const from = plural(entries.length, "ENTRY", "ENTRIES");
  return `${from} → ${plural(segments, "SEGMENT", "SEGMENTS")}${how}: ${formatBytes(bytes)} ${spacesText(entries)}`;
}

const SPACE_WORDS = {
  iova: "through the IOMMU",
  phys: "at physical addresses",
  bounce: "in bounce slots",
  bus: "peer to peer",
  window: "at bus addresses of dma-ranges",
} as const;

function spacesText(entries: readonly EntryView[]): string {
  const spaces = new Set(entries.flatMap((entry) => (entry.space === null ? [] : [entry.space])));
  return [...spaces].map((space) => SPACE_WORDS[space]).join(" and ");
}
