/** A validation as CSV (RFC 4180): one row per measurement. */
import type { ValidateResult } from "../../sim/validate/result.ts";
import { quoteCell } from "../csv.ts";
import { reportRow } from "./json.ts";

const COLUMNS = [
  "id",
  "group",
  "topic",
  "scope",
  "status",
  "predicted",
  "measured",
  "unit",
  "error",
  "signedError",
  "tolerance",
  "within",
  "reason",
  "detail",
] as const;

/** Header line and rows, each ended by CRLF. */
export function renderValidateCsv(result: ValidateResult): string {
  const rows = result.rows.map((each) => {
    const row = reportRow(each);
    return COLUMNS.map((column) => quoteCell(String(row[column] ?? "")));
  });
  return [[...COLUMNS], ...rows].map((cells) => `${cells.join(",")}\r\n`).join("");
}
