import { describe, expect, it } from "vitest";
import { DIR } from "#dmasim/host/dma/device.js";
import type { StressOp } from "#dmasim/sim/stress/operation.js";
import { shrinkOperations } from "#dmasim/sim/stress/shrink.js";

function operation(id: number): StressOp {
  const pieces = [0, 1, 2, 3].map((i) => ({ area: 0, offset: 64 + i * 65536, bytes: 20_000 }));
  return {
    id,
    device: 0,
    path: 1,
    call: "sg",
    dir: DIR.toDevice,
    attrs: 2,
    cpu: 0,
    pieces,
    reuse: true,
    hold: 3,
    fault: null,
  };
}

const LIST = Array.from({ length: 1000 }, (_, id) => operation(id));
const never = () => false;

describe("shrinking", () => {
  it("keeps the two operations that matter and makes them simple", () => {
    const fails = (list: readonly StressOp[]) => [700, 950].every((id) => list.some((op) => op.id === id));
    const shrunk = shrinkOperations(LIST, fails, 500, never);
    expect(shrunk?.operations.map(({ id }) => id)).toEqual([700, 950]);
    for (const op of shrunk?.operations ?? []) {
      expect(op).toMatchObject({ attrs: 0, reuse: false });
      expect(op.pieces).toEqual([{ area: 0, offset: 64, bytes: 4096 }]);
    }
  });

  it("keeps what the finding needs", () => {
    const fails = (list: readonly StressOp[]) => list.some((op) => op.id === 3 && op.pieces.length > 1 && op.reuse);
    const shrunk = shrinkOperations(LIST, fails, 500, never);
    expect(shrunk?.operations).toHaveLength(1);
    expect(shrunk?.operations[0]).toMatchObject({ id: 3, reuse: true, attrs: 0 });
    expect(shrunk?.operations[0]?.pieces).toHaveLength(2);
  });

  it("says so when the list does not fail by itself", () => {
    expect(shrinkOperations(LIST, never, 500, never)).toBeNull();
  });

  it("stops at its limits", () => {
    let tries = 0;
    const fails = (list: readonly StressOp[]) => {
      tries += 1;
      return list.some(({ id }) => id === 999);
    };
    expect(shrinkOperations(LIST, fails, 3, never)?.tries).toBe(tries);
    expect(tries).toBeLessThanOrEqual(4);
  });
});
