/** The shipped kernel cases against the code that simulates, and the runner's own promises. */
import { describe, expect, it } from "vitest";
import { type KernelCase, loadCases, SHIPPED_CASES } from "#dmasim/sim/check/case_file.js";
import { SIM_OPS } from "#dmasim/sim/check/ops.js";
import { type CaseResult, runCases } from "#dmasim/sim/check/runner.js";
import { TRACE_OPS } from "#dmasim/trace/check_ops.js";

const OPS = { ...SIM_OPS, ...TRACE_OPS };
const cases = loadCases(SHIPPED_CASES);

function runOne(each: KernelCase): CaseResult {
  return runCases([each], OPS).cases[0] as CaseResult;
}

/** The same case with another expectation. */
function tampered(value: unknown): unknown {
  if (typeof value === "number") return value + 1;
  if (typeof value === "string")
    return /^0x/.test(value) ? `0x${(Number(value) + 4096).toString(16)}` : `other ${value}`;
  if (typeof value === "boolean") return !value;
  if (Array.isArray(value)) return [...value, 0];
  if (value === null) return 7;
  return Object.fromEntries(Object.entries(value as object).map(([key, field]) => [key, tampered(field)]));
}

describe("Linux cases", () => {
  it.each(cases.map((each) => [each.id, each.op, each] as const))("%s %s", (_id, _op, each) => {
    expect(runOne(each)).toEqual({ id: each.id, area: each.area, op: each.op, status: "passed" });
  });

  it("no field of an expectation goes uncompared", () => {
    for (const each of cases) {
      for (const [key, value] of Object.entries(each.expect)) {
        if (key === "note") continue;
        const { status, diff } = runOne({ ...each, expect: { [key]: tampered(value) } });
        expect([each.id, key, status]).toEqual([each.id, key, "failed"]);
        expect(diff?.length, each.id).toBeGreaterThan(0);
      }
    }
  });

  it("no case fails for fields that are left out, but for want of what the answer needs", () => {
    for (const each of cases) {
      for (const key of Object.keys(each.given).filter((name) => name !== "op")) {
        const { [key]: _left, ...given } = each.given;
        const { status, reason } = runOne({ ...each, given });
        expect(["passed", "failed", "unsupported"]).toContain(status);
        if (reason !== undefined)
          expect(reason, `${each.id} without ${key}`).not.toMatch(/undefined|NaN|not a function/);
      }
    }
  });
});

describe("the runner", () => {
  const given = { op: "limit_nareas", nslots: 512, nareas: [4, 8] };
  const base: KernelCase = {
    id: "x",
    area: "swiotlb",
    op: "limit_nareas",
    given,
    expect: { areas: [4, 4] },
    source: "",
  };

  it("calls an unknown op unsupported", () => {
    for (const op of ["teleport", "toString", "__proto__"]) {
      expect(runOne({ ...base, op })).toMatchObject({ status: "unsupported", reason: "unknown op" });
    }
  });

  it("says where an expectation differs", () => {
    expect(runOne({ ...base, expect: { areas: [4, 8] } })).toMatchObject({
      status: "failed",
      diff: [{ path: "areas[1]", expected: 8, actual: 4 }],
    });
    expect(runOne({ ...base, expect: { areas: [4] } }).diff).toEqual([
      { path: "areas.length", expected: 1, actual: 2 },
      { path: "areas[1]", expected: undefined, actual: 4 },
    ]);
  });

  it("calls a field that nothing computes unsupported, unless another one is wrong", () => {
    expect(runOne({ ...base, expect: { areas: [4, 4], colour: 1 } })).toMatchObject({
      status: "unsupported",
      reason: "not computed: colour",
    });
    expect(runOne({ ...base, expect: { areas: [4, 5], colour: 1 } }).status).toBe("failed");
  });

  it("turns an unreadable case into a failed one, and goes on", () => {
    const broken = { ...base, id: "broken", given: { op: "limit_nareas", nslots: "many", nareas: [1] } };
    const result = runCases([broken, base], OPS);
    expect(result).toMatchObject({ passed: 1, failed: 1, unsupported: 0 });
    expect(result.cases[0]?.reason).toBe("given.nslots is not a number");
  });

  it("gives every case fresh state", () => {
    const twice = cases.filter(({ area }) => area === "iova" || area === "swiotlb");
    const result = runCases([...twice, ...twice.toReversed()], OPS);
    expect(result.passed).toBe(twice.length * 2);
  });
});
