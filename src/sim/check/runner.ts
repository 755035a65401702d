/**
 * Runs kernel cases against the code that simulates: every adapter calls what a run calls, none computes an answer itself.
 */
import type { Defects, Era } from "../../base/era.ts";
import { type KernelCase, loadCases, shippedCaseFile } from "./case_file.ts";
import { type Difference, differences } from "./compare.ts";
import { type Fields, Given, Unsupported } from "./given.ts";
import { CaseState } from "./state.ts";

/** Answers one case in the words of its expectation; `expect` only says which optional fields are wanted. */
export type CaseOp = (given: Given, state: CaseState, expect: Fields) => Fields;

/** Adapters by `op`. */
export type OpTable = Readonly<Record<string, CaseOp>>;

/** Outcome of one case. */
export interface CaseResult {
  readonly id: string;
  readonly area: string;
  readonly op: string;
  readonly status: "passed" | "failed" | "unsupported";
  /** Of a failed case. */
  readonly diff?: readonly Difference[];
  /** Of an unsupported case, or of one whose adapter gave up. */
  readonly reason?: string;
}

/** Outcome of a run over cases: the JSON of `dmasim check`. */
export interface CheckResult {
  readonly passed: number;
  readonly failed: number;
  readonly unsupported: number;
  readonly cases: readonly CaseResult[];
}

/** Runs every case on state of its own; no case can end the run. */
export function runCases(cases: readonly KernelCase[], ops: OpTable): CheckResult {
  const find = caseFinder(cases);
  const results = cases.map((each) => runCase(each, ops, find));
  const count = (status: CaseResult["status"]) => results.filter((each) => each.status === status).length;
  return {
    passed: count("passed"),
    failed: count("failed"),
    unsupported: count("unsupported"),
    cases: results,
  };
}

function runCase(each: KernelCase, ops: OpTable, find: (id: string) => KernelCase | undefined): CaseResult {
  const named = { id: each.id, area: each.area, op: each.op };
  const run = Object.hasOwn(ops, each.op) ? ops[each.op] : undefined;
  if (run === undefined) return { ...named, status: "unsupported", reason: "unknown op" };
  try {
    const state = new CaseState(eraOf(each), defectsOf(each), find);
    return { ...named, ...judge(each.expect, run(new Given(each.given), state, each.expect)) };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    if (error instanceof Unsupported) return { ...named, status: "unsupported", reason };
    return { ...named, status: "failed", reason, diff: [{ path: "", expected: each.expect, actual: reason }] };
  }
}

/** A field that the code does not compute makes a case unsupported, unless another field is wrong. */
function judge(expect: Fields, answer: Fields): Pick<CaseResult, "status" | "diff" | "reason"> {
  const diff = differences(expect, answer);
  if (diff.length === 0) return { status: "passed" };
  const unknown = Object.keys(expect).filter((key) => !Object.hasOwn(answer, key));
  if (diff.some(({ path }) => !unknown.includes(path))) return { status: "failed", diff };
  return { status: "unsupported", reason: `not computed: ${unknown.join(", ")}` };
}

const ERAS: Readonly<Record<string, Era>> = { "4.1": "4.1", "6.1": "6.1", "6.12": "6.12", "7.0": "7.x", "7.x": "7.x" };
const ERAS_FALLING: readonly Era[] = ["7.x", "6.12", "6.1", "4.1"];

/** The era that the case names, else the newest that its source names, else the newest of all. */
function eraOf(each: KernelCase): Era {
  const named = ERAS[String(each.given.era ?? each.given.version ?? "")];
  if (named !== undefined) return named;
  const sources = new Set(
    [...each.source.matchAll(/\b(4\.1|6\.12|6\.1|7\.0)\b/g)].map((match) => ERAS[match[1] ?? ""]),
  );
  return ERAS_FALLING.find((era) => sources.has(era)) ?? "7.x";
}

function defectsOf(each: KernelCase): Defects {
  return each.given.defects === "corrected" ? "corrected" : "shipped";
}

/** Looks in the same file first, then in the shipped one. */
function caseFinder(cases: readonly KernelCase[]): (id: string) => KernelCase | undefined {
  let shipped: readonly KernelCase[] | undefined;
  return (id) => {
    const here = cases.find((each) => each.id === id);
    if (here !== undefined) return here;
    shipped ??= loadCases(shippedCaseFile());
    return shipped.find((each) => each.id === id);
  };
}
