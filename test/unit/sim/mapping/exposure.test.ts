import { describe, expect, it } from "vitest";
import { subtract, union } from "#dmasim/sim/mapping/exposure.js";

const spans = (...pairs: readonly (readonly [number, number])[]) => pairs.map(([start, end]) => ({ start, end }));

describe("spans of memory", () => {
  it("union joins what touches or overlaps, in any order", () => {
    expect(union(spans([8, 12], [0, 4], [4, 6], [5, 7]))).toEqual(spans([0, 7], [8, 12]));
    expect(union([])).toEqual([]);
  });

  it("subtract leaves the gaps", () => {
    expect(subtract(spans([0, 10], [20, 30]), spans([2, 4], [8, 22], [25, 40]))).toEqual(
      spans([0, 2], [4, 8], [22, 25]),
    );
    expect(subtract(spans([0, 10]), [])).toEqual(spans([0, 10]));
    expect(subtract(spans([5, 6]), spans([0, 10]))).toEqual([]);
  });

  it("agrees with a byte by byte count", () => {
    let seed = 1;
    const next = (below: number) => {
      seed = (seed * 48271) % 2147483647;
      return seed % below;
    };
    for (let round = 0; round < 200; round += 1) {
      const draw = () =>
        union(Array.from({ length: 6 }, () => next(60)).map((at) => ({ start: at, end: at + 1 + next(9) })));
      const [from, minus] = [draw(), draw()];
      const holds = (list: readonly { start: number; end: number }[], at: number) =>
        list.some(({ start, end }) => at >= start && at < end);
      const left = subtract(from, minus);
      for (let at = 0; at < 80; at += 1) expect(holds(left, at)).toBe(holds(from, at) && !holds(minus, at));
    }
  });
});
