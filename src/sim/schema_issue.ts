/** Turns the first issue of a failed zod parse into the parts of one user-facing error. */
import type { z } from "zod";
import { closestWord } from "../base/closest.ts";
import type { DocumentPath } from "./override.ts";
import { descriptionAt, keysAt } from "./schema_walk.ts";

type Issue = z.core.$ZodIssue;

/** What an issue says, before it is given a place in a file. */
export interface IssueReport {
  /** Path of the value; ends with the key itself when a key is unknown or missing. */
  readonly path: DocumentPath;
  readonly what: string;
  readonly value: unknown;
  readonly limit: string | undefined;
  readonly remedy: string;
}

/** What a `superRefine` or `refine` may put into `params` of its issue. */
export interface IssueParams {
  readonly limit?: string;
  readonly remedy?: string;
}

/** Reports the issue that a user should mend first; `plain` is the document that was parsed. */
export function reportIssue(schema: z.core.$ZodType, issues: readonly Issue[], plain: unknown): IssueReport {
  const issue = mostSpecific(issues);
  const documentPath = issue.path.map((part) => (typeof part === "symbol" ? String(part) : part));
  if (issue.code === "unrecognized_keys") return reportUnknownKey(schema, documentPath, issue.keys, plain);
  const value = valueAt(plain, documentPath);
  if (value === undefined) return reportMissing(schema, documentPath);
  return {
    path: documentPath,
    what: whatOf(issue),
    value,
    limit: limitOf(issue),
    remedy: remedyOf(issue, value) ?? meaningOf(schema, documentPath) ?? "see the schema: dmasim schema",
  };
}

function mostSpecific(issues: readonly Issue[]): Issue {
  const unknownKey = issues.find((issue) => issue.code === "unrecognized_keys");
  const issue = unknownKey ?? issues[0];
  if (issue === undefined) throw new RangeError("a failed parse has at least one issue");
  return issue.code === "invalid_union" ? insideUnion(issue) : issue;
}

/** A union reports every branch; the branch that got deepest, then with the fewest issues, is the one that was meant. */
function insideUnion(union: z.core.$ZodIssueInvalidUnion): Issue {
  const branches = union.errors.filter((branch) => branch.length > 0);
  const depth = (branch: readonly Issue[]) => Math.max(...branch.map((issue) => issue.path.length));
  const deepest = [...branches].sort((a, b) => depth(b) - depth(a) || a.length - b.length)[0];
  const meant = deepest === undefined || depth(deepest) === 0 ? rangeBranch(branches) : deepest;
  if (meant === undefined) return union;
  const inner = mostSpecific(meant);
  return { ...inner, path: [...union.path, ...inner.path] };
}

/** Among branches that all fail at the value itself, one whose type fitted (only its range or form did not). */
function rangeBranch(branches: readonly (readonly Issue[])[]): readonly Issue[] | undefined {
  return branches.find((branch) =>
    branch.every((issue) => issue.code !== "invalid_type" && issue.code !== "invalid_value"),
  );
}

function reportUnknownKey(
  schema: z.core.$ZodType,
  parent: DocumentPath,
  keys: readonly string[],
  plain: unknown,
): IssueReport {
  const key = keys[0] ?? "";
  const known = keysAt(schema, parent);
  const closest = closestWord(key, known);
  const list = known.length === 0 ? "remove it" : `known keys here: ${[...new Set(known)].join(", ")}`;
  return {
    path: [...parent, key],
    what: `unknown key "${key}"`,
    value: valueAt(plain, [...parent, key]),
    limit: undefined,
    remedy: closest === undefined ? list : `did you mean "${closest}"?`,
  };
}

function reportMissing(schema: z.core.$ZodType, path: DocumentPath): IssueReport {
  const key = String(path.at(-1) ?? "document");
  const meaning = descriptionAt(schema, path);
  const remedy = meaning === undefined ? `add ${key}:` : `add ${key}: (${meaning})`;
  return {
    path,
    what: `missing key "${key}"`,
    value: undefined,
    limit: undefined,
    remedy,
  };
}

const TYPE_WORDS: Readonly<Record<string, string>> = {
  object: "a map",
  array: "a list",
  record: "a map",
  int: "a whole number",
  number: "a finite number",
  boolean: "true or false",
  string: "text",
  tuple: "a list",
  null: "null",
};

function whatOf(issue: Issue): string {
  if (issue.code === "invalid_type") return `expected ${TYPE_WORDS[issue.expected] ?? issue.expected}`;
  if (issue.code === "invalid_value") return "not one of the allowed values";
  if (issue.code === "invalid_union") return "not of an allowed form";
  if (issue.code === "too_small") return issue.origin === "array" ? "too few elements" : "too small";
  if (issue.code === "too_big") return issue.origin === "array" ? "too many elements" : "too large";
  return issue.message;
}

function limitOf(issue: Issue): string | undefined {
  if (issue.code === "custom") return paramsOf(issue).limit;
  if (issue.code === "too_small") return `${issue.inclusive === false ? "more than" : "at least"} ${issue.minimum}`;
  if (issue.code === "too_big") return `${issue.inclusive === false ? "less than" : "at most"} ${issue.maximum}`;
  if (issue.code === "invalid_value") return `allowed: ${issue.values.map(String).join(", ")}`;
  if (issue.code === "not_multiple_of") return `a multiple of ${issue.divisor}`;
  return undefined;
}

function remedyOf(issue: Issue, value: unknown): string | undefined {
  if (issue.code === "custom") return paramsOf(issue).remedy;
  if (issue.code !== "invalid_value" || typeof value !== "string") return undefined;
  const closest = closestWord(value, issue.values.map(String));
  return closest === undefined ? undefined : `did you mean "${closest}"?`;
}

function paramsOf(issue: z.core.$ZodIssueCustom): IssueParams {
  return (issue.params ?? {}) as IssueParams;
}

function meaningOf(schema: z.core.$ZodType, path: DocumentPath): string | undefined {
  const meaning = descriptionAt(schema, path);
  return meaning === undefined ? undefined : `${String(path.at(-1))}: ${meaning}`;
}

/** The plain value at a path; undefined where the path leaves the document. */
function valueAt(plain: unknown, path: DocumentPath): unknown {
  let value: unknown = plain;
  for (const segment of path) {
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, segment)) return undefined;
    value = Reflect.get(value, segment);
  }
  return value;
}
