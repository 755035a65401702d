import { beforeAll, describe, expect, it } from "vitest";
import { PATH } from "#dmasim/base/cost.js";
import { DIR } from "#dmasim/host/dma/device.js";
import { chooseMachine, resolveChoice } from "#dmasim/sim/stress/machine.js";
import { CELL_BYTES, CELLS, isBig, opBytes, type StressOp, TRANSFER_BYTES_MAX } from "#dmasim/sim/stress/operation.js";
import { makePlace, type StressPlace } from "#dmasim/sim/stress/place.js";
import { ShapeSource } from "#dmasim/sim/stress/shape.js";

const COUNT = 40_000;
let place: StressPlace;
let operations: readonly StressOp[];

function source(seed: number, worker = 0): ShapeSource {
  const { system, areas, targets } = place;
  const cpus = system.machine.cpus.count;
  return new ShapeSource({ seed, round: 0, worker, devices: system.devices, areas, targets, cpus, faults: [] });
}

function draw(from: ShapeSource, count: number): StressOp[] {
  return Array.from({ length: count }, () => from.next());
}

beforeAll(() => {
  place = makePlace(resolveChoice(chooseMachine(1, 0)), 2);
  operations = draw(source(1), COUNT);
});

describe("operations of a stress run", () => {
  it("follow from seed and worker", () => {
    expect(draw(source(5), 100)).toEqual(draw(source(5), 100));
    expect(draw(source(5, 1), 100)).not.toEqual(draw(source(5), 100));
  });

  it("have a median near 4 KiB, a mean of at least 8 KiB, and reach 64 MiB", () => {
    const sizes = operations.map(opBytes).sort((a, b) => a - b);
    expect(sizes[COUNT / 2]).toBeGreaterThan(2048);
    expect(sizes[COUNT / 2]).toBeLessThan(8192);
    expect(sizes.reduce((sum, bytes) => sum + bytes, 0) / COUNT).toBeGreaterThan(8192);
    expect(sizes[0]).toBe(1);
    expect(Math.max(...sizes)).toBeGreaterThan(2 ** 22);
    expect(Math.max(...sizes)).toBeLessThanOrEqual(TRANSFER_BYTES_MAX);
  });

  it("use every path equally, and every direction", () => {
    for (const path of [PATH.direct, PATH.iommu, PATH.bounce, PATH.p2p]) {
      const share = operations.filter((op) => op.path === path).length / COUNT;
      expect(share).toBeGreaterThan(0.2);
      expect(share).toBeLessThan(0.3);
    }
    for (const dir of [DIR.toDevice, DIR.fromDevice, DIR.bidirectional])
      expect(operations.filter((op) => op.dir === dir).length / COUNT).toBeGreaterThan(0.3);
  });

  it("stay inside their cell, and no two pieces begin in one cache line", () => {
    for (const op of operations) {
      const limit = isBig(op) ? 2 * TRANSFER_BYTES_MAX : CELL_BYTES;
      const lines = op.pieces.map(({ area, offset }) => `${area}:${Math.floor(offset / 64)}`);
      expect(new Set(lines).size).toBe(lines.length);
      for (const { offset, bytes } of op.pieces) expect(offset >= 64 && offset + bytes + 16 <= limit).toBe(true);
      expect(op.hold).toBeLessThan(CELLS - 1);
    }
  });

  it("mix areas, with and without struct pages", () => {
    const mixed = operations.filter((op) => new Set(op.pieces.map(({ area }) => area)).size > 1);
    expect(mixed.length).toBeGreaterThan(COUNT / 50);
    const pageless = operations.filter((op) => op.pieces.some(({ area }) => place.areas[area]?.hasPages === false));
    expect(pageless.length).toBeGreaterThan(COUNT / 50);
  });
});
