import { describe, expect, it } from "vitest";
import type { Confidence } from "#dmasim/sim/result.js";
import { bandOf, loadValidation } from "#dmasim/sim/validation_summary.js";
import { type RunChanges, runJobs } from "../../support/run.ts";

async function confidence(job: string, changes: RunChanges): Promise<Confidence> {
  return (await runJobs([job], { limitIos: 64, ...changes })).confidence;
}

function partNamed({ parts }: Confidence, name: string) {
  return parts.find(({ part }) => part === name);
}

const STREAM = "{ name: a, rw: write, bs: 64k, iodepth: 16, device: nfp0, map: persistent, size: 8m }";
const RANDOM = "{ name: a, rw: randread, bs: 4k, iodepth: 16, size: 8m }";

describe("confidence of a run", () => {
  it("is calibrated when every part was measured, with the widest band of them", async () => {
    const found = await confidence(STREAM, { machine: "haswell-nfp" });
    expect(found.level).toBe("calibrated");
    expect(found.parts.map(({ part }) => part)).toEqual(["PCIe", "VT-d walks", "nfp-6000"]);
    expect(found.band).toBe(Math.max(...found.parts.map(({ band }) => band ?? 0)));
    expect(partNamed(found, "VT-d walks")?.band).toBe(bandOf(loadValidation(), ["iommu", "iommu-latency"]));
  });

  it("leaves the IOMMU out of identity mapped runs", async () => {
    const found = await confidence(STREAM, { machine: "haswell-nfp", set: { "iommu.mode": "passthrough" } });
    expect(found.parts.map(({ part }) => part)).toEqual(["PCIe", "nfp-6000"]);
  });

  it("is extrapolated from relatives of the family, and from data sheets", async () => {
    const found = await confidence(RANDOM, {});
    expect(found).toMatchObject({ level: "extrapolated", band: null });
    expect(partNamed(found, "PCIe")).toMatchObject({ level: "extrapolated", why: "as haswell-ep" });
    expect(partNamed(found, "nvme")?.why).toBe("data-sheet figures");
    expect(partNamed(found, "VT-d strict maps")).toMatchObject({ level: "calibrated", topics: ["iommu-cost"] });
  });

  it("takes invalidation on Kunpeng as measured, its root complex as assumed", async () => {
    const found = await confidence(RANDOM, { machine: "kunpeng-920" });
    expect(partNamed(found, "SMMUv3 strict maps")).toMatchObject({ level: "calibrated", why: "" });
    expect(partNamed(found, "PCIe")).toMatchObject({ level: "extrapolated", band: null, why: "assumed" });
  });

  it("has no relatives' rows for another kind of IOMMU", async () => {
    const found = await confidence(RANDOM, { machine: "amd-epyc-2s", set: { "iommu.mode": "strict" } });
    expect(partNamed(found, "AMD-Vi walks")).toMatchObject({ band: null, why: "assumed" });
    expect(partNamed(found, "AMD-Vi strict maps")).toMatchObject({ band: null, why: "assumed" });
  });

  it("is a fabric ceiling when nothing is known of a device but its link", async () => {
    const set = { "devices.nvme0.service": "null" };
    expect(await confidence(RANDOM, { set })).toMatchObject({ level: "fabric ceiling", band: null });
  });

  it("says that DMA to persistent memory has rows of CPU accesses only", async () => {
    const job = "{ name: a, rw: read, bs: 4k, iodepth: 4, size: 1m, target: pmem0 }";
    expect(partNamed(await confidence(job, {}), "DMA to pmem")?.why).toBe("rows of CPU accesses only");
  });

  it("measures under the wall clock, and names no part", async () => {
    expect(await confidence(RANDOM, { clock: "wall" })).toEqual({
      level: "host",
      band: null,
      parts: [],
      not_modelled: [],
    });
  });
});
