import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { EXIT } from "#dmasim/base/errors.js";
import { exitCodeOf } from "#dmasim/cli/exit_code.js";
import { loadProfile } from "#dmasim/sim/profile/load.js";
import type { RunResult } from "#dmasim/sim/result.js";
import { runProfile } from "#dmasim/sim/run.js";
import { expectClean, hashOf, optionsOf, type RunChanges, withFolder } from "../support/run.ts";

const SMALL_POOL: RunChanges = { machine: "confidential-vm", set: { "swiotlb.size": "2MiB", "swiotlb.areas": 1 } };
const LARGE = "{ name: a, rw: randrw, bs: 256k, size: 16MiB, iodepth: 8, device: nvme0, verify_pass: true }";
const POOL_JOB = "{ name: a, rw: randrw, bs: 32k, size: 8MiB, iodepth: 8, verify_pass: true }";
/** More than one last-level table maps (2 MiB): the queues' table does not serve it. */
const LATE =
  "{ name: a, rw: randrw, bs: 512k, size: 32MiB, iodepth: 16, device: nvme0, startdelay: 1ms, verify_pass: true }";
const PMEM_JOB = "{ name: a, rw: write, bs: 16k, size: 32MiB, iodepth: 4, device: nvme0, target: pmem0 }";

function run(job: string, faults: readonly string[], changes: RunChanges = {}): Promise<RunResult> {
  const text = `jobs: [${job}]\nfaults:\n${faults.map((fault) => `  - ${fault}`).join("\n")}\n`;
  return withFolder({ "load.yaml": text }, (folder) => {
    const profile = { ...loadProfile(join(folder, "load.yaml")), file: "load.yaml" };
    return runProfile(optionsOf(profile, changes));
  });
}

function faultOf({ faults }: RunResult) {
  const [fault] = faults ?? [];
  if (fault === undefined) throw new Error("no fault");
  return fault;
}

describe("faults of what mappings need", () => {
  it.each([
    {
      fault: "pool-full",
      job: POOL_JOB,
      at: "0s",
      changes: SMALL_POOL,
      outcome: "map refused: swiotlb buffer is full; mapped later",
    },
    {
      fault: "iova-exhaustion",
      job: LARGE,
      at: "0s",
      changes: {},
      outcome: "map refused: IOVA space exhausted; mapped later",
    },
    {
      fault: "table-exhaustion",
      job: LATE,
      at: "500us",
      changes: {},
      outcome: "map refused: no memory for page tables; mapped later",
    },
  ])(
    "$fault: refused in Linux's words, tried again, mapped once it is over",
    async ({ fault, job, at, changes, outcome }) => {
      const result = await run(job, [`{ fault: ${fault}, at: ${at}, for: 5ms }`], changes);
      expectClean(result);
      expect(exitCodeOf(result)).toBe(EXIT.ok);
      const { injected, detected, unexplained, outcomes } = faultOf(result);
      expect(injected).toBeGreaterThan(0);
      expect([detected, unexplained]).toEqual([injected, 0]);
      expect(outcomes).toEqual({ [outcome]: injected });
    },
  );

  it("a pool that is leaked stays so: the job is given up with the kernel's words, and the slots are no leak of the run", async () => {
    const job = "{ name: a, rw: randrw, bs: 32k, size: 8MiB, iodepth: 8, startdelay: 1ms }";
    const result = await run(job, ["{ fault: pool-leaked, at: 500us }"], SMALL_POOL);
    expect(result.integrity.leaks).toEqual([]);
    expect(result.jobs[0]?.error_text).toMatch(/swiotlb buffer is full \(sz: \d+ bytes\), total 1024 \(slots\), used/);
    expect(faultOf(result).outcomes).toEqual({
      "map refused: swiotlb buffer is full; classified: leaked; given up": 1,
    });
    expect(faultOf(result).detected).toBe(1);
    expect(exitCodeOf(result)).toBe(EXIT.objective);
  });

  it.each([
    ["pool-full", "{ name: a, rw: read, bs: 16k, size: 16MiB, iodepth: 4, device: nvme0 }"],
    ["iova-exhaustion", "{ name: a, rw: read, bs: 16k, size: 16MiB, iodepth: 4, device: nvme0, map: persistent }"],
  ])("%s is harmless where nobody needs any", async (fault, job) => {
    const result = await run(job, [`{ fault: ${fault}, at: 100us, for: 100us }`]);
    expectClean(result);
    expect(faultOf(result)).toMatchObject({ injected: 1, harmless: 1, outcomes: { served: 1 } });
  });

  it("a fault whose time the run does not reach is not injected", async () => {
    const result = await run(POOL_JOB, ["{ fault: pool-full, at: 100s }"], SMALL_POOL);
    expectClean(result);
    expect(faultOf(result).injected).toBe(0);
  });

  it("two of one kind at a time: what one gives back the other still withholds", async () => {
    const faults = [
      "{ fault: table-exhaustion, at: 500us, for: 2ms }",
      "{ fault: table-exhaustion, at: 1ms, for: 3ms }",
    ];
    const result = await run(LATE, faults);
    expectClean(result);
    // Between 2.5 and 4 ms only the second holds; nothing else can have refused what it is told.
    for (const { detected, injected, outcomes } of result.faults ?? []) {
      expect(detected).toBeGreaterThan(0);
      expect(outcomes).toEqual({ "map refused: no memory for page tables; mapped later": injected });
    }
  });

  it("a command whose repeat cannot be mapped waits for its mapping and is not failed", async () => {
    const faults = ["{ fault: iova-exhaustion, at: 500us, for: 5ms }", "{ fault: poisoned-tlp, rate: 0.3 }"];
    // What a lazy domain unmaps is free only behind the flush.
    const result = await run(LARGE, faults, { set: { "iommu.mode": "lazy" } });
    expectClean(result);
    expect(faultOf(result).detected).toBeGreaterThan(0);
    expect(result.faults?.map(({ unexplained }) => unexplained)).toEqual([0, 0]);
  });

  it("what is in flight when it begins is enough to go on with, for as long as it lasts", async () => {
    const faults = ["{ fault: iova-exhaustion, at: 500us, for: 400ms }", "{ fault: poisoned-tlp, rate: 0.3 }"];
    const result = await run(LARGE, faults, { set: { "iommu.mode": "lazy" }, dmaDebug: true });
    expectClean(result);
    expect(result.dma_debug?.errors ?? 0).toBe(0);
    expect(result.jobs[0]?.read.runtime).toBeLessThan(400);
    expect(result.faults?.map(({ unexplained }) => unexplained)).toEqual([0, 0]);
  });
});

