/**
 * Who owns what decides throughput: a wrong owner fits one system and predicts another wrongly.
 *
 * Each test changes one thing and looks at the figure that the owner limits.
 */
import { describe, expect, it } from "vitest";
import { Prng } from "#dmasim/base/prng.js";
import { resolveProfile } from "#dmasim/sim/profile/load.js";
import type { RunResult } from "#dmasim/sim/result.js";
import { runProfile } from "#dmasim/sim/run.js";
import { predictDevice } from "#dmasim/sim/validate/predict_device.js";
import type { RowQuestion } from "#dmasim/sim/validate/row.js";
import { allConstants } from "#dmasim/timing/calibration/all.js";
import { Constants } from "#dmasim/timing/calibration/constant.js";
import { DeviceFunction } from "#dmasim/timing/fabric/function.js";
import { HostPort } from "#dmasim/timing/fabric/host_port.js";
import { functionShape, rootComplexShape, wayShape } from "#dmasim/timing/fabric/presets.js";
import { jobOf, machineOf, optionsOf, type RunChanges, runJobs } from "../support/run.ts";

const PREDICT = { payload: false, verify: false } as const;
/** Drives whose medium does not limit. */
const FAST = {
  "devices.nvme0.service.read_latency": "1us",
  "devices.nvme0.service.write_latency": "1us",
  "devices.nvme0.service.iops": 1e9,
  "devices.nvme0.service.read_rate": "1TB/s",
  "devices.nvme0.service.write_rate": "1TB/s",
  "devices.nvme0.service.parallelism": 4096,
} as const;

const LINK = { "devices.nvme0.link.gen": 4, "devices.nvme0.link.lanes": 4 } as const;

const iopsOf = (result: RunResult) => result.jobs.reduce((sum, job) => sum + job.read.iops + job.write.iops, 0);

async function iops(jobs: readonly string[], changes: RunChanges): Promise<number> {
  return iopsOf(await runJobs(jobs, { ...PREDICT, ...changes }));
}

describe("owners of shared resources", () => {
  it("twice the queues of a device add no tags", async () => {
    const set = { ...FAST, ...LINK, "iommu.mode": "passthrough", "devices.nvme0.link.ext_tags": false };
    const job =
      "{ name: a, device: nvme0, rw: randwrite, bs: 512, iodepth: 256, numjobs: 8, map: persistent, size: 64MiB, io_size: 2MiB }";
    const few = await iops([job], { set: { ...set, "devices.nvme0.queues": 4 } });
    const many = await iops([job], { set: { ...set, "devices.nvme0.queues": 8 } });
    expect(many / few).toBeGreaterThan(0.98);
    expect(many / few).toBeLessThan(1.02);
  });

  it("fewer tags do limit small reads", () => {
    const rate = (extTags: boolean) => {
      const question = smallReads(8192, 4096);
      const workload = { ...question.workload, path: "direct", cache: "warm" };
      const system = { ...question.system, device: "bench", lanes: 16, ext_tags: extTags };
      const prediction = predictDevice({ ...question, system, workload }, new Constants(allConstants()));
      return prediction.status === "ok" ? prediction.valueSi : Number.NaN;
    };
    expect(rate(true) / rate(false)).toBeGreaterThan(1.5);
  });

  it("two devices behind one IOMMU unit share its IOTLB", async () => {
    const job = (name: string, device: string) =>
      `{ name: ${name}, device: ${device}, rw: randread, bs: 4k, iodepth: 48, map: persistent, size: 16MiB, io_size: 8MiB }`;
    const missShare = async (jobs: readonly string[]) => {
      const { lookups = 1, misses = 0 } = (await runJobs(jobs, PREDICT)).counters.iotlb ?? {};
      return misses / lookups;
    };
    // 48 pages fit into 64 entries, twice as many do not.
    expect(await missShare([job("a", "nvme0")])).toBeLessThan(0.1);
    expect(await missShare([job("a", "nvme0"), job("b", "nvme1")])).toBeGreaterThan(0.2);
  });

  it("a slow device does not hold back a fast one behind the same root complex", async () => {
    const drive = "{ name: drive, device: nvme0, rw: randread, bs: 64k, iodepth: 8, size: 64MiB, io_size: 64MiB }";
    const card = "{ name: card, device: capture0, rw: read, bs: 64k, iodepth: 8, size: 8MiB, io_size: 2MiB }";
    const changes = { ...PREDICT, machine: "hotplug-server" };
    const alone = jobOf(await runJobs([drive], changes)).read.bw_bytes;
    const beside = jobOf(await runJobs([drive, card], changes)).read.bw_bytes;
    expect(beside / alone).toBeGreaterThan(0.95);
  });

  it("a 16 B completion beside a 1 MiB stream at Gen 4 x4 waits less than 2 us more at p99", () => {
    const constants = new Constants(allConstants());
    const link = { gen: 4, lanes: 4, mpsBytes: 256, mrrsBytes: 512 };
    const fn = new DeviceFunction(
      "nvme",
      functionShape(constants, "nvme", link, null),
      wayShape(constants, "skylake-sp", link, 0),
      new HostPort("rc", rootComplexShape(constants, "skylake-sp", link.gen)),
    );
    const target = { translatePs: 0, memoryPs: 0, peer: null, viaRoot: false, ownLinks: 0, peerLinks: 0 };
    const prng = new Prng(1);
    const idlePs = fn.controlWrite(0, 16, 1, target);
    const waits: number[] = [];
    let nowPs = 1e6;
    for (let quantum = 0; quantum < 20 * 2048; quantum += 1) {
      fn.write(nowPs, quantum * 512, 512, false, target);
      const freePs = Math.max(nowPs, fn.writeFreePs);
      if (prng.unit() < 0.05) waits.push(fn.controlWrite(freePs, 16, 1, target) - freePs - idlePs);
      nowPs = freePs;
    }
    waits.sort((a, b) => a - b);
    const p99Ps = waits[Math.floor(waits.length * 0.99)] as number;
    expect(p99Ps).toBeGreaterThan(0);
    expect(p99Ps).toBeLessThan(2e6);
  });
});

