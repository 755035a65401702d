/** The drawing of a mapping: CPU entries on the left, what translates in the middle, the device's view on the right. */
import { hex } from "../../base/addr.ts";
import type { MappingPreview } from "../../sim/mapping/view.ts";
import { plural } from "../figures.ts";
import type { Screen } from "../style.ts";
import { type Cell, cellWidth, paintCell, piece } from "./cell.ts";
import { DETAILS, type Detail } from "./detail.ts";
import { drawRows, type Row } from "./rows.ts";

const KEYS = ["cpu", "arrow", "middle", "bracket", "device"] as const;
/** Spaces before each column. */
const GAPS = [1, 1, 1, 1, 1];

/** Lines of the drawing, its headings first, with as much detail as the screen is wide for. */
export function renderDrawing(screen: Screen, preview: MappingPreview): string[] {
  const draw = (detail: Detail) => [headings(preview, detail), ...drawRows(preview, detail)];
  for (const detail of DETAILS.slice(0, -1)) {
    const rows = draw(detail);
    if (totalWidth(rows) <= screen.width) return layOut(screen, rows);
  }
  const least = DETAILS.at(-1);
  return least === undefined ? [] : layOut(screen, draw(least));
}

function layOut(screen: Screen, rows: readonly Row[]): string[] {
  const widths = columnWidths(rows);
  return rows.map((row) =>
    KEYS.map((key, at) => " ".repeat(GAPS[at] as number) + paintCell(screen, row[key], widths[at] as number))
      .join("")
      .trimEnd(),
  );
}

function columnWidths(rows: readonly Row[]): number[] {
  return KEYS.map((key) => Math.max(...rows.map((row) => cellWidth(row[key]))));
}

function totalWidth(rows: readonly Row[]): number {
  return [...columnWidths(rows), ...GAPS].reduce((sum, width) => sum + width, 0);
}

function headings(preview: MappingPreview, detail: Detail): Row {
  const { entries, mapped } = preview;
  const sees = mapped === null ? "nothing" : plural(mapped.segments.length, "segment");
  return {
    cpu: [piece(plural(entries.length, "CPU entry", "CPU entries"), "dim")],
    arrow: [],
    middle: middleHeading(preview, detail),
    bracket: [],
    device: [piece(`device sees ${sees}`, "dim")],
  };
}

function middleHeading({ mapped, request, entries }: MappingPreview, { terse }: Detail): Cell {
  if (mapped === null) return [piece("refused", "bad")];
  const { iova } = mapped;
  if (iova !== null) {
    const all = iova.allocatedPages === iova.pages;
    const pages = plural(iova.pages, "page");
    const taken = terse
      ? `+${iova.pages} of ${plural(iova.allocatedPages, "page")}`
      : `+${pages} (${iova.allocatedPages} allocated)`;
    return [piece(`IOVA ${hex(iova.start)} ${all ? `+${pages}` : taken}`, "dim")];
  }
  if (request.iommu.unit !== null && request.call === "dma_map_resource") return [piece("IOVA by entry", "dim")];
  if (request.untrusted && request.iommu.unit !== null) return [piece("IOVA by entry, bounce slots", "dim")];
  if (entries.some((entry) => entry.bounce !== null)) return [piece("bounce pool", "dim")];
  return [piece("no translation", "dim")];
}