describe("poisoned media", () => {
  it("a device's read of the line fails, the driver writes it again, and the data come", async () => {
    const result = await run(PMEM_JOB, ["{ fault: pmem-poison, at: 500us }"]);
    expectClean(result);
    expect(faultOf(result).outcomes).toEqual({ "completion: poisoned completion, AER TLP": 1 });
    expect(faultOf(result).detected).toBe(1);
  });

  it("a device's write of the line heals it", async () => {
    const result = await run(PMEM_JOB.replace("rw: write", "rw: read"), ["{ fault: pmem-poison, at: 500us }"]);
    expectClean(result);
    expect(faultOf(result).outcomes).toEqual({ "written before it was read": 1 });
  });

  it("is harmless where no buffer lies on the medium", async () => {
    const result = await run(LARGE, ["{ fault: pmem-poison, at: 500us }"]);
    expectClean(result);
    expect(faultOf(result).outcomes).toEqual({ "no buffer in persistent memory": 1 });
  });
});

describe("faults of pools, IOVAs, tables and media", () => {
  it.each([
    { job: POOL_JOB, faults: ["{ fault: pool-full, at: 0s, for: 3ms }"], changes: SMALL_POOL },
    {
      job: `${LARGE}, ${PMEM_JOB.replace("name: a", "name: b")}`,
      faults: [
        "{ fault: iova-exhaustion, at: 0s, for: 3ms }",
        "{ fault: table-exhaustion, at: 1ms, for: 1ms }",
        "{ fault: pmem-poison, at: 1ms }",
        "{ fault: pmem-poison, at: 2ms }",
        "{ fault: poisoned-tlp, rate: 0.02 }",
      ],
      changes: {},
    },
  ])("the same for any number of workers, with and without payload", async ({ job, faults, changes }) => {
    const hashes = [];
    for (const change of [{ workers: 1 }, { workers: 2 }, { payload: false, verify: false }])
      hashes.push(hashOf(await run(job, faults, { ...changes, ...change })));
    expect(new Set(hashes).size).toBe(1);
  });

  it.each([
    ["{ fault: pool-full, rate: 0.1 }", {}, /give at/],
    ["{ fault: pool-leaked, at: 1ms, for: 1ms }", {}, /leave for out/],
    ["{ fault: pmem-poison, at: 1ms, for: 1ms }", {}, /leave for out/],
    ["{ fault: pool-full, at: 1ms }", { set: { "swiotlb.size": "0" } }, /no bounce pool/],
    ["{ fault: pool-full, at: 1ms }", { set: { "swiotlb.dynamic": true } }, /grows is never full/],
    ["{ fault: table-exhaustion, at: 1ms, device: nvme0 }", {}, /not a device's/],
    ["{ fault: iova-exhaustion, at: 1ms }", SMALL_POOL, /no IOMMU translates/],
    ["{ fault: pmem-poison, at: 1ms }", SMALL_POOL, /no persistent memory/],
    ["{ fault: iova-exhaustion, at: 1ms }", { clock: "wall" as const }, /simulated time/],
  ])("refuses %s with %o", async (fault, changes, message) => {
    await expect(run(LARGE.replace(", device: nvme0", ""), [fault], changes)).rejects.toThrow(message);
  });
});
