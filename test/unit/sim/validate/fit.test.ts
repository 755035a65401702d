import { describe, expect, it } from "vitest";
import { fitConstants } from "#dmasim/sim/validate/fit.js";
import { calibrated } from "#dmasim/timing/calibration/constant.js";

const TABLE = {
  a: calibrated(10, "ns", "test", ["t"], [1, 100]),
  b: calibrated(0, "ratio", "test", ["t"], [-1, 1]),
};
const bowl = async (values: Readonly<Record<string, number>>) =>
  Math.abs(Math.log((values.a ?? 10) / 40)) + Math.abs((values.b ?? 0) - 0.5);

describe("calibration", () => {
  it("finds a minimum inside the ranges, the same on every run", async () => {
    const fit = await fitConstants(["a", "b"], TABLE, bowl, 200);
    expect(fit.loss).toBeLessThan(0.1);
    expect(fit.values.b).toBeCloseTo(0.5, 2);
    expect(await fitConstants(["a", "b"], TABLE, bowl, 200)).toEqual(fit);
  });

  it("stops at its bound and never leaves a range", async () => {
    const seen: number[] = [];
    const loss = async (values: Readonly<Record<string, number>>) => {
      seen.push(values.a ?? 10);
      return -(values.a ?? 10);
    };
    const fit = await fitConstants(["a"], TABLE, loss, 7);
    expect(fit.evaluations).toBe(7);
    expect(Math.max(...seen)).toBeLessThanOrEqual(100 * (1 + 1e-9));
    expect(fit.values.a).toBeCloseTo(100, 6);
  });
});
