import { describe, expect, it } from "vitest";
import { EXIT } from "#dmasim/base/errors.js";
import { exitCodeOf } from "#dmasim/cli/exit_code.js";
import { startDmasim } from "../support/cli.ts";
import { CLOCKS, expectClean, jobOf, type RunChanges, runJobs, withFolder } from "../support/run.ts";

interface Loss {
  readonly what: string;
  readonly job: string;
  /** Write that is lost; number of the I/O. */
  readonly io: number;
  /** Version that the block should have. */
  readonly version: number;
  readonly changes?: RunChanges;
}

const FIRST_PASS = 65536;

const LOSSES: readonly Loss[] = [
  { what: "a block's only write", job: "rw: randwrite, bs: 4k, size: 1MiB, iodepth: 8", io: 13, version: FIRST_PASS },
  {
    what: "an overwrite",
    job: "rw: randwrite, bs: 4k, size: 1MiB, iodepth: 8, loops: 2",
    io: 269,
    version: FIRST_PASS + 1,
  },
  {
    what: "one of several sizes",
    job: "rw: write, bsrange: 512-16k, size: 1MiB, iodepth: 8",
    io: 7,
    version: FIRST_PASS,
  },
  {
    what: "through bounces",
    job: "rw: write, bs: 4k, size: 1MiB, iodepth: 8",
    io: 13,
    version: FIRST_PASS,
    changes: { machine: "confidential-vm" },
  },
  {
    what: "mapped once",
    job: "rw: randwrite, bs: 4k, size: 1MiB, iodepth: 4, map: persistent",
    io: 13,
    version: FIRST_PASS,
  },
  {
    what: "without a map of offsets",
    job: "rw: randwrite, bs: 4k, size: 256MiB, number_ios: 100, iodepth: 8, norandommap: true",
    io: 13,
    version: 0,
  },
];

/** Writes that overtake and overlap each other in every way that a job can ask for. */
const HARMLESS = [
  "{ name: a, rw: randwrite, bs: 4k, size: 64k, iodepth: 32, loops: 20, verify_pass: true }",
  "{ name: a, rw: write, bs: 4k, size: 32k, iodepth: 32, loops: 20, verify_pass: true }",
  "{ name: a, rw: randwrite, bs: 64k, size: 256k, iodepth: 16, loops: 10, numjobs: 3, filename: same, verify_pass: true }",
  "{ name: a, rw: randwrite, bsrange: 512-16k, size: 256k, iodepth: 16, loops: 10, verify_pass: true }",
  "{ name: a, rw: randrw, bs: 8k, size: 256k, iodepth: 16, loops: 10, norandommap: true, verify_pass: true }",
  "{ name: a, rw: write, bs: 1MiB, size: 4MiB, iodepth: 16, loops: 5, verify_pass: true }",
  "{ name: a, rw: write, bs: 8k, size: 1MiB, iodepth: 16, loops: 2, device: nic0, verify_pass: true }",
];

describe.each(CLOCKS)("%s clock", (clock) => {
  it.each(LOSSES)("the verify pass finds a write that never reached the medium: $what", async (loss) => {
    const testHook = `lose-write:${loss.io}`;
    const job = `{ name: a, ${loss.job}, verify_pass: true }`;
    const result = await runJobs([job], { clock, workers: 2, ...loss.changes, testHook });
    const { mismatches, first } = result.host.integrity;
    expect([mismatches, first.length]).toEqual([1, 1]);
    const [found] = first;
    expect(found).toMatchObject({ kind: "stale", job: "a", io: loss.io, version: loss.version });
    expect(Number(found?.phys)).toBeGreaterThan(0x1000);
    if (loss.changes === undefined) expect(Number(found?.dma_addr) % 4096).toBe(Number(found?.phys) % 4096);
    if (loss.version !== 0) expect(found?.actual).not.toBe(found?.expected);
    // The device said that all was well: no other figure may differ from a good run's.
    expect(jobOf(result)).toMatchObject({ error: 0, faults: 0 });
    expect(result.integrity.leaks).toEqual([]);
    expect(exitCodeOf(result)).toBe(EXIT.verification);
  });

  it("without a verify pass nobody looks", async () => {
    const job = "{ name: a, rw: randwrite, bs: 4k, size: 1MiB, iodepth: 8 }";
    expectClean(await runJobs([job], { clock, workers: 2, testHook: "lose-write:13" }));
  });

  it.each(HARMLESS)("nothing is missed that was overwritten: %s", async (job) => {
    const result = await runJobs([job], { clock, workers: 2 });
    expectClean(result);
    expect(jobOf(result).verified_ios).toBeGreaterThan(0);
  });

  it("the command names the place and ends with 3", async () => {
    const text = "jobs:\n  - { name: a, rw: randwrite, bs: 4k, size: 1MiB, iodepth: 8, verify_pass: true }\n";
    await withFolder({ "load.yaml": text }, async (folder) => {
      const args = ["run", `${folder}/load.yaml`, "--clock", clock, "--workers", "2"];
      const { stdout, code } = await startDmasim(args, { DMASIM_TEST_HOOK: "lose-write:13" }).done;
      expect(stdout).toContain("WRONG DATA: 1 mismatch, first in job a at I/O 13");
      expect(stdout).toMatch(/stale +a +13 +\d+ +0x[0-9a-f]+ +0x[0-9a-f]+/);
      expect(code).toBe(EXIT.verification);
    });
  });
});