describe("what a hardware engineer expects", () => {
  it("strict mode of eight drives waits for one command queue, lazy comes close to passthrough", async () => {
    const run = (mode: string) =>
      runJobs(
        Array.from(
          { length: 8 },
          (_, drive) =>
            `{ name: d${drive}, device: nvme${drive}, rw: randread, bs: 4k, iodepth: 32, numjobs: 4, size: 1GiB, io_size: 8MiB }`,
        ),
        { ...PREDICT, machine: "arm-smmu-8nvme", set: { "iommu.mode": mode } },
      );
    const [passthrough, lazy, strict] = [await run("passthrough"), await run("lazy"), await run("strict")];
    expect(iopsOf(lazy) / iopsOf(passthrough)).toBeGreaterThan(0.7);
    expect(iopsOf(passthrough) / iopsOf(strict)).toBeGreaterThan(3);
    expect(strict.bottleneck?.resource).toMatch(/invalidation/);
  }, 60_000);

  it("latency of a random read at depth 1 is the medium's", async () => {
    const result = await runJobs(
      ["{ name: a, device: nvme2, rw: randread, bs: 4k, iodepth: 1, size: 1GiB, io_size: 4MiB }"],
      PREDICT,
    );
    const medianUs = (jobOf(result).read.clat_ns.percentile["50.000000"] ?? 0) / 1e3;
    expect(medianUs).toBeGreaterThan(72);
    expect(medianUs).toBeLessThan(90);
  });

  it.each([
    [4096, 0.5],
    [2 * 1024 ** 2, 0.95],
  ])(
    "64 B device reads over 64 MiB with pages of %i bytes keep their share of the rate over 16 KiB",
    (page, atLeast) => {
      const rate = (windowBytes: number) => {
        const prediction = predictDevice(smallReads(windowBytes, page), new Constants(allConstants()));
        return prediction.status === "ok" ? prediction.valueSi : Number.NaN;
      };
      const share = rate(64 * 1024 ** 2) / rate(16384);
      if (page === 4096) expect(share).toBeLessThan(atLeast);
      else expect(share).toBeGreaterThan(atLeast);
    },
  );

  it.each(["copy-ioat", "nic-stream", "p2p-gpu", "p2p-gpu-nic", "hotplug-under-load"])(
    "TLP by TLP, %s comes out the same",
    async (name) => {
      const profile = resolveProfile(name);
      const machine = machineOf(profile.machine ?? undefined);
      const bytesPerNs = async (perTlp: boolean) => {
        const result = await runProfile({ ...optionsOf(profile, { ...PREDICT, perTlp }), machine, limitIos: 4000 });
        const bytes = result.jobs.reduce((sum, job) => sum + job.read.io_bytes + job.write.io_bytes, 0);
        return bytes / (result.virtual?.duration_ns ?? 1);
      };
      expect(Math.abs((await bytesPerNs(true)) / (await bytesPerNs(false)) - 1)).toBeLessThan(0.005);
    },
  );
});

/** 64 B reads by a bench device through VT-d. */
function smallReads(windowBytes: number, pageBytes: number): RowQuestion {
  return {
    topic: "iommu",
    quantity: "bandwidth",
    statistic: "mean",
    system: { uarch: "haswell-ep", pcie_gen: 3, lanes: 8, ext_tags: false, iommu_kind: "vtd", device: "nfp-6000" },
    workload: {
      initiator: "device",
      op: "read",
      path: "iommu",
      iommu_mode: "static",
      access_bytes: 64,
      pattern: "random",
      window_bytes: windowBytes,
      mapping_page_bytes: pageBytes,
    },
  };
}
