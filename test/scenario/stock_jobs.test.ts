import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, it } from "vitest";
import type { JobResult, RunResult } from "#dmasim/sim/result.js";
import { startDmasim } from "../support/cli.ts";
import { hashOf } from "../support/run.ts";

/** Stock job files of fio, kept beside the project. */
const FOLDER = fileURLToPath(new URL("../../../shared/jobs", import.meta.url));
const FILES = existsSync(FOLDER)
  ? readdirSync(FOLDER)
      .filter((file) => file.endsWith(".fio"))
      .sort()
  : [];
const LIMIT_IOS = 2000;
const AT_A_TIME = 2;

interface Ran {
  readonly code: number | null;
  readonly stderr: string;
  readonly result: RunResult;
}

const ran = new Map<string, Ran>();

async function run(key: string): Promise<void> {
  const [file = "", ...flags] = key.split(" ");
  const limit = ["--limit-ios", String(LIMIT_IOS)];
  const args = ["run", join(FOLDER, file), "--machine", "intel-vtd-2s", ...limit, "--json", "-", ...flags];
  const { code, stdout, stderr } = await startDmasim(args).done;
  // Anything else on stdout than one JSON document fails here.
  ran.set(key, { code, stderr, result: JSON.parse(stdout) as RunResult });
}

function resultOf(file: string, flags = ""): RunResult {
  const found = ran.get(`${file}${flags}`);
  if (found === undefined) throw new Error(`${file}${flags} did not run`);
  return found.result;
}

function total(job: JobResult | undefined): number {
  return (job?.read.total_ios ?? 0) + (job?.write.total_ios ?? 0);
}

const DIRECT = " --assume-direct";
const RUNS = [
  ...FILES,
  ...FILES.map((file) => `${file}${DIRECT}`),
  ...["jesd219.fio --seed 7", "jesd219.fio --seed 7 --workers 2", "jesd219.fio --seed 8"],
  ...["basic-verify.fio --clock wall --workers 2", "fio-rand-RW.fio --clock wall --workers 2 --assume-direct"],
];

// Where the job files are absent there is nothing to run.
describe.skipIf(FILES.length === 0)("stock job files (absent: ../shared/jobs)", () => {
  beforeAll(async () => {
    const waiting = [...RUNS];
    const lane = async (): Promise<void> => {
      for (let key = waiting.shift(); key !== undefined; key = waiting.shift()) await run(key);
    };
    await Promise.all(Array.from({ length: AT_A_TIME }, lane));
  }, 180_000);

  it.each(RUNS)("%s: exit 0, only JSON on stdout, every byte right", (key) => {
    const { code, stderr, result } = ran.get(key) as Ran;
    expect(stderr).toBe("");
    expect(code).toBe(0);
    expect(result.schema).toBe("dmasim/result@1");
    expect([result.host.integrity.mismatches, result.integrity.leaks]).toEqual([0, []]);
    expect(result.host.integrity.bytes_verified).toBeGreaterThan(0);
    for (const job of result.jobs) {
      expect([job.jobname, job.error, job.faults]).toEqual([job.jobname, 0, 0]);
      expect(total(job), job.jobname).toBeGreaterThan(0);
      if (result.clock === "virtual") expect(total(job), job.jobname).toBeLessThanOrEqual(LIMIT_IOS + job.clones);
    }
  });

  it("buffered libaio submits one I/O at a time, and says so", () => {
    const [buffered] = resultOf("fio-rand-read.fio").jobs;
    expect(buffered?.depth).toBe(1);
    expect(buffered?.depth_note).toMatch(/buffered libaio.*direct=0.*--assume-direct/);
    const [direct] = resultOf("fio-rand-read.fio", DIRECT).jobs;
    expect(direct?.depth).toBe(16);
    expect(direct?.depth_note).toMatch(/--assume-direct/);
    expect(direct?.read.iops).toBeGreaterThan(4 * (buffered?.read.iops ?? 0));
  });

  it("basic-verify reads back what it wrote", () => {
    for (const flags of ["", " --clock wall --workers 2"]) {
      const [job] = resultOf("basic-verify.fio", flags).jobs;
      expect(job?.write.total_ios).toBeGreaterThan(0);
      expect([job?.read.total_ios, job?.verified_ios]).toEqual([job?.write.total_ios, job?.write.total_ios]);
    }
  });

  it("ssd-test runs four groups, one after the other", () => {
    const result = resultOf("ssd-test.fio");
    expect(result.jobs.map((job) => [job.jobname, job.groupid])).toEqual([
      ["seq-read", 0],
      ["rand-read", 1],
      ["seq-write", 2],
      ["rand-write", 3],
    ]);
    expect(result.jobs.map((job) => [job.read.total_ios > 0, job.write.total_ios > 0])).toEqual([
      [true, false],
      [true, false],
      [false, true],
      [false, true],
    ]);
    const sumMs = result.jobs.reduce((sum, job) => sum + job.read.runtime + job.write.runtime, 0);
    expect(Math.abs((result.virtual?.duration_ns ?? 0) / 1e6 / sumMs - 1)).toBeLessThan(0.02);
  });

  it("jesd219 is the same for one seed and any number of workers", () => {
    const one = hashOf(resultOf("jesd219.fio --seed 7"));
    expect(hashOf(resultOf("jesd219.fio --seed 7 --workers 2"))).toBe(one);
    expect(hashOf({ ...resultOf("jesd219.fio --seed 8"), seed: 7 })).not.toBe(one);
    const [job] = resultOf("jesd219.fio").jobs;
    const writes = (job?.write.total_ios ?? 0) / total(job);
    expect(Math.abs(writes - 0.6)).toBeLessThan(0.05);
  });

  it("dev-dax is copied by the CPU", () => {
    const result = resultOf("dev-dax.fio");
    expect(result.jobs.map((job) => [job.jobname, job.path.cpu, job.device])).toEqual([
      ["dev-dax-write", 1, "pmem0"],
      ["dev-dax-read", 1, "pmem0"],
    ]);
  });

  it("fixed-rate-submission and 1mbs_clients keep their rates", () => {
    const [fixed] = resultOf("fixed-rate-submission.fio").jobs;
    expect(Math.abs((fixed?.read.iops ?? 0) / 1000 - 1)).toBeLessThan(0.02);
    const clients = resultOf("1mbs_clients.fio").jobs;
    expect(clients).toHaveLength(32);
    for (const job of clients) expect(job.read.bw_bytes).toBeLessThan(1250 * 1.1);
  });

  it("latency-profile finds a depth", () => {
    const [job] = resultOf("latency-profile.fio").jobs;
    expect(job?.latency_target?.met).toBe(true);
    expect(job?.latency_target?.depth).toBeGreaterThanOrEqual(1);
  });
});
