import { describe, expect, it } from "vitest";
import { scoreRow, toleranceOf } from "#dmasim/sim/validate/score.js";
import { mean, median } from "#dmasim/sim/validate/summary.js";

const row = (changes = {}) => ({ statistic: "mean", measuredSi: 100, resolutionSi: 0, toleranceRel: 0.1, ...changes });

describe("the error of a row", () => {
  it("is the difference over the measured value, with a sign of its own", () => {
    const low = scoreRow(row(), 85, null);
    expect(low.error).toBeCloseTo(0.15);
    expect(low.signedError).toBeCloseTo(-0.15);
    expect([low.within, low.withinTwice]).toEqual([false, true]);
    expect(scoreRow(row({ measuredSi: -100 }), -90, null).error).toBeCloseTo(0.1);
  });

  it("is none below the resolution, and shrinks by it", () => {
    expect(scoreRow(row({ resolutionSi: 5 }), 104, null)).toMatchObject({ error: 0, signedError: 0 });
    expect(scoreRow(row({ resolutionSi: 5 }), 112, null).error).toBeCloseTo(0.07);
  });

  it("counts only what lies beyond a bound", () => {
    expect(scoreRow(row({ statistic: "upper_bound" }), 3, null).error).toBe(0);
    expect(scoreRow(row({ statistic: "upper_bound" }), 130, null).error).toBeCloseTo(0.3);
    expect(scoreRow(row({ statistic: "lower_bound" }), 1e6, null).error).toBe(0);
    expect(scoreRow(row({ statistic: "lower_bound" }), 70, null).signedError).toBeCloseTo(-0.3);
  });

  it("of a row with a baseline compares the ratios", () => {
    const twice = scoreRow(row({ resolutionSi: 10 }), 20, { measuredSi: 50, predictedSi: 10 });
    expect(twice.error).toBe(0);
    const off = scoreRow(row(), 33, { measuredSi: 50, predictedSi: 10 });
    expect(off.error).toBeCloseTo(0.65);
    expect(Number.isFinite(scoreRow(row(), 33, { measuredSi: 50, predictedSi: 0 }).error)).toBe(true);
  });

  it("where 0 was measured is the difference itself", () => {
    expect(scoreRow(row({ measuredSi: 0 }), 0.02, null)).toMatchObject({ error: 0.02, within: true });
  });

  it("tolerances are at least 5 %, and 10 % where none is stated", () => {
    expect([toleranceOf(0.01), toleranceOf(0.2), toleranceOf(null)]).toEqual([0.05, 0.2, 0.1]);
  });

  it("means and medians of nothing are null", () => {
    expect([mean([]), median([]), median([3, 1]), median([9, 1, 2])]).toEqual([null, null, 2, 2]);
  });
});
