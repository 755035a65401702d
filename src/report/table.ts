/** Borderless tables: columns are told apart by space, so that they can be read and cut with text tools. */
import Table from "cli-table3";
import { defined } from "../base/assert.ts";
import { type Screen, wrap } from "./style.ts";

/** Head and alignment of a column; its width is that of its widest cell. */
export interface Column {
  readonly head: string;
  readonly align: "left" | "right";
}

const NO_LINES = {
  top: "",
  "top-mid": "",
  "top-left": "",
  "top-right": "",
  bottom: "",
  "bottom-mid": "",
  "bottom-left": "",
  "bottom-right": "",
  left: "",
  "left-mid": "",
  mid: "",
  "mid-mid": "",
  right: "",
  "right-mid": "",
  middle: "",
};
const GAP = 2;
const LAST_WIDTH_MIN = 16;

/** Lines of a table of plain cells, indented by one column. The last column wraps at the screen's width. */
export function renderTable(
  screen: Screen,
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  paint: (cell: string, row: number, column: number) => string = (cell) => cell,
): string[] {
  const colWidths = columnWidths(screen, columns, rows);
  const last = columns.length - 1;
  const lastWidth = defined(colWidths[last], "last column") - GAP;
  const table = new Table({
    chars: NO_LINES,
    style: { head: [], border: [], compact: true, "padding-left": 0, "padding-right": GAP },
    colAligns: columns.map((column) => column.align),
    colWidths,
    head: columns.map((column) => screen.colors.dim(column.head)),
  });
  rows.forEach((row, at) => {
    table.push(
      row.map((cell, column) => {
        const lines = column === last ? wrap(cell, lastWidth) : [cell];
        return lines.map((line) => paint(line, at, column)).join("\n");
      }),
    );
  });
  return table
    .toString()
    .split("\n")
    .map((line) => ` ${line}`.trimEnd());
}

function columnWidths(screen: Screen, columns: readonly Column[], rows: readonly (readonly string[])[]): number[] {
  const widths = columns.map(
    (column, at) => Math.max(column.head.length, ...rows.map((row) => defined(row[at], "cell").length)) + GAP,
  );
  const before = widths.slice(0, -1).reduce((sum, width) => sum + width, 0);
  const last = defined(widths.at(-1), "last column");
  widths[widths.length - 1] = Math.min(last, Math.max(screen.width - 1 - before, LAST_WIDTH_MIN));
  return widths;
}
