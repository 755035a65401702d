import { describe, expect, it } from "vitest";
import { EXIT } from "#dmasim/base/errors.js";
import { exitCodeOf } from "#dmasim/cli/exit_code.js";
import type { RunResult } from "#dmasim/sim/result.js";
import { startDmasim } from "../support/cli.ts";
import { patience } from "../support/patience.ts";
import { CLOCKS, expectClean, jobOf, type RunChanges, runJobs, withFolder } from "../support/run.ts";

/** Longer than any of these tests lets it run. */
const ENDLESS =
  "{ name: a, rw: randrw, bs: 4k, size: 64MiB, iodepth: 32, numjobs: 4, runtime: 1000s, time_based: true }";
const END_MS = 5000;

/** What each misbehaviour must be reported as. */
const FAILURES: readonly (readonly [hook: string, cause: RegExp])[] = [
  ["worker-throw", /^test hook: the worker throws$/],
  ["worker-exit", /exit/],
  ["worker-spin", /^its heartbeat stood still for [\d.]+ s$/],
  ["worker-terminate", /^its thread was terminated$/],
];

interface Flip extends RunChanges {
  readonly what: string;
  readonly job: string;
}

const FLIPS: readonly Flip[] = [
  { what: "IOMMU", job: "{ name: a, rw: randread, bs: 4k, size: 1MiB, iodepth: 8 }" },
  { what: "direct", job: "{ name: a, rw: read, bs: 64k, size: 4MiB, iodepth: 8, device: nvme2 }" },
  { what: "bounce", machine: "confidential-vm", job: "{ name: a, rw: read, bs: 4k, size: 1MiB, iodepth: 8 }" },
  { what: "peer", job: '{ name: a, rw: read, bs: 4k, size: 1MiB, iodepth: 8, device: nvme2, target: "bar:nvme3" }' },
  { what: "mixed list", job: "{ name: a, rw: read, bs: 64k, size: 4MiB, iodepth: 4, sg: { pageless_share: 0.5 } }" },
  { what: "mapped once", job: "{ name: a, rw: read, bs: 4k, size: 1MiB, iodepth: 4, map: persistent }" },
  { what: "copy", job: "{ name: a, rw: copy, bs: 64k, size: 2MiB, iodepth: 4, device: ioat0 }" },
];

const FLIPPED_IO = 13;

describe.each(CLOCKS)("%s clock", (clock) => {
  it.each(FLIPS)("one wrong byte of I/O 13 is found where it is: $what", async ({ what: _what, job, ...changes }) => {
    const result = await runJobs([job], { clock, workers: 2, ...changes, testHook: `flip-byte:${FLIPPED_IO}` });
    const { mismatches, first } = result.host.integrity;
    expect([mismatches, first.length]).toEqual([1, 1]);
    const [found] = first;
    expect(found).toMatchObject({ kind: "corrupt", job: "a", io: FLIPPED_IO, seed: 1 });
    expect(found?.actual).toBe((found?.expected ?? 0) ^ 0xff);
    expect(found?.phys).toMatch(/^0x[0-9a-f]+$/);
    expect(Number(found?.phys)).toBeGreaterThan(0x1000);
    // The device's address and the byte's keep their place in the page.
    if (changes.machine === undefined) expect(Number(found?.dma_addr) % 4096).toBe(Number(found?.phys) % 4096);
    expect(exitCodeOf(result)).toBe(EXIT.verification);
    expect(result.integrity.leaks).toEqual([]);
  });

  it("without the hook the same loads are clean", async () => {
    expectClean(await runJobs([FLIPS[0]?.job as string], { clock, workers: 2 }));
  });

  // A thread that starts late may be ended before it has anything in flight.
  it.each(FAILURES)("%s ends the run with a report", { retry: 2 }, async (testHook, cause) => {
    const startMs = performance.now();
    const result = await runJobs([ENDLESS], { clock, workers: 2, limitSeconds: null, testHook });
    expect(performance.now() - startMs).toBeLessThan(END_MS * patience());
    expectReport(result, cause);
    if (testHook === "worker-spin") expect(result.host.worker_failure?.locks).toEqual(["header[0].sgLock"]);
  });
});

function expectReport(result: RunResult, cause: RegExp): void {
  const failure = result.host.worker_failure;
  expect(failure?.worker).toBe(0);
  expect(failure?.cause).toMatch(cause);
  expect(failure?.in_flight.length).toBeGreaterThan(0);
  for (const line of failure?.in_flight ?? [])
    expect(line).toMatch(
      /^(nvme0q\d+: (executing tag|tags) \d|nvme0q\d+: \d+ completions not reaped|copy queue of worker 0: \d+ commands)/,
    );
  expect(result.partial).toBe(true);
  expect(jobOf(result).jobname).toBe("a");
  expect(exitCodeOf(result)).toBe(EXIT.verification);
}

describe("command line", () => {
  it.each(CLOCKS)(
    "%s: a dead worker and a wrong byte are exit code 3, with the report on the screen",
    async (clock) => {
      const text = `jobs:\n  - ${ENDLESS}\n`;
      await withFolder({ "endless.yaml": text }, async (folder) => {
        const args = ["run", `${folder}/endless.yaml`, "--clock", clock, "--workers", "2", "--full"];
        const dead = await startDmasim(args, { DMASIM_TEST_HOOK: "worker-spin" }).done;
        expect(dead.stderr).toBe("");
        expect(dead.stdout).toMatch(/worker 0/);
        expect(dead.stdout).toContain("sgLock");
        expect(dead.code).toBe(EXIT.verification);
      });
      const wrong = await startDmasim(
        ["run", "rand-read-4k", "--limit-ios", "400", "--clock", clock, "--workers", "2"],
        { DMASIM_TEST_HOOK: "flip-byte:3" },
      ).done;
      expect(wrong.stdout).toMatch(/1 bad/);
      expect(wrong.code).toBe(EXIT.verification);
    },
  );

  it("an unknown hook is wrong use", async () => {
    const { code, stderr } = await startDmasim(["run", "rand-read-4k"], { DMASIM_TEST_HOOK: "worker-sleeps" }).done;
    expect(stderr).toContain("DMASIM_TEST_HOOK names no test hook");
    expect(code).toBe(EXIT.usage);
  });
});
