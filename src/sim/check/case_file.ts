/**
 * Case files: what Linux does with given input, one JSON object a case.
 *
 * ```
 * [{ "id": "iova-001", "area": "iova", "given": { "op": "iova_sequence", … }, "expect": { … }, "source": "…" }]
 * ```
 * Throws one located `DmasimError` for a file that is absent, too large, no JSON, or not of this form.
 */
import { existsSync, readFileSync, statSync } from "node:fs";
import { DmasimError, type SourceLocation } from "../../base/errors.ts";
import { packagePath } from "../../base/package_root.ts";
import type { DocumentPath } from "../override.ts";
import { formatPath } from "../yaml_document.ts";
import { type Fields, isFields } from "./given.ts";
import { locateValue, syntaxError } from "./json_locate.ts";

/** One case: `op` says which code answers, `given` is its input, `expect` what Linux does. */
export interface KernelCase {
  readonly id: string;
  readonly area: string;
  readonly op: string;
  readonly given: Fields;
  readonly expect: Fields;
  /** Where the expectation comes from; empty when the file does not say. */
  readonly source: string;
}

/** Name under which the shipped case file can be given instead of a path. */
export const SHIPPED_CASES = "linux-cases";
const FILE_BYTES_MAX = 32 * 2 ** 20;
const CASES_MAX = 100_000;

/** Path of the case file that ships with the package. */
export function shippedCaseFile(): string {
  return packagePath("data", "linux-cases.json");
}

/** The cases of a file, or of the shipped file when `file` is {@link SHIPPED_CASES} and no such file exists. */
export function loadCases(file: string): KernelCase[] {
  const path = file === SHIPPED_CASES && !existsSync(file) ? shippedCaseFile() : file;
  return parseCases(path, readCaseFile(path));
}

/** The cases of JSON text; `file` names it in errors. */
export function parseCases(file: string, text: string): KernelCase[] {
  const document = parseJson(file, text);
  const invalid = (path: DocumentPath, what: string, value?: unknown): DmasimError =>
    new DmasimError({
      code: "DMASIM_CASES_INVALID",
      what,
      remedy: "a case is {id, area, given: {op, ...}, expect: {...}, source}; see data/README.md",
      at: { file, ...locateValue(text, path) },
      ...(path.length === 0 ? {} : { path: formatPath(path) }),
      ...(value === undefined ? {} : { value }),
    });
  if (!Array.isArray(document)) throw invalid([], "a case file is a list of cases");
  if (document.length > CASES_MAX) throw invalid([], `a case file has at most ${CASES_MAX} cases`, document.length);
  return document.map((value, index) => readCase(value, index, invalid));
}

type Invalid = (path: DocumentPath, what: string, value?: unknown) => DmasimError;

function readCase(value: unknown, index: number, invalid: Invalid): KernelCase {
  if (!isFields(value)) throw invalid([index], "a case is an object");
  const { given, expect, source } = value;
  if (!isFields(given)) throw invalid([index, "given"], "a case needs an object `given`");
  if (!isFields(expect)) throw invalid([index, "expect"], "a case needs an object `expect`");
  return {
    id: nonEmpty(value.id, [index, "id"], invalid),
    area: nonEmpty(value.area, [index, "area"], invalid),
    op: nonEmpty(given.op, [index, "given", "op"], invalid),
    given,
    expect,
    source: typeof source === "string" ? source : "",
  };
}

function nonEmpty(value: unknown, path: DocumentPath, invalid: Invalid): string {
  if (typeof value === "string" && value !== "") return value;
  throw invalid(path, `a case needs text in \`${path.slice(1).join(".")}\``, value);
}

function parseJson(file: string, text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw fileError("DMASIM_JSON_SYNTAX", "this file is not JSON from here on", "mend the syntax at this place", {
      file,
      ...(syntaxError(text) ?? { line: 1 }),
    });
  }
}

function readCaseFile(file: string): string {
  const stat = statSync(file, { throwIfNoEntry: false });
  if (stat === undefined) {
    const remedy = `check the path, or run the shipped cases: dmasim check ${SHIPPED_CASES}`;
    throw fileError("DMASIM_FILE_ABSENT", "this case file does not exist", remedy, { file });
  }
  if (stat.isDirectory()) {
    throw fileError("DMASIM_FILE_TYPE", "this is a folder, not a case file", "give the path of a JSON file", { file });
  }
  if (stat.size > FILE_BYTES_MAX) {
    throw new DmasimError({
      code: "DMASIM_FILE_TOO_LARGE",
      what: "this case file is too large, bytes",
      value: stat.size,
      limit: `at most ${FILE_BYTES_MAX}`,
      remedy: "split it",
      at: { file },
    });
  }
  return decodeText(file);
}

function decodeText(file: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(readFileSync(file));
  } catch (error) {
    const reason = error instanceof TypeError ? "it is not UTF-8 text" : "it cannot be read";
    throw fileError("DMASIM_FILE_UNREADABLE", `no case file: ${reason}`, "give a JSON file that you may read", {
      file,
    });
  }
}

function fileError(code: string, what: string, remedy: string, at: SourceLocation): DmasimError {
  return new DmasimError({ code, what, remedy, at });
}
