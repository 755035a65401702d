import { existsSync, readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import type { JobSpec, Profile } from "#dmasim/sim/profile/job.js";
import { loadProfile } from "#dmasim/sim/profile/load.js";

const FOLDER = fileURLToPath(new URL("../../../../../shared/jobs/", import.meta.url));
const hasFolder = existsSync(FOLDER);

function load(name: string): Profile {
  return loadProfile(`${FOLDER}${name}.fio`);
}

function first(profile: Profile): JobSpec {
  const job = profile.jobs[0];
  if (job === undefined) throw new Error("no job");
  return job;
}

const fixed = (bytes: number) => [{ bytesMin: bytes, bytesMax: bytes, weight: 1 }];

describe.skipIf(!hasFolder)("fio's stock job files (skipped where ../shared/jobs is absent)", () => {
  it("loads every file", () => {
    const files = readdirSync(FOLDER).filter((file) => file.endsWith(".fio"));
    expect(files.length).toBeGreaterThanOrEqual(11);
    for (const file of files) expect(loadProfile(FOLDER + file).jobs.length, file).toBeGreaterThan(0);
  });

  it("1mbs_clients: 32 rated clients, one every 4 s", () => {
    const { jobs } = load("1mbs_clients");
    expect(jobs).toHaveLength(32);
    expect(jobs.map((job) => job.startDelayNs[0])).toEqual(jobs.map((_, index) => index * 4e9));
    expect(jobs[31]).toMatchObject({
      name: "file32",
      rw: "read",
      sizeBytes: 32 * 2 ** 20,
      directory: "tmp",
      rateBytesPerS: { read: 1250, write: 1250 },
      rateMinBytesPerS: { read: 1024, write: 1024 },
      ioengine: "psync",
      submission: "depth1",
      direct: false,
    });
  });

  it("basic-verify: writes, then reads back", () => {
    expect(first(load("basic-verify"))).toMatchObject({
      name: "write-and-verify",
      rw: "randwrite",
      verifyPass: true,
      verify: true,
      iodepth: 16,
      direct: true,
      filenames: ["/dev/XXX"],
    });
  });

  it("dev-dax: the CPU copies, job after job", () => {
    const { jobs } = load("dev-dax");
    expect(jobs.map((job) => job.rw)).toEqual(["randwrite", "randread"]);
    expect(jobs[1]).toMatchObject({
      ioengine: "dev-dax",
      submission: "cpu",
      numjobs: 16,
      stonewall: true,
      timeBased: true,
      runtimeNs: 30e9,
      norandommap: true,
      groupReporting: true,
      blockSizes: { read: fixed(2 ** 21), write: fixed(2 ** 21) },
      filenames: ["/dev/dax0.0"],
    });
    expect(jobs[0]?.ignored).toContain("thread (host)");
    expect(new Set(jobs[0]?.ignored).size).toBe(jobs[0]?.ignored.length);
  });

  it("fio-rand-RW, fio-rand-read, fio-seq-write: buffered libaio on a 10 GiB file", () => {
    for (const [name, rw] of [
      ["fio-rand-RW", "randrw"],
      ["fio-rand-read", "randread"],
      ["fio-seq-write", "write"],
    ] as const) {
      const profile = load(name);
      expect(first(profile)).toMatchObject({
        name: "file1",
        rw,
        submission: "async",
        direct: false,
        iodepth: 16,
        sizeBytes: 10 * 2 ** 30,
        runtimeNs: 900e9,
        timeBased: true,
        filenames: [name],
      });
    }
    expect(first(load("fio-rand-RW"))).toMatchObject({ rwmixread: 60, numjobs: 4 });
    expect(first(load("fio-seq-write")).blockSizes.write).toEqual(fixed(256 * 1024));
  });

  it("fixed-rate-submission: offloaded at 1000 IOPS", () => {
    expect(first(load("fixed-rate-submission"))).toMatchObject({
      submitMode: "offload",
      rateIops: { read: 1000, write: 1000 },
      sizeBytes: 128 * 2 ** 20,
      iodepth: 32,
    });
  });

  it("iometer-file-access-server: eight block sizes", () => {
    const profile = load("iometer-file-access-server");
    const job = first(profile);
    expect(profile.title).toBe("Emulation of Intel IOmeter File Server Access Pattern");
    expect(job).toMatchObject({ rw: "randrw", rwmixread: 80, iodepth: 64, blockAlignBytes: { read: 512, write: 512 } });
    expect(job.blockSizes.read.map((share) => [share.bytesMin, share.weight])).toEqual([
      [512, 10],
      [1024, 5],
      [2048, 5],
      [4096, 60],
      [8192, 2],
      [16384, 4],
      [32768, 4],
      [65536, 10],
    ]);
  });

  it("jesd219: twelve block sizes, three zones", () => {
    const job = first(load("jesd219"));
    expect(job).toMatchObject({
      name: "JESD219",
      rwmixread: 40,
      randrepeat: false,
      norandommap: true,
      iodepth: 256,
      numjobs: 4,
      blockAlignBytes: { read: 4096, write: 4096 },
      filenames: ["/dev/nvme0n1"],
    });
    expect(job.blockSizes.write.reduce((sum, share) => sum + share.weight, 0)).toBe(100);
    expect(job.distribution.write).toEqual({
      kind: "zoned",
      zones: [
        { accessPercent: 50, size: 5 },
        { accessPercent: 30, size: 15 },
        { accessPercent: 20, size: 80 },
      ],
    });
  });

  it("latency-profile: 99.9 % below 500 ms over 5 s", () => {
    const job = first(load("latency-profile"));
    expect(job.latencyTarget).toEqual({ targetNs: 500e6, windowNs: 5e9, percentile: 99.9 });
    expect(job).toMatchObject({ iodepth: 128, rw: "randread", filenames: ["/dev/sda"] });
  });

  it("ssd-test: four phases behind stonewalls", () => {
    const { jobs } = load("ssd-test");
    expect(jobs.map((job) => job.rw)).toEqual(["read", "randread", "write", "randwrite"]);
    expect(jobs.every((job) => job.stonewall && job.direct && job.iodepth === 4 && job.runtimeNs === 60e9)).toBe(true);
    expect(jobs[0]).toMatchObject({ filenames: ["ssd.test.file"], directory: "/mount-point-of-ssd", timeBased: false });
  });
});
