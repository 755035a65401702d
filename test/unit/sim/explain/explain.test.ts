import { describe, expect, it } from "vitest";
import { explainRun } from "#dmasim/sim/explain/explain.js";
import type { ExplainedIo, Explanation, StageName } from "#dmasim/sim/explain/result.js";
import { runProfile } from "#dmasim/sim/run.js";
import { hashOf, optionsOf, profileOf, type RunChanges } from "../../../support/run.js";

/** One load a path: its job, what it changes, and stages that it must show. */
const LOADS: Readonly<Record<string, readonly [job: string, changes: RunChanges, stages: readonly StageName[]]>> = {
  "strict reads": [
    "{ name: a, rw: randread, bs: 4k, iodepth: 8, numjobs: 4, io_size: 1m, size: 1m }",
    {},
    ["map", "submit", "doorbell", "fetch", "media", "link", "root complex", "completion", "unmap"],
  ],
  "writes of several commands": [
    "{ name: a, rw: write, bs: 512k, iodepth: 4, io_size: 16m, size: 16m }",
    {},
    ["submit", "map", "link", "media", "completion", "unmap"],
  ],
  "no IOMMU": [
    "{ name: a, rw: randread, bs: 4k, io_size: 256k, size: 1m }",
    { set: { "iommu.mode": "off" } },
    ["link"],
  ],
  "lists without pages": [
    "{ name: a, rw: rw, bs: 16k, iodepth: 8, io_size: 2m, size: 2m, target: pmem0 }",
    {},
    ["map", "link"],
  ],
  bounced: [
    "{ name: a, rw: read, bs: 16k, iodepth: 4, io_size: 1m, size: 1m, device: vda }",
    { machine: "confidential-vm" },
    ["bounce"],
  ],
  copies: ["{ name: a, rw: copy, bs: 64k, iodepth: 8, io_size: 4m, size: 4m, device: ioat0 }", {}, ["memory"]],
  paced: [
    "{ name: a, rw: randread, bs: 4k, iodepth: 2, rate_iops: 100000, io_submit_mode: offload, io_size: 512k, size: 1m }",
    {},
    ["media"],
  ],
};

async function explain(job: string, changes: RunChanges): Promise<Explanation> {
  const found = await explainRun(optionsOf(profileOf(job), changes), null);
  if (found === null) throw new Error("nothing stopped it");
  return found;
}

function sumOf(io: ExplainedIo, parts: readonly { wait_ns: number; service_ns: number }[]): number {
  const sum = parts.reduce((all, part) => all + part.wait_ns + part.service_ns, 0);
  return Math.abs(sum - io.latency_ns);
}

describe("explain", () => {
  it.each(Object.entries(LOADS))("%s: steps follow one another and sum to the latency", async (_name, load) => {
    const [job, changes, stages] = load;
    const { transfers } = await explain(job, changes);
    expect(transfers.map(({ which }) => which)).toEqual(["median", "p99"]);
    for (const io of transfers) {
      expect(sumOf(io, io.steps)).toBeLessThan(1e-3);
      expect(sumOf(io, io.stages)).toBeLessThan(1e-3);
      expect(Math.abs(io.wait_ns + io.service_ns - io.latency_ns)).toBeLessThan(1e-3);
      let endNs = 0;
      for (const step of io.steps) {
        expect(Math.abs(step.start_ns - endNs)).toBeLessThan(1e-3);
        expect(Math.min(step.wait_ns, step.service_ns)).toBeGreaterThanOrEqual(0);
        endNs = step.start_ns + step.wait_ns + step.service_ns;
      }
    }
    const shown = transfers.flatMap((io) => io.stages.map(({ stage }) => stage));
    for (const stage of stages) expect(shown).toContain(stage);
  });

  it("the I/Os are the percentiles of the run, and following them changes nothing", async () => {
    const job = "{ name: a, rw: randread, bs: 4k, iodepth: 16, numjobs: 2, io_size: 2m, size: 4m }";
    const { run, transfers, ios } = await explain(job, {});
    const plain = await runProfile(optionsOf(profileOf(job), { payload: false, verify: false }));
    expect(hashOf(run)).toBe(hashOf(plain));
    const { percentile } = plain.jobs[0]?.read.clat_ns ?? { percentile: {} };
    expect(ios).toBe(plain.jobs[0]?.read.total_ios);
    // The histogram keeps three digits.
    expect(Math.abs((transfers[0]?.latency_ns ?? 0) / (percentile["50.000000"] ?? 1) - 1)).toBeLessThan(0.002);
    expect(Math.abs((transfers[1]?.latency_ns ?? 0) / (percentile["99.000000"] ?? 1) - 1)).toBeLessThan(0.002);
  });

  it("says the same twice", async () => {
    const [job, changes] = LOADS["strict reads"] ?? ["", {}];
    const [one, two] = [await explain(job, changes), await explain(job, changes)];
    expect(two.transfers).toEqual(one.transfers);
  });

  it("an unknown job is wrong use, and so is a job without I/O", async () => {
    const options = optionsOf(profileOf("{ name: reader, rw: read, bs: 4k, io_size: 4k, size: 1m }"));
    await expect(explainRun(options, "readr")).rejects.toThrow('did you mean "reader"?');
  });

  it("an abort leaves nothing", async () => {
    const options = optionsOf(profileOf("{ name: a, rw: read, bs: 4k, io_size: 4m, size: 4m }"));
    const found = await explainRun({ ...options, signal: AbortSignal.abort() }, null);
    expect([found.partial, found.ios, found.transfers, found.run.partial]).toEqual([true, 0, [], true]);
  });
});
