import { describe, expect, it } from "vitest";
import { planClones } from "#dmasim/sim/load/clones.js";
import { System } from "#dmasim/sim/system.js";
import { machineOf, profileOf } from "../../../support/run.js";

const LOAD = { seed: 1, assumeDirect: false, limitIos: null };
const DAX = "{ name: dax, rw: randwrite, bs: 2m, ioengine: dev-dax, filename: /dev/dax0.0 }";
const BUFFERS = "{ name: io, rw: randread, bs: 16k, iodepth: 8, size: 1g, target: pmem0 }";
const MIXED = "{ name: mixed, rw: randread, bs: 16k, iodepth: 8, size: 1g, sg: { pageless_share: 0.5 } }";

describe("persistent memory of a DAX job", () => {
  it("is no other job's buffer, whatever the order of the jobs", () => {
    for (const jobs of [
      [DAX, BUFFERS, MIXED],
      [MIXED, BUFFERS, DAX],
    ]) {
      const clones = planClones(new System(machineOf()), profileOf(...jobs), LOAD);
      const dax = clones.find((clone) => clone.dax !== null)?.dax;
      if (dax === null || dax === undefined) throw new Error("no DAX clone");
      for (const { buffers, job } of clones) {
        for (const base of [buffers?.base, buffers?.pagelessBase]) {
          const inside = base !== undefined && base >= dax.start && base < dax.start + dax.bytes;
          expect(inside, job.name).toBe(false);
        }
      }
    }
  });

  it("is copied from and to buffers in RAM", () => {
    const clones = planClones(new System(machineOf()), profileOf(DAX.replace("}", ", target: pmem0 }")), LOAD);
    expect(clones[0]?.dax?.region).toBe("pmem0");
    expect(clones[0]?.buffers?.base).toBeGreaterThan((clones[0]?.dax?.start ?? 0) + 2 ** 40 - 1);
  });
});
