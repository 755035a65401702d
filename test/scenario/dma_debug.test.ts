import { describe, expect, it } from "vitest";
import { EXIT } from "#dmasim/base/errors.js";
import { exitCodeOf } from "#dmasim/cli/exit_code.js";
import { startDmasim } from "../support/cli.ts";
import { CLOCKS, expectClean, hashOf, type RunChanges, runJobs } from "../support/run.ts";

/** One job for every way of mapping: per command and once, lists, bounces, copies. */
const JOBS = [
  "{ name: list, rw: randrw, bs: 64k, size: 2MiB, iodepth: 8, sg: { pageless_share: 0.5 } }",
  "{ name: once, rw: randrw, bs: 4k, size: 1MiB, iodepth: 8, device: nvme1, map: persistent }",
  "{ name: bounce, rw: rw, bs: 16k, size: 1MiB, iodepth: 4, device: capture0 }",
  "{ name: copy, rw: copy, bs: 64k, size: 2MiB, iodepth: 4, device: ioat0 }",
  "{ name: copy-once, rw: copy, bs: 64k, size: 2MiB, iodepth: 4, device: ioat0, map: persistent, stonewall: true }",
];
/** The copies map source and destination, once for all or for each of 32; persistent lists are mapped once a tag. */
const MAPPINGS = 32 + 8 + 64 + 2 * 32 + 2 + 2;

const PLANTED: readonly (readonly [what: string, job: string, changes: RunChanges])[] = [
  ["IOMMU", "{ name: a, rw: randread, bs: 4k, size: 1MiB, iodepth: 8 }", {}],
  ["direct", "{ name: a, rw: write, bs: 64k, size: 4MiB, iodepth: 8, device: nvme2 }", {}],
  ["bounce", "{ name: a, rw: read, bs: 4k, size: 1MiB, iodepth: 8 }", { machine: "confidential-vm" }],
  ["copy", "{ name: a, rw: copy, bs: 64k, size: 2MiB, iodepth: 4, device: ioat0 }", {}],
];
const IO = 13;

describe.each(CLOCKS)("--dma-debug, %s clock", (clock) => {
  it("finds nothing in a clean run, has checked every mapping, and changes nothing else", async () => {
    const result = await runJobs(JOBS, { clock, workers: 2, dmaDebug: true });
    expectClean(result);
    expect(exitCodeOf(result)).toBe(EXIT.ok);
    const { dma_debug: debug, ...rest } = result;
    expect(debug).toEqual({ errors: 0, mappings: MAPPINGS, entries_hiwater: expect.any(Number), first: [] });
    expect(debug?.entries_hiwater).toBeGreaterThan(8);
    if (clock === "wall") return;
    const plain = await runJobs(JOBS, { clock, workers: 1 });
    expect(plain.dma_debug).toBeUndefined();
    expect(hashOf(rest)).toBe(hashOf(plain));
  });

  it.each(PLANTED)("one unmap with a wrong size is the one error: %s", async (_what, job, changes) => {
    const testHook = `wrong-unmap-size:${IO}`;
    const result = await runJobs([job], { clock, workers: 2, ...changes, dmaDebug: true, testHook });
    const { errors, first } = result.dma_debug ?? {};
    expect([errors, first?.length]).toEqual([1, 1]);
    expect(first?.[0]).toMatch(
      /^DMA-API: \S+ \S+: device driver frees DMA memory with different size \[device address=0x[0-9a-f]{16}\] \[map size=(\d+) bytes\] \[unmap size=\d+ bytes\] Mapped at: job a, I\/O 13$/,
    );
    expect(exitCodeOf(result)).toBe(EXIT.verification);
    // Only the checker saw the mistake.
    const { dma_debug: _debug, ...rest } = result;
    expectClean(rest);
  });

  it("nobody sees a wrong size without it", async () => {
    const job = PLANTED[0]?.[1] as string;
    expectClean(await runJobs([job], { clock, workers: 2, testHook: `wrong-unmap-size:${IO}` }));
  });

  it("the command prints the line, and ends with 3 when there are errors", async () => {
    const args = ["run", "rand-read-4k", "--limit-ios", "400", "--clock", clock, "--workers", "2", "--dma-debug"];
    const clean = await startDmasim(args, {}).done;
    expect(clean.stdout).toMatch(/dma-debug +0 errors, \d+ mappings checked/);
    expect(clean.code).toBe(EXIT.ok);
    const wrong = await startDmasim(args, { DMASIM_TEST_HOOK: "wrong-unmap-size:3" }).done;
    expect(wrong.stdout).toContain("WRONG USE OF THE DMA API: 1 error found by dma-debug");
    expect(wrong.stdout).toMatch(/dma-debug +1 error, \d+ mappings checked/);
    expect(wrong.code).toBe(EXIT.verification);
  });
});
