import { describe, expect, it } from "vitest";
import { renderFioJson } from "#dmasim/report/fio_json.js";
import { jobResult, runResult } from "../../support/result.ts";

const WRITTEN_AT = new Date(Date.UTC(2025, 0, 4, 6, 7, 8, 9));

function parse(result = runResult()) {
  return JSON.parse(renderFioJson(result, WRITTEN_AT));
}

describe("fio JSON", () => {
  it("has the top level of fio 3.x", () => {
    const fio = parse();
    expect(Object.keys(fio)).toEqual([
      "fio version",
      "timestamp",
      "timestamp_ms",
      "time",
      "global options",
      "jobs",
      "disk_util",
    ]);
    expect(fio["fio version"]).toMatch(/^fio-3\.\d+-dmasim-/);
    expect(fio.timestamp).toBe(1735970828);
    expect(fio.time).toBe("Sat Jan  4 06:07:08 2025");
  });

  it("a job has fio's keys", () => {
    const [job] = parse().jobs;
    for (const key of ["jobname", "groupid", "error", "eta", "elapsed", "job options", "read", "write", "trim"]) {
      expect(job).toHaveProperty([key]);
    }
    for (const key of ["usr_cpu", "sys_cpu", "ctx", "majf", "minf", "iodepth_level", "job_runtime"]) {
      expect(job).toHaveProperty([key]);
    }
    expect(job["job options"]).toMatchObject({ rw: "randread", bs: "4096", iodepth: "32", direct: "1" });
  });

  it("every direction has fio's keys, used or not", () => {
    const [job] = parse().jobs;
    const keys = ["io_bytes", "io_kbytes", "bw_bytes", "bw", "iops", "runtime", "total_ios", "short_ios", "drop_ios"];
    for (const direction of [job.read, job.write, job.trim]) {
      for (const key of [...keys, "slat_ns", "clat_ns", "lat_ns"]) expect(direction).toHaveProperty(key);
      for (const key of ["min", "max", "mean", "stddev", "N"]) expect(direction.clat_ns).toHaveProperty(key);
    }
  });

  it("units are fio's: bw in KiB/s, bw_bytes in B/s, percentiles by fio's keys in ns", () => {
    const { read } = parse().jobs[0];
    expect(read.bw).toBe(11_200_000);
    expect(read.bw_bytes).toBe(11_468_800_000);
    expect(read.io_kbytes).toBe(22_400_000);
    expect(read.clat_ns.N).toBe(5_600_000);
    expect(read.clat_ns.percentile["99.000000"]).toBe(4_350_000);
  });

  it("the depth histogram holds the depth at which the job submitted", () => {
    const level = (depth: number) => parse(runResult({ jobs: [jobResult({ depth })] })).jobs[0].iodepth_level;
    expect(level(1)["1"]).toBe(100);
    expect(level(33)["32"]).toBe(100);
    expect(level(1000)[">=64"]).toBe(100);
  });

  it("sys_cpu is the mapping work of each clone", () => {
    const [job] = parse().jobs;
    // 9890 ns an I/O, 5.6 M I/Os, 2 s, 8 clones.
    expect(job.sys_cpu).toBeCloseTo((100 * 9890e-9 * 5.6e6) / (2 * 8), 6);
  });

  it("a result whose resolved jobs are missing still has its job's name", () => {
    const [job] = parse(runResult({ profile: { name: "x", jobs: [] } })).jobs;
    expect(job["job options"]).toEqual({ name: "rand-read" });
  });
});
