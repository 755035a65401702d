import { describe, expect, it } from "vitest";
import { bytesOf, CLOCKS, expectClean, jobOf, runJobs } from "../support/run.ts";

const MIB = 2 ** 20;
const PREDICT = { payload: false, verify: false } as const;

describe("amount", () => {
  it("--limit-ios scales a job down and says so", async () => {
    const jobs = [
      "{ name: long, rw: randread, bs: 4k, size: 1GiB, iodepth: 8, numjobs: 2 }",
      "{ name: short, rw: read, bs: 4k, size: 64k }",
    ];
    const result = await runJobs(jobs, { limitIos: 500 });
    expectClean(result);
    expect(result.scaled).toMatchObject({ limit: expect.stringContaining("500"), jobs: ["long"] });
    expect([jobOf(result).read.total_ios, jobOf(result, 1).read.total_ios]).toEqual([500, 16]);
  });

  it("--limit-ios shares its I/Os between a write pass and its verify pass", async () => {
    const result = await runJobs(["{ name: a, rw: write, bs: 4k, size: 1GiB, iodepth: 8, verify_pass: true }"], {
      limitIos: 400,
    });
    expectClean(result);
    expect([jobOf(result).write.total_ios, jobOf(result).verified_ios]).toEqual([200, 200]);
    expect(result.scaled?.jobs).toEqual(["a"]);
  });

  it.each(CLOCKS)("%s: a limit of time cuts a job in the middle of its I/O", async (clock) => {
    const jobs = ["{ name: a, rw: write, bs: 4MiB, size: 1GiB, iodepth: 4, verify_pass: true }"];
    const result = await runJobs(jobs, { clock, workers: 2, limitSeconds: clock === "virtual" ? 0.01 : 0.3 });
    expectClean(result);
    expect(result.scaled?.jobs).toEqual(["a"]);
    expect(jobOf(result).verified_ios).toBe(0);
    expect(bytesOf(jobOf(result))).toBeLessThan(1024 * MIB);
  });

  it("without limits a run is complete and not scaled", async () => {
    const result = await runJobs(["{ name: a, rw: randread, bs: 4k, size: 4MiB, iodepth: 32 }"], PREDICT);
    expect(result.scaled).toBeUndefined();
    expect(bytesOf(jobOf(result))).toBe(4 * MIB);
  });

  it.each([
    ["number_ios", "number_ios: 37", 37],
    ["loops", "loops: 3", 3 * 256],
    ["io_size below size", "io_size: 256k", 64],
    ["io_size above size", "io_size: 2560k", 640],
    ["io_size in percent", 'io_size: "50%"', 128],
    ["number_ios per clone", "number_ios: 37, numjobs: 3", 111],
  ])("%s", async (_what, keys, ios) => {
    for (const rw of ["read", "randread"]) {
      const result = await runJobs([`{ name: a, rw: ${rw}, bs: 4k, size: 1MiB, iodepth: 4, ${keys} }`]);
      expectClean(result);
      expect(jobOf(result).read.total_ios).toBe(ios);
    }
  });

  it("a random job visits every block once before it visits one again", async () => {
    const jobs = [
      "{ name: write, rw: randwrite, bs: 4k, size: 1MiB, filename: f, iodepth: 8, device: nvme2 }",
      "{ name: read, rw: read, bs: 4k, size: 1MiB, filename: f, iodepth: 8, device: nvme2, stonewall: true }",
    ];
    const result = await runJobs(jobs);
    expectClean(result);
    expect(result.jobs.map(bytesOf)).toEqual([MIB, MIB]);
  });
});

