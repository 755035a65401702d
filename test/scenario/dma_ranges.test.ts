import { describe, expect, it } from "vitest";
import type { PathName } from "#dmasim/base/cost.js";
import type { RunResult } from "#dmasim/sim/result.js";
import { bytesOf, CLOCKS, expectClean, jobOf, type RunChanges, runJobs, withFolder } from "../support/run.ts";

const MIB = 2 ** 20;

/** A board whose bus shows the first bank at bus address 0x10000000, and hides the second. */
const BOARD = `name: board
title: A bus with an offset
arch: arm64
kernel: { era: "6.12" }
cpus: { cores_per_socket: 2, vendor: arm }
memory:
  - { name: bank0, start: 0x80000000, size: 256MiB }
  - { name: bank1, start: 0x100000000, size: 256MiB }
swiotlb: { size: 16MiB, start: 0x88000000 }
devices:
  - name: mmc0
    class: soc
    coherent: false
    dma_ranges: [{ cpu: 0x80000000, bus: 0x10000000, size: 256MiB }]
    medium: { kind: block, size: 1GB }
  - name: dma0
    class: dma-engine
    parent: null
    dma_ranges:
      - { cpu: 0x80000000, bus: 0x10000000, size: 128MiB }
      - { cpu: 0x88000000, bus: 0x40000000, size: 128MiB }
      - { cpu: 0x100000000, bus: 0x20000000, size: 256MiB }
default_block_device: mmc0
`;

function run(job: string, changes: RunChanges = {}, board = BOARD): Promise<RunResult> {
  return withFolder({ "board.yaml": board }, (folder) =>
    runJobs([job], { ...changes, machine: `${folder}/board.yaml` }),
  );
}

/** Shares of the paths that were taken. */
function pathsOf(result: RunResult): Partial<Record<PathName, number>> {
  return Object.fromEntries(Object.entries(jobOf(result).path).filter(([, share]) => share > 0));
}

describe.each(CLOCKS)("a device behind dma-ranges, %s clock", (clock) => {
  it("reads and writes memory at an offset, every byte verified", async () => {
    const result = await run("{ name: a, rw: randrw, bs: 16k, size: 2MiB, iodepth: 4, target: bank0 }", { clock });
    expectClean(result);
    expect(pathsOf(result)).toEqual({ direct: 1 });
    expect(bytesOf(jobOf(result))).toBe(2 * MIB);
    expect(result.host.integrity.bytes_verified).toBeGreaterThanOrEqual(2 * MIB);
  });

  it("bounces what no range shows, through slots at bus addresses", async () => {
    const job = "{ name: a, rw: randrw, bs: 64k, size: 4MiB, iodepth: 4, target: bank1, sg: { scatter: true } }";
    const result = await run(job, { clock });
    expectClean(result);
    expect(pathsOf(result)).toEqual({ bounce: 1 });
    expect(result.host.integrity.bytes_verified).toBeGreaterThanOrEqual(4 * MIB);
  });

  it("copies between windows", async () => {
    const job = "{ name: a, rw: copy, bs: 64k, size: 4MiB, iodepth: 4, device: dma0, source: bank0, target: bank1 }";
    const result = await run(job, { clock });
    expectClean(result);
    expect(pathsOf(result)).toEqual({ direct: 1 });
    expect(result.host.integrity.bytes_verified).toBeGreaterThanOrEqual(4 * MIB);
  });
});

describe("a device that reaches neither its buffers nor the pool", () => {
  it("is refused, as by a kernel", async () => {
    const job = "{ name: a, rw: read, bs: 16k, size: 1MiB, iodepth: 1, target: bank1 }";
    const result = await run(job, {}, BOARD.replace("size: 16MiB, start: 0x88000000", "size: 0"));
    expect(jobOf(result).error_text).toMatch(/DMA addr 0xffffffffffffffff\+16384 overflow/);
    expect(bytesOf(jobOf(result))).toBe(0);
  });
});
