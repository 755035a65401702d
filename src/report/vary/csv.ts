/** Varied runs as CSV: the columns of a run's CSV behind one column for each key. */
import type { VaryResult } from "../../sim/vary/result.ts";
import { csvRows, quoteCell } from "../csv.ts";

/** Header line and rows, each ended by CRLF; a refused run keeps a row with its message in `error_text`. */
export function renderVariedCsv({ keys, runs }: VaryResult): string {
  const [head = []] = csvRows(null);
  const lines = [[...keys.map(quoteCell), ...head]];
  for (const { params, result, error } of runs) {
    const values = keys.map((key) => quoteCell(params[key] ?? ""));
    const rows =
      result === undefined ? [head.map((name) => (name === "error_text" ? (error?.message ?? "") : ""))] : [];
    const filled = result === undefined ? rows.map((row) => row.map(quoteCell)) : csvRows(result).slice(1);
    for (const row of filled) lines.push([...values, ...row]);
  }
  return lines.map((cells) => `${cells.join(",")}\r\n`).join("");
}