describe("verify pass", () => {
  it.each(CLOCKS)("%s: reads back everything that was written", async (clock) => {
    const jobs = [
      "{ name: seq, rw: write, bs: 16k, size: 2MiB, iodepth: 8, verify_pass: true }",
      "{ name: rand, rw: randwrite, bs: 4k, size: 1MiB, iodepth: 16, verify_pass: true, numjobs: 2 }",
      "{ name: mixed, rw: randrw, bs: 4k, size: 1MiB, iodepth: 16, verify_pass: true }",
      "{ name: overlapping, rw: randwrite, norandommap: true, bsrange: 512-16k, size: 1MiB, iodepth: 16, verify_pass: true }",
      "{ name: reads, rw: read, bs: 4k, size: 256k, verify_pass: true }",
    ];
    const result = await runJobs(jobs, { clock, workers: 2 });
    expectClean(result);
    for (const job of result.jobs) expect([job.jobname, job.verified_ios]).toEqual([job.jobname, job.write.total_ios]);
    expect(result.jobs.map((job) => job.verified_ios > 0)).toEqual([true, true, true, true, false]);
  });

  it("reads back what was written until the time ended, and no more", async () => {
    const job =
      "{ name: a, rw: randwrite, bs: 4k, size: 64MiB, iodepth: 4, runtime: 5ms, time_based: true, thinktime: 10us, verify_pass: true }";
    const result = await runJobs([job]);
    expectClean(result);
    expect(jobOf(result).write.total_ios).toBeGreaterThan(50);
    expect(jobOf(result).verified_ios).toBe(jobOf(result).write.total_ios);
  });
});

describe("time, virtual clock", () => {
  it("runtime ends a job, time_based repeats it until then", async () => {
    const jobs = [
      "{ name: ends, rw: randread, bs: 4k, size: 64MiB, iodepth: 32, runtime: 5ms }",
      "{ name: repeats, rw: read, bs: 4k, size: 64k, iodepth: 4, runtime: 5ms, time_based: true }",
      "{ name: done, rw: read, bs: 4k, size: 64k, iodepth: 4, runtime: 5ms }",
    ];
    const result = await runJobs(jobs, PREDICT);
    const [ends, repeats, done] = result.jobs.map((job) => job.read);
    expect(ends?.runtime).toBeGreaterThan(4.9);
    expect(ends?.runtime).toBeLessThan(5.6);
    expect(repeats?.runtime).toBeGreaterThan(4.9);
    expect(repeats?.total_ios).toBeGreaterThan(16);
    expect(done?.total_ios).toBe(16);
  });

  it.each([
    ["rate_iops", "rw: randread, iodepth: 32, rate_iops: 20000", 20_000],
    ["rate_iops of one I/O at a time", "rw: randread, rate_iops: 5000", 5000],
    ["rate", "rw: read, bs: 16k, iodepth: 32, rate: 160000k", 10_000],
    ["rate_iops, poisson", "rw: randread, iodepth: 32, rate_iops: 20000, rate_process: poisson", 20_000],
    ["rate_iops of each direction", 'rw: randrw, iodepth: 32, rate_iops: "10000,10000"', 20_000],
  ])("%s holds within 2 %", async (_what, keys, iops) => {
    const job = `{ name: a, size: 1GiB, runtime: 200ms, time_based: true, ${keys} }`;
    const { read, write } = jobOf(await runJobs([job], PREDICT));
    const tolerance = keys.includes("poisson") ? 0.05 : 0.02;
    expect(Math.abs((read.iops + write.iops) / iops - 1)).toBeLessThan(tolerance);
  });

  it("io_submit_mode=offload counts latency from the time that the rate asked for", async () => {
    const job = (mode: string) =>
      `{ name: a, rw: randread, bs: 4k, iodepth: 1, size: 1GiB, rate_iops: 50000, runtime: 20ms, time_based: true, io_submit_mode: ${mode} }`;
    const inline = jobOf(await runJobs([job("inline")], PREDICT)).read.clat_ns;
    const offload = jobOf(await runJobs([job("offload")], PREDICT)).read.clat_ns;
    // One I/O at a time cannot keep up with the rate, so that the queue in front of it grows.
    expect(offload.max).toBeGreaterThan(10 * inline.max);
  });

  it("thinktime pauses after each group of I/Os", async () => {
    const job = (keys: string) => `{ name: a, rw: randread, bs: 4k, size: 64MiB, number_ios: 100, ${keys} }`;
    const plain = jobOf(await runJobs([job("")], PREDICT)).read.runtime;
    const each = jobOf(await runJobs([job("thinktime: 100us")], PREDICT)).read.runtime;
    const tenth = jobOf(await runJobs([job("thinktime: 1ms, thinktime_blocks: 10")], PREDICT)).read.runtime;
    expect(each - plain).toBeGreaterThan(9.8);
    expect(each - plain).toBeLessThan(10.2);
    expect(tenth - plain).toBeGreaterThan(8.9);
    expect(tenth - plain).toBeLessThan(10.2);
  });

  it("startdelay", async () => {
    const jobs = [
      "{ name: a, rw: read, bs: 4k, size: 64k }",
      "{ name: b, rw: read, bs: 4k, size: 64k, startdelay: 50ms }",
      "{ name: c, rw: read, bs: 4k, size: 64k, startdelay: 20ms-30ms, numjobs: 4 }",
    ];
    const result = await runJobs(jobs, PREDICT);
    expect(result.virtual?.duration_ns).toBeGreaterThan(50e6);
    expect(result.virtual?.duration_ns).toBeLessThan(60e6);
    // The clones of c drew different delays.
    expect(jobOf(result, 2).read.runtime).toBeGreaterThan(jobOf(result).read.runtime + 1);
    expect(jobOf(result, 2).read.runtime).toBeLessThan(20);
  });

  it("stonewall: groups run one after the other", async () => {
    const wall = (name: string, keys = "") =>
      `{ name: ${name}, rw: randread, bs: 4k, size: 4MiB, iodepth: 8, ${keys} }`;
    const jobs = [wall("a"), wall("b"), wall("c", "stonewall: true"), wall("d", "stonewall: true, startdelay: 10ms")];
    const result = await runJobs(jobs, PREDICT);
    const [a = 0, b = 0, c = 0, d = 0] = result.jobs.map((job) => job.read.runtime);
    expect(result.jobs.map((job) => job.groupid)).toEqual([0, 0, 1, 2]);
    const sumMs = Math.max(a, b) + c + 10 + d;
    const durationMs = (result.virtual?.duration_ns ?? 0) / 1e6;
    expect(Math.abs(durationMs / sumMs - 1)).toBeLessThan(0.05);
    expect(Math.max(a, b)).toBeGreaterThan(c);
  });

  it("ramp_time leaves the first I/Os out of the figures", async () => {
    const job = (keys: string) =>
      `{ name: a, rw: randread, bs: 4k, size: 64MiB, iodepth: 8, runtime: 5ms, time_based: true, ${keys} }`;
    const plain = jobOf(await runJobs([job("")], PREDICT)).read;
    const ramped = jobOf(await runJobs([job("ramp_time: 5ms")], PREDICT)).read;
    expect(Math.abs(ramped.total_ios / plain.total_ios - 1)).toBeLessThan(0.15);
    expect(ramped.runtime).toBeLessThan(5.6);
  });
});

