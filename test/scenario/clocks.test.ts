import { describe, expect, it } from "vitest";
import { bytesOf, expectClean, jobOf, type RunChanges, runJobs } from "../support/run.ts";

interface Load extends RunChanges {
  readonly what: string;
  readonly jobs: readonly string[];
}

/** Loads without races: one I/O at a time decides where every byte goes, under any clock. */
const SERIAL: readonly Load[] = [
  { what: "write and verify", jobs: ["{ name: a, rw: write, bs: 16k, size: 2MiB, verify_pass: true }"] },
  {
    what: "write and verify, lazy",
    jobs: ["{ name: a, rw: randwrite, bs: 4k, size: 1MiB, device: nvme1, verify_pass: true }"],
  },
  {
    what: "bounced",
    machine: "confidential-vm",
    jobs: ["{ name: a, rw: write, bs: 16k, size: 2MiB, verify_pass: true }"],
  },
  {
    what: "peers",
    jobs: ['{ name: a, rw: randwrite, bs: 4k, size: 1MiB, device: nvme2, target: "bar:nvme3", verify_pass: true }'],
  },
  { what: "mixed lists", jobs: ["{ name: a, rw: randrw, bs: 64k, size: 4MiB, sg: { pageless_share: 0.5 } }"] },
  { what: "a copy engine", jobs: ["{ name: a, rw: copy, bs: 64k, size: 4MiB, device: ioat0, target: pmem0 }"] },
  { what: "DAX", jobs: ["{ name: a, ioengine: dev-dax, rw: randrw, bs: 64k, size: 4MiB, filename: /dev/dax0.0 }"] },
  {
    what: "groups one after the other",
    jobs: [
      "{ name: a, rw: write, bs: 64k, size: 2MiB, filename: f }",
      "{ name: b, rw: randwrite, bs: 4k, size: 1MiB, filename: f, stonewall: true }",
      "{ name: c, rw: read, bs: 128k, size: 2MiB, filename: f, stonewall: true }",
    ],
  },
];

/** Deep queues of one clone: the order differs between the clocks, the bytes and their way do not. */
const DEEP: readonly Load[] = [
  { what: "write and verify", jobs: ["{ name: a, rw: write, bs: 64k, size: 8MiB, iodepth: 16, verify_pass: true }"] },
  {
    what: "random write and verify",
    jobs: ["{ name: a, rw: randwrite, bs: 4k, size: 4MiB, iodepth: 32, verify_pass: true }"],
  },
  {
    what: "bounced",
    machine: "confidential-vm",
    jobs: ["{ name: a, rw: write, bs: 16k, size: 4MiB, iodepth: 16, verify_pass: true }"],
  },
  { what: "large", jobs: ["{ name: a, rw: write, bs: 2MiB, size: 32MiB, iodepth: 4, verify_pass: true }"] },
];

describe("both clocks agree on loads without races", () => {
  it.each(SERIAL)("$what: the memory image", async ({ what: _what, jobs, ...changes }) => {
    const virtual = await runJobs(jobs, { ...changes, image: true });
    const wall = await runJobs(jobs, { ...changes, clock: "wall", workers: 2, image: true });
    expectClean(virtual);
    expectClean(wall);
    expect(wall.jobs.map((job) => [job.path, job.read.io_bytes, job.write.io_bytes, job.verified_ios])).toEqual(
      virtual.jobs.map((job) => [job.path, job.read.io_bytes, job.write.io_bytes, job.verified_ios]),
    );
    expect(wall.host.memory_image).toBe(virtual.host.memory_image);
  });

  it.each(DEEP)("$what: bytes and paths", async ({ what: _what, jobs, ...changes }) => {
    const virtual = await runJobs(jobs, { ...changes, workers: 2 });
    const wall = await runJobs(jobs, { ...changes, clock: "wall", workers: 2 });
    expectClean(virtual);
    expectClean(wall);
    const seen = [virtual, wall].map((result) => {
      const job = jobOf(result);
      return [job.path, bytesOf(job), job.read.total_ios, job.write.total_ios, job.verified_ios];
    });
    expect(seen[1]).toEqual(seen[0]);
    expect(wall.host.integrity.bytes_verified).toBe(virtual.host.integrity.bytes_verified);
  });
});
