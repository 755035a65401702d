/** The middle of the drawing: page-table entries, bounce slots, bus addresses, or nothing at all. */
import { hex } from "../../base/addr.ts";
import type { BounceView, EntryView, MappingPreview, PageRun, RefusalView } from "../../sim/mapping/view.ts";
import { plural } from "../figures.ts";
import { pageSizeText } from "./address.ts";
import { type Cell, type Piece, piece, segmentTone } from "./cell.ts";
import type { Detail } from "./detail.ts";

/** Page runs of one entry that are drawn. */
const RUNS_SHOWN = 4;
const WORD_TAIL = 8;
const COMPARISON_MAX = 58;

/** Lines of one entry, at least one. */
export function middleLines(preview: MappingPreview, view: EntryView, detail: Detail): readonly Cell[] {
  const lines = mappingLines(preview, view, detail);
  const resolved = view.segment === null ? null : resolvedLine(view);
  return resolved === null ? lines : [resolved, ...lines];
}

/** What a private page became before the list was mapped. */
function resolvedLine({ privatePage, phys }: EntryView): Cell | null {
  if (privatePage === undefined) return null;
  const { outcome, slot, generation } = privatePage;
  if (outcome === "unresolved") return [piece("made-up frame, nobody looked", "bad")];
  const where = outcome === "shown" ? `slot ${slot} generation ${generation}` : "migrated to RAM";
  return [piece(`${where}, ${hex(phys)}`, "warn")];
}

function mappingLines(preview: MappingPreview, view: EntryView, detail: Detail): readonly Cell[] {
  if (view.segment === null) return [refusedLine(preview, view)];
  if (view.space === "iova") return translated(preview, view, detail);
  if (view.space === "bus") return [[piece(`bus address, ${view.via ?? "peer"}`)]];
  if (view.bounce !== null) return bounced(view, view.bounce, detail);
  if (view.space === "window") return [[piece("bus address by dma-ranges", "dim")]];
  return [[piece("= physical address", "dim")]];
}

const STATE_WORDS = {
  mapped: "",
  refused: "",
  undone: "mapped, then undone",
  "not mapped": "not mapped",
  "not reached": "not reached",
} as const;

/** The comparison stands at the entry that failed, or at the first of a list that failed as a whole. */
function refusedLine({ refusal }: MappingPreview, view: EntryView): Cell {
  const here = refusal !== null && view.index === (refusal.entry ?? 0);
  if (!here) return [piece(STATE_WORDS[view.state], "dim")];
  return [piece(isLong(refusal) ? refusal.name : refusal.comparison, "bad")];
}

/** True for a comparison that has no room in the drawing and stands below it. */
export function isLong({ comparison }: RefusalView): boolean {
  return comparison.length > COMPARISON_MAX || comparison === "";
}

function translated(preview: MappingPreview, view: EntryView, detail: Detail): readonly Cell[] {
  const lines = view.pages.slice(0, RUNS_SHOWN).map((run, at) => runLine(preview, view, run, at, detail));
  const left = view.pages.length - RUNS_SHOWN;
  if (left > 0) lines.push([piece(`${" ".repeat(12)}… ${plural(left, "more run")} of pages`, "dim")]);
  if (view.bounce === null) return lines;
  return [...lines, ...bounced(view, view.bounce, detail).map(indent)];
}

function runLine(preview: MappingPreview, view: EntryView, run: PageRun, at: number, detail: Detail): Cell {
  const iova = hex(at === 0 ? (view.dmaAddr ?? run.iova) : run.iova);
  const width = hex(preview.mapped?.iova?.start ?? run.iova).length;
  const head = [piece(iova.padStart(width), segmentTone(view.segment ?? 0)), piece(" ")];
  if (run.shared) return [...head, piece(`same ${pageSizeText(run.pageBytes)} page`, "dim")];
  return [...head, ...entryPieces(run, detail)];
}

function entryPieces(run: PageRun, detail: Detail): readonly Piece[] {
  const word = detail.wholeWords ? `0x${run.word}` : `0x…${run.word.slice(-WORD_TAIL)}`;
  const count = run.count === 1 ? "" : ` ×${run.count}`;
  return [
    piece("PTE ", "dim"),
    piece(word),
    piece(` ${run.access} ${pageSizeText(run.pageBytes)}`, "dim"),
    piece(count),
  ];
}

/** `slot 12 ×2, area 0`, and what is copied. */
function bounced(view: EntryView, bounce: BounceView, { terse }: Detail): readonly Cell[] {
  const pad = bounce.padSlots === 0 ? "" : ` (${plural(bounce.padSlots, "pad slot")})`;
  const offset = bounce.offset === 0 ? "" : ` +${hex(bounce.offset)}`;
  const first: Cell = [
    piece("slot ", "dim"),
    piece(String(bounce.slot), "warn"),
    piece(`${bounce.slots === 1 ? "" : ` ×${bounce.slots}`}${pad}${offset} area ${bounce.area}`),
  ];
  const ways = [
    bounce.copiedIn > 0 ? `in ${hex(bounce.copiedIn)}` : null,
    bounce.copiedOut > 0 ? `out ${hex(bounce.copiedOut)}` : null,
  ].filter((way) => way !== null);
  const copies = ways.length === 0 ? "no copy" : `copy ${ways.join(", ")}`;
  if (terse || view.space === "iova") return [first, [piece(copies, "dim")]];
  return [[...first, piece(` ${copies}`, "dim")]];
}

function indent(cell: Cell): Cell {
  return [piece(" "), ...cell];
}
