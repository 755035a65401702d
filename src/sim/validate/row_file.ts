/**
 * Measurement files: a JSON list of rows in the vocabulary of data/VOCABULARY.md.
 *
 * Throws one located `DmasimError` for a file that is absent or no JSON, a row without a required field, a value of the wrong type
 * or out of range, two rows of one id, and a baseline that is not in the file.
 */
import { existsSync } from "node:fs";
import { DmasimError } from "../../base/errors.ts";
import { packagePath } from "../../base/package_root.ts";
import { locateValue, syntaxError } from "../check/json_locate.ts";
import type { DocumentPath } from "../override.ts";
import { reportIssue } from "../schema_issue.ts";
import { readTextFile } from "../text_file.ts";
import { formatPath } from "../yaml_document.ts";
import { type Measurement, measurementOf, ROW_SCHEMA, UNIT_FACTORS } from "./measurement.ts";
import { wrongValue } from "./vocabulary.ts";

/** Name under which the shipped measurements can be given instead of a path. */
export const SHIPPED_MEASUREMENTS = "measurements";
const ROWS_MAX = 100_000;
/** `value` and `value_si` may differ by rounding, not by a factor. */
const UNIT_ROUNDING = 0.01;

/** The rows of all files, in order; an id may occur once in all of them. */
export function loadMeasurements(files: readonly string[]): Measurement[] {
  const rows: Measurement[] = [];
  const fileOf = new Map<string, string>();
  for (const name of files) {
    const file = pathOf(name);
    const text = readTextFile(file, "measurement file");
    const read = parseMeasurements(file, text);
    read.forEach(({ id }, index) => {
      const other = fileOf.get(id);
      if (other !== undefined) throw duplicate(file, text, index, id, `it is in ${other} as well`);
    });
    for (const row of read) fileOf.set(row.id, file);
    rows.push(...read);
  }
  return rows;
}

function pathOf(name: string): string {
  return name === SHIPPED_MEASUREMENTS && !existsSync(name) ? packagePath("data", "measurements.json") : name;
}

/** The rows of JSON text; `file` names it in errors. */
export function parseMeasurements(file: string, text: string): Measurement[] {
  const document = parseJson(file, text);
  const source: Source = { file, text };
  if (!Array.isArray(document)) throw invalid(source, [], { what: "a measurement file is a list of rows" });
  if (document.length === 0 || document.length > ROWS_MAX) {
    throw invalid(source, [], { what: `a measurement file has 1 to ${ROWS_MAX} rows`, value: document.length });
  }
  const rows = document.map((row: unknown, index) => readRow(source, row, index));
  checkIds(source, rows);
  return rows;
}

interface Source {
  readonly file: string;
  readonly text: string;
}

interface Complaint {
  readonly what: string;
  readonly value?: unknown;
  readonly limit?: string;
  readonly remedy?: string;
}

function invalid({ file, text }: Source, path: DocumentPath, complaint: Complaint): DmasimError {
  return new DmasimError({
    code: "DMASIM_MEASUREMENTS_INVALID",
    remedy: "see data/VOCABULARY.md for the fields, keys and units of a row",
    ...complaint,
    at: { file, ...locateValue(text, path) },
    ...(path.length === 0 ? {} : { path: formatPath(path) }),
  });
}

function parseJson(file: string, text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw new DmasimError({
      code: "DMASIM_JSON_SYNTAX",
      what: "this file is not JSON from here on",
      remedy: "mend the syntax at this place",
      at: { file, ...(syntaxError(text) ?? { line: 1 }) },
    });
  }
}

function readRow(source: Source, value: unknown, index: number): Measurement {
  const parsed = ROW_SCHEMA.safeParse(value);
  if (!parsed.success) {
    const { path, what, value: got, limit, remedy } = reportIssue(ROW_SCHEMA, parsed.error.issues, value);
    const complaint = { what: `${nameOf(value)}: ${what}`, remedy, ...(limit === undefined ? {} : { limit }) };
    throw invalid(source, [index, ...path], got === undefined ? complaint : { ...complaint, value: got });
  }
  const row = measurementOf(parsed.data);
  checkKeys(source, row, index);
  checkUnit(source, row, parsed.data, index);
  return row;
}

function nameOf(row: unknown): string {
  const id = typeof row === "object" && row !== null ? Reflect.get(row, "id") : undefined;
  return typeof id === "string" && id !== "" ? `row ${id}` : "a row without id";
}

function checkKeys(source: Source, row: Measurement, index: number): void {
  const problem = wrongValue(row.system, row.workload);
  if (problem === null) return;
  const { part, key, what, value, limit } = problem;
  throw invalid(source, [index, part, key], { what: `row ${row.id}: ${what}`, value, limit });
}

function checkUnit(
  source: Source,
  row: Measurement,
  { unit, value }: { readonly unit: string; readonly value: number },
  index: number,
): void {
  const known = UNIT_FACTORS[unit];
  if (known === undefined) return;
  const expected = value * known.factor;
  const off = Math.abs(row.measuredSi - expected) > UNIT_ROUNDING * Math.abs(expected);
  if (!off && row.unitSi === known.unitSi) return;
  const what = `row ${row.id}: value_si and unit_si are not what value and unit say`;
  throw invalid(source, [index, "value_si"], {
    what,
    value: row.measuredSi,
    limit: `${value} ${unit} = ${expected} ${known.unitSi}`,
  });
}

/** Ids occur once; a baseline is another row of the file that stands for itself or has a baseline of its own. */
function checkIds(source: Source, rows: readonly Measurement[]): void {
  const byId = new Map<string, Measurement>();
  rows.forEach((row, index) => {
    const first = byId.get(row.id);
    if (first !== undefined) {
      throw duplicate(source.file, source.text, index, row.id, `row ${rows.indexOf(first)} has it`);
    }
    byId.set(row.id, row);
  });
  rows.forEach((row, index) => {
    if (row.relativeTo === null) return;
    const baseline = byId.get(row.relativeTo);
    const at: DocumentPath = [index, "relative_to"];
    const problem = baselineProblem(row, baseline);
    if (problem !== null) throw invalid(source, at, { what: `row ${row.id}: ${problem}`, value: row.relativeTo });
  });
}

function baselineProblem(row: Measurement, baseline: Measurement | undefined): string | null {
  if (baseline === undefined) return "no row has this id";
  if (baseline === row) return "a row is not its own baseline";
  if (baseline.unitSi !== row.unitSi) return `the baseline is in ${baseline.unitSi}, this row in ${row.unitSi}`;
  return baseline.measuredSi === 0 ? "the baseline's value is 0" : null;
}

function duplicate(file: string, text: string, index: number, id: string, where: string): DmasimError {
  const what = `row ${id}: this id is taken; ${where}`;
  return invalid({ file, text }, [index, "id"], { what, remedy: "give each row an id of its own" });
}
