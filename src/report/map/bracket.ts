/** Brackets that gather the rows of one segment, and the words beside them. */
import { hex } from "../../base/addr.ts";
import type { MappingPreview, SeamView, SegmentView } from "../../sim/mapping/view.ts";
import { type Cell, piece, segmentTone } from "./cell.ts";
import { addressText, type Detail } from "./detail.ts";

/** Bracket glyph and text of one row. */
export interface Bracket {
  readonly row: number;
  readonly glyph: Cell;
  readonly text: Cell;
}

/** One for each of `rows`, the drawn rows of `segment`, which follow each other. */
export function bracketOf(
  preview: MappingPreview,
  segment: SegmentView,
  rows: readonly number[],
  detail: Detail,
): readonly Bracket[] {
  const tone = segmentTone(segment.index);
  const label = Math.floor((rows.length - 1) / 2);
  const words = wordsOf(preview, segment, detail);
  return rows.map((row, at) => ({
    row,
    glyph: [piece(glyphOf(at, rows.length, label), tone)],
    text: words[at - label] ?? [],
  }));
}

function glyphOf(at: number, count: number, label: number): string {
  if (count === 1) return "──►";
  if (at === label) return at === 0 ? "┬─►" : "├─►";
  if (at === 0) return "┐";
  return at === count - 1 ? "┘" : "│";
}

/** The segment, then why its entries were joined. */
function wordsOf(preview: MappingPreview, segment: SegmentView, detail: Detail): readonly Cell[] {
  const address = segment.space === "iova" ? hex(segment.dmaAddr) : addressText(segment.dmaAddr, detail);
  const first = [piece(address, segmentTone(segment.index)), piece(` +${hex(segment.bytes)}`)];
  const seams = preview.mapped?.seams.slice(segment.firstEntry, segment.firstEntry + segment.entryCount - 1) ?? [];
  return seams.length === 0 ? [first] : [first, [piece(`${detail.terse ? "" : "joined: "}${joinWords(seams)}`, "dim")]];
}

function joinWords(seams: readonly SeamView[]): string {
  const wraps = seams.some((seam) => seam.reason === "unsigned wrap");
  if (wraps) return "beyond max_seg";
  return seams.length === 1 ? "seam on a page" : "seams on pages";
}