describe("latency_target, virtual clock", () => {
  /** Eight commands at a time of 80 us each: latency grows by 80 us with every eight I/Os in the queue. */
  const DRIVE = { ...PREDICT, set: { "devices.nvme2.service.parallelism": 8 } };
  const job = (target: string, depth = 512) =>
    `{ name: a, device: nvme2, rw: randread, bs: 4k, size: 1GiB, iodepth: ${depth}, latency_target: ${target}, latency_window: 2ms, ` +
    "latency_percentile: 99, runtime: 100ms, time_based: true }";

  it("finds the deepest queue that meets it", async () => {
    const near = jobOf(await runJobs([job("200us")], DRIVE)).latency_target;
    const far = jobOf(await runJobs([job("400us")], DRIVE)).latency_target;
    expect([near?.met, far?.met]).toEqual([true, true]);
    // Two rounds of eight; the tail of the medium's latency may cost the last of them.
    expect(near?.depth).toBeGreaterThanOrEqual(12);
    expect(near?.depth).toBeLessThanOrEqual(16);
    expect(far?.depth).toBeGreaterThanOrEqual(28);
    expect(far?.depth).toBeLessThanOrEqual(40);
  });

  it("a target that every depth meets ends at iodepth", async () => {
    expect(jobOf(await runJobs([job("1s", 32)], DRIVE)).latency_target).toEqual({ depth: 32, met: true });
  });

  it("a target that no depth meets is not met", async () => {
    expect(jobOf(await runJobs([job("10us")], DRIVE)).latency_target).toMatchObject({ depth: 1, met: false });
  });
});
