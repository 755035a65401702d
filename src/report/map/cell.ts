/** Pieces of coloured text with a width that counts without the colours. */
import { plain, type Screen } from "../style.ts";

/** Colours by meaning; `segN` tell neighbouring segments apart. */
export type Tone = "plain" | "dim" | "bold" | "good" | "warn" | "bad" | "seg0" | "seg1" | "seg2";

/** Text of one tone. */
export interface Piece {
  readonly text: string;
  readonly tone: Tone;
}

/** A table cell: pieces side by side. */
export type Cell = readonly Piece[];

/** One piece. */
export function piece(text: string, tone: Tone = "plain"): Piece {
  return { text: plain(text), tone };
}

/** Columns that a cell fills. */
export function cellWidth(cell: Cell): number {
  return cell.reduce((sum, { text }) => sum + text.length, 0);
}

/** The cell in colour, filled with spaces to `width` (0 = as it is). */
export function paintCell(screen: Screen, cell: Cell, width: number): string {
  const painted = cell.map((each) => paint(screen, each)).join("");
  return painted + " ".repeat(Math.max(0, width - cellWidth(cell)));
}

/** Tone of a segment: three colours in turn. */
export function segmentTone(index: number): Tone {
  return (["seg0", "seg1", "seg2"] as const)[index % 3] as Tone;
}

function paint({ colors }: Screen, { text, tone }: Piece): string {
  switch (tone) {
    case "plain":
      return text;
    case "dim":
      return colors.dim(text);
    case "bold":
      return colors.bold(text);
    case "good":
      return colors.green(text);
    case "warn":
      return colors.yellow(text);
    case "bad":
      return colors.red(text);
    case "seg0":
      return colors.cyan(text);
    case "seg1":
      return colors.green(text);
    case "seg2":
      return colors.magenta(text);
  }
}
