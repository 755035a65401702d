/**
 * The drawing as rows of five cells: CPU entry, arrow, what lies between, bracket, what the device sees.
 */
import { hex } from "../../base/addr.ts";
import type { EntryView, MappingPreview } from "../../sim/mapping/view.ts";
import { plural } from "../figures.ts";
import { shorten } from "../style.ts";
import { type Bracket, bracketOf } from "./bracket.ts";
import { type Cell, piece, segmentTone, type Tone } from "./cell.ts";
import { addressText, type Detail } from "./detail.ts";
import { elide } from "./elide.ts";
import { middleLines } from "./middle.ts";

/** Cells of one line. */
export interface Row {
  readonly cpu: Cell;
  readonly arrow: Cell;
  readonly middle: Cell;
  readonly bracket: Cell;
  readonly device: Cell;
}

/** A row before its bracket is known. */
interface Draft {
  readonly cpu: Cell;
  readonly arrow: Cell;
  readonly middle: Cell;
  /** Segment that the row belongs to; null = none, or several in an elision. */
  readonly segment: number | null;
}

/** Rows of the whole list. */
export function drawRows(preview: MappingPreview, detail: Detail): readonly Row[] {
  const drafts = draft(preview, detail);
  const segments = preview.mapped?.segments ?? [];
  const brackets = new Map<number, readonly Bracket[]>();
  for (const segment of segments) {
    const rows = drafts.flatMap((each, at) => (each.segment === segment.index ? [at] : []));
    brackets.set(segment.index, bracketOf(preview, segment, rows, detail));
  }
  return drafts.map((each, at) => {
    const found = brackets.get(each.segment ?? -1)?.find((bracket) => bracket.row === at);
    return {
      cpu: each.cpu,
      arrow: each.arrow,
      middle: each.middle,
      bracket: found?.glyph ?? [],
      device: found?.text ?? [],
    };
  });
}

function draft(preview: MappingPreview, detail: Detail): readonly Draft[] {
  const widths = entryWidths(preview.entries, detail);
  return elide(preview.entries.length, preview.refusal?.entry ?? null).flatMap((item) => {
    if (!("entry" in item)) return [elided(preview, item.first, item.count)];
    const view = preview.entries[item.entry] as EntryView;
    const lines = middleLines(preview, view, detail);
    return lines.map((middle, at) => ({
      cpu: at === 0 ? cpuCell(view, detail, widths) : [],
      arrow: at === 0 ? arrowCell(view) : [],
      middle,
      segment: view.segment,
    }));
  });
}

/** `… 240 more entries, 3 segments`; inside one segment the row belongs to it. */
function elided(preview: MappingPreview, first: number, count: number): Draft {
  const views = preview.entries.slice(first, first + count);
  const segments = new Set(views.map((view) => view.segment).filter((segment) => segment !== null));
  const bytes = views.reduce((sum, view) => sum + view.bytes, 0);
  const only = segments.size === 1 ? ([...segments][0] ?? null) : null;
  const more = segments.size > 1 ? `in ${plural(segments.size, "segment")}` : "";
  return {
    cpu: [piece(`… ${count} more, +${hex(bytes)}`, "dim")],
    arrow: [],
    middle: more === "" ? [] : [piece(`… ${more}`, "dim")],
    segment: only,
  };
}

interface Widths {
  readonly index: number;
  readonly region: number;
  readonly address: number;
  readonly length: number;
  readonly pageless: boolean;
}

function entryWidths(entries: readonly EntryView[], detail: Detail): Widths {
  const widest = (text: (entry: EntryView) => string) => Math.max(...entries.map((entry) => text(entry).length));
  return {
    index: String(entries.length - 1).length,
    region: widest((entry) => shorten(entry.region, detail.regionWidth)),
    address: widest((entry) => addressText(ownAddress(entry), detail)),
    length: widest((entry) => `+${hex(entry.bytes)}`),
    pageless: entries.some((entry) => !entry.hasPage),
  };
}

function cpuCell(view: EntryView, detail: Detail, widths: Widths): Cell {
  const index = String(view.index).padStart(widths.index);
  const region = shorten(view.region, detail.regionWidth).padEnd(widths.region);
  const address = addressText(ownAddress(view), detail).padStart(widths.address);
  const length = `+${hex(view.bytes)}`.padEnd(widths.length);
  const tone: Tone = view.state === "refused" ? "bad" : view.state === "not reached" ? "dim" : "plain";
  const cells = [
    piece(`${index} `, "dim"),
    piece(`${region} `, tone === "plain" ? "dim" : tone),
    piece(`${address} ${length}`, tone),
  ];
  return widths.pageless ? [...cells, piece(view.hasPage ? "        " : " no page", "warn")] : cells;
}

/** Private memory by its fictitious address, whatever stands for it. */
function ownAddress({ privatePage, phys }: EntryView): number {
  return privatePage?.phys ?? phys;
}

function arrowCell(view: EntryView): Cell {
  if (view.state === "refused") return [piece("─✗", "bad")];
  if (view.segment === null) return [];
  return [piece("──►", segmentTone(view.segment))];
}
