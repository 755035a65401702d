/** A preview with everything that belongs beside it: evidence, the other paths, notes on the request. */

import { archRows } from "./arch_rows.ts";
import { type ArchView, previewArchs } from "./archs.ts";
import { type OtherPath, previewElsewhere } from "./elsewhere.ts";
import { type EvidencePath, type EvidenceView, evidenceOf } from "./evidence.ts";
import { previewMapping } from "./preview.ts";
import { privateNotes } from "./private_words.ts";
import type { MapRequest } from "./request.ts";
import type { MappingPreview } from "./view.ts";

/** What `dmasim map` shows. */
export interface MappingSurvey {
  readonly preview: MappingPreview;
  readonly evidence: readonly EvidenceView[];
  readonly elsewhere: readonly OtherPath[];
  /** The list on other architectures: all of them, or the one that was asked for. */
  readonly archs: readonly ArchView[];
  /** What a reader should know about the request itself. */
  readonly notes: readonly string[];
}

/** Attributes that only the newest kernels have. */
const NEW_ATTRS: ReadonlySet<string> = new Set(["MMIO", "REQUIRE_COHERENT"]);

/** Maps the request's list on its own path and on the others. */
export function surveyMapping(request: MapRequest): MappingSurvey {
  const preview = previewMapping(request);
  return {
    preview,
    evidence: evidenceOf(pathsOf(request, preview), preview.request.era, request.system.machine.iommu.kind),
    elsewhere: previewElsewhere(request),
    // Linux 4.1 has no dma_map_resource.
    archs: request.call === "dma_map_sg" ? previewArchs(request, archRows(request.arch ?? "all")) : [],
    notes: notesOn(request, preview),
  };
}

function pathsOf({ device, call }: MapRequest, { entries, mapped }: MappingPreview): ReadonlySet<EvidencePath> {
  const paths = new Set<EvidencePath>();
  if (call === "dma_map_resource") paths.add("resource");
  else if (device.domain !== null) paths.add(device.untrusted ? "untrusted" : "iommu");
  else paths.add("direct");
  for (const { space, bounce } of entries) {
    if (space === "bus") paths.add("peer");
    if (bounce !== null) paths.add("bounce");
  }
  if ((mapped?.invalidations.length ?? 0) > 0) paths.add("invalidation");
  if (!device.coherent && call === "dma_map_sg") paths.add("cache");
  return paths;
}

function notesOn(request: MapRequest, { request: view, entries }: MappingPreview): string[] {
  const bytes = entries.reduce((sum, entry) => sum + entry.bytes, 0);
  const notes: string[] = [...privateNotes(entries)];
  if (entries.length > view.maxSegments)
    notes.push(
      `${view.device}'s driver would split this list: ${entries.length} entries > max_segments ${view.maxSegments}`,
    );
  if (bytes > view.maxTransferBytes)
    notes.push(`${view.device} moves at most ${view.maxTransferBytes} bytes with one command; this list has ${bytes}`);
  const beyond = entries.find((entry) => entry.bytes > view.maxSegBytes);
  if (beyond !== undefined)
    notes.push(
      `entry ${beyond.index} is longer than max_seg: ${beyond.bytes} > ${view.maxSegBytes}; dma_map_sg does not split`,
    );
  if (view.era !== "7.x" && view.attrs.some((attr) => NEW_ATTRS.has(attr)))
    notes.push(
      `Linux ${view.era} does not know DMA_ATTR_MMIO or DMA_ATTR_REQUIRE_COHERENT: they came with 6.18 and 7.0`,
    );
  const bare = request.entries.findIndex(
    (entry) => entry.kind === "bar" && !entry.hasPage && request.system.peers.regionAt(entry.phys) < 0,
  );
  if (bare >= 0 && view.call === "dma_map_sg")
    notes.push(
      `entry ${bare} is a BAR without P2PDMA pages: a kernel would map it by dma_map_resource (--resource), not in a list`,
    );
  const paged = view.call === "dma_map_resource" ? entries.findIndex((entry) => entry.hasPage) : -1;
  if (paged >= 0)
    notes.push(`entry ${paged} has struct pages: dma_map_resource is for MMIO, and a kernel with dma-debug refuses it`);
  if (view.dmaRanges !== null && view.call === "dma_map_sg")
    notes.push("the architectures of Linux 4.1 are shown without the device's dma_ranges, which they do not know");
  return notes;
}
