import { spawn } from "node:child_process";
import { describe, expect, it } from "vitest";
import type { RunResult } from "#dmasim/sim/result.js";
import { expectClean, hashOf, type RunChanges, runJobs } from "../support/run.ts";

interface Load extends RunChanges {
  readonly what: string;
  readonly jobs: readonly string[];
  /** The load must show this, or it does not test what it says. */
  readonly shows: (result: RunResult) => boolean;
}

/** Mixed sizes on the first 20 MiB of one drive, with overlapping writes of several clones: the shape of JESD219. */
const jesd219 = (keys: string): string =>
  "{ rw: randrw, rwmixread: 40, norandommap: true, randrepeat: false, iodepth: 64, numjobs: 3, number_ios: 500, " +
  "size: 20MiB, filename: shared, bssplit: 512/4:1024/1:1536/1:3584/1:4k/67:8k/10:16k/7:32k/3:64k/6, blockalign: 4k, " +
  `random_distribution: "zoned:50/5:30/15:20/80", ${keys} }`;

const LOADS: readonly Load[] = [
  {
    what: "strict IOMMU, random reads and writes over one extent",
    jobs: [
      "{ name: mixed, rw: randrw, bsrange: 512-64k, size: 16MiB, filename: one, iodepth: 32, numjobs: 3, number_ios: 300 }",
      "{ name: verified, rw: randwrite, bs: 4k, size: 1MiB, filename: two, iodepth: 16, verify_pass: true }",
      "{ name: lazy, rw: randrw, bs: 8k, size: 4MiB, iodepth: 32, device: nvme1 }",
    ],
    shows: (result) => result.jobs[1]?.verified_ios === 256,
  },
  {
    what: "bounce slots, with a pool that runs full",
    machine: "confidential-vm",
    set: { "swiotlb.size": "2MiB", "swiotlb.areas": 4 },
    jobs: [
      "{ name: block, rw: randrw, bs: 32k, size: 8MiB, filename: one, iodepth: 32, numjobs: 2, sg: { entry: 16k, scatter: false } }",
      "{ name: net, rw: rw, bs: 1500, size: 1MiB, iodepth: 64, device: eth0, number_ios: 600 }",
      "{ name: once, rw: randrw, bs: 4k, size: 2MiB, iodepth: 4, map: persistent }",
    ],
    shows: (result) => (result.jobs[0]?.retries ?? 0) > 0,
  },
  {
    what: "peers, page-less lists, copies, DAX and overlapping writes",
    jobs: [
      jesd219('name: peer, device: nvme2, target: "bar:nvme3"'),
      "{ name: mix, rw: randrw, bs: 64k, size: 8MiB, iodepth: 16, device: nvme0, sg: { pageless_share: 0.5 } }",
      "{ name: copy, rw: copy, bs: 64k, size: 8MiB, iodepth: 8, device: ioat0, source: ram, target: pmem0 }",
      "{ name: dax, ioengine: dev-dax, rw: randrw, bs: 64k, size: 4MiB, numjobs: 2, filename: /dev/dax1.0, target: pmem1 }",
      jesd219("name: jesd219, device: nvme0, stonewall: true"),
    ],
    shows: (result) => result.jobs[0]?.path.p2p === 1 && result.jobs[3]?.path.cpu === 1,
  },
];

/** Runs `body` while two processes use up both cores. */
async function underLoad<T>(body: () => Promise<T>): Promise<T> {
  const burners = [0, 1].map(() => spawn(process.execPath, ["-e", "for (;;);"], { stdio: "ignore" }));
  try {
    return await body();
  } finally {
    for (const burner of burners) burner.kill("SIGKILL");
  }
}

describe.each(LOADS)("virtual clock: $what", ({ what: _what, jobs, shows, ...changes }) => {
  const run = (more: RunChanges = {}): Promise<RunResult> => runJobs(jobs, { ...changes, ...more });

  it("any number of workers gives one result and one memory image, on a busy computer too", async () => {
    const first = await run({ workers: 1, image: true });
    expectClean(first);
    expect(shows(first)).toBe(true);
    expect(first.host.memory_image).toMatch(/^[0-9a-f]{64}$/);
    const others = [await run({ workers: 2, image: true }), await run({ workers: 4, image: true })];
    others.push(await underLoad(() => run({ workers: 4, image: true })));
    for (const other of others) {
      expect(other.host.integrity.mismatches).toBe(0);
      expect([hashOf(other), other.host.memory_image]).toEqual([hashOf(first), first.host.memory_image]);
    }
  });

  it("payload and checks change nothing outside `host`", async () => {
    const hashes = [
      await run({ workers: 2 }),
      await run({ workers: 2, verify: false }),
      await run({ workers: 1, payload: false, verify: false }),
      await run({ workers: 4, payload: false, verify: false }),
    ].map(hashOf);
    expect(hashes).toEqual(hashes.map(() => hashes[0]));
  });

  it("another seed gives another result", async () => {
    const [one, two] = [await run({ payload: false, seed: 1 }), await run({ payload: false, seed: 2 })];
    expect(hashOf({ ...one, seed: 0 })).not.toBe(hashOf({ ...two, seed: 0 }));
  });
});
