/** What real kernels decided on peer-to-peer DMA comes out of the model for the same machine. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { packagePath } from "#dmasim/base/package_root.js";
import type { Machine } from "#dmasim/sim/machine/description.js";
import { resolveMachine } from "#dmasim/sim/machine/load.js";
import { System } from "#dmasim/sim/system.js";
import { pairView, peerBar } from "#dmasim/sim/topology/pairs.js";
import { compareWays, type WaysView } from "#dmasim/sim/topology/ways.js";
import { withFolder } from "../support/run.ts";

interface Case {
  readonly id: string;
  readonly source: string;
  readonly machine: object;
  readonly observed: {
    readonly map_type: string;
    readonly distance: number;
    readonly bar_offset: number;
    readonly dma_addr?: number;
    readonly map_events: number;
    readonly errno: number;
    readonly log?: string;
  };
}

const { cases } = JSON.parse(readFileSync(packagePath("data", "p2p-decisions.json"), "utf8")) as { cases: Case[] };
const [OWNER, PEER] = [0, 1];

function load(machine: object): Promise<Machine> {
  return withFolder({}, (folder) => {
    const file = join(folder, "machine.yaml");
    writeFileSync(file, JSON.stringify(machine));
    return resolveMachine(file);
  });
}

function ways(system: System, offset: number): WaysView {
  const bar = peerBar(system.machine.devices[OWNER] as Machine["devices"][number]);
  if (bar === null) throw new Error("the owner has a BAR");
  return compareWays(system, PEER, OWNER, bar, offset, 4096);
}

describe.each(cases)("$id", ({ machine, observed }) => {
  it("the decision and the kernel's words", async () => {
    const pair = pairView(new System(await load(machine)), PEER, OWNER);
    expect(pair).toMatchObject({ mapType: observed.map_type, distance: observed.distance });
    if (observed.log !== undefined) expect(pair.kernelLines).toContain(observed.log);
  });

  it("the address, or the error of the block layer", async () => {
    const system = new System(await load(machine));
    const view = ways(system, observed.bar_offset);
    if (observed.dma_addr === undefined) {
      // The block layer makes BLK_STS_INVAL of it; dma_buf_phys_vec_to_sgt has the same errno.
      expect(view.ways.map(({ dmaAddr }) => dmaAddr)).toEqual([null, null, null]);
      expect(view.ways[2]?.refusal?.errnoName).toBe("EINVAL");
      return;
    }
    if (observed.map_events === 0) {
      expect(view.ways.map(({ dmaAddr }) => dmaAddr)).toEqual(Array(3).fill(observed.dma_addr));
      expect(view.ways.every(({ space }) => space === "bus address")).toBe(true);
      return;
    }
    // An IOVA below 4 GiB mapped to the BAR; which one depends on what was mapped before.
    expect(view.ways.map(({ space }) => space)).toEqual(["IOVA", "IOVA", "IOVA"]);
    for (const { dmaAddr } of view.ways) expect(dmaAddr).toBeLessThan(2 ** 32);
  });
});
