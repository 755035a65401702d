/** The screen that reports are made for: its width, its colours, and text that fits it. */
import pc from "picocolors";

/** picocolors' functions; all return plain text when colour is off. */
export type Palette = ReturnType<typeof pc.createColors>;

/** What every render function gets to fit its text to. */
export interface Screen {
  readonly colors: Palette;
  /** Columns that a line may fill. */
  readonly width: number;
}

const WIDTH_MIN = 100;
const WIDTH_MAX = 116;
/** Column in which the text of a labelled line starts. */
export const LABEL_WIDTH = 17;

/** Screen of a terminal with `columns` columns (undefined = not a terminal: the full width), coloured or not. */
export function createScreen(color: boolean, columns: number | undefined): Screen {
  const width = Math.min(Math.max(columns ?? WIDTH_MAX, WIDTH_MIN), WIDTH_MAX);
  return { colors: pc.createColors(color), width };
}

/** Text of a file or a result without control characters, so that a name cannot steer the terminal. */
export function plain(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not reach the terminal
  return text.replaceAll(/[\u0000-\u001f\u007f-\u009f]/g, "�");
}

/** `text` cut to `width` columns; a cut is shown by an ellipsis in its middle, where names differ least. */
export function shorten(text: string, width: number): string {
  if (text.length <= width) return text;
  const tail = Math.floor((width - 1) / 2);
  return `${text.slice(0, width - 1 - tail)}…${text.slice(text.length - tail)}`;
}

/** A space between a number and its unit; a line does not end there. */
const SPACE_BEFORE_UNIT = /(?<=\d) (?=(?:%|[nmu]?s|[kMGTP]i?B|B|[kMG])(?![A-Za-z]))/g;
const NO_BREAK = "\u00a0";

/** Lines of at most `width` columns, broken at spaces; a longer word keeps a line of its own. */
export function wrap(text: string, width: number): string[] {
  const words = text.replaceAll(SPACE_BEFORE_UNIT, NO_BREAK).split(" ");
  return fill(words, " ", width).map((line) => line.replaceAll(NO_BREAK, " "));
}

/** Parts joined by ` · `, broken only between parts. */
export function wrapParts(parts: readonly string[], width: number): string[] {
  return fill(parts, " · ", width);
}

function fill(pieces: readonly string[], joint: string, width: number): string[] {
  const lines: string[] = [];
  let line: string | null = null;
  for (const piece of pieces) {
    if (line !== null && line.length + joint.length + piece.length <= width) {
      line += `${joint}${piece}`;
    } else {
      if (line !== null) lines.push(line);
      line = piece;
    }
  }
  return line === null ? lines : [...lines, line];
}

/** ` label   text`, wrapped with a hanging indent; `paint` colours each line of the text. */
export function labelled(screen: Screen, label: string, text: string, paint = (line: string) => line): string[] {
  const lines = wrap(plain(text), screen.width - LABEL_WIDTH);
  return lines.map((line, index) => {
    const head = ` ${index === 0 ? label : ""}`.padEnd(LABEL_WIDTH);
    return `${screen.colors.dim(head)}${paint(line)}`;
  });
}
