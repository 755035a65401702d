import { describe, it } from "vitest";
import { roundUpPow2 } from "#dmasim/base/addr.js";
import { defined } from "#dmasim/base/assert.js";
import type { Era } from "#dmasim/base/era.js";
import { entriesUsed, type LinearTable, tableRecord } from "#dmasim/host/arch/linear_iommu.js";
import { FIRST_SLOT, openArch } from "#dmasim/host/arch/open.js";
import { ARCHITECTURES, archNamed } from "#dmasim/host/arch/table.js";
import type { ArchRow } from "#dmasim/host/arch/types.js";
import type { BouncePool } from "#dmasim/host/dma/device.js";
import { countIovas, initDomainIova } from "#dmasim/host/iommu/iova.js";
import { flushCpuRcaches } from "#dmasim/host/iommu/magazine.js";
import { initPool, slotsUsed, slotWord } from "#dmasim/host/swiotlb/pool.js";
import { Arena } from "#dmasim/shm/arena.js";
import { LINEAR_TABLE, REGIONS, SLOT } from "#dmasim/shm/layout.js";
import { makeContext, makeDevice, makeDomain } from "../support/host.ts";
import { canRace, type Effort, judgeRuns, type Outcomes, runThreads, type Table } from "./harness.js";

const KEPT: Table = {
  "given back": ["required", "ranges were taken and given back"],
  "given back by another": ["race", "a range was given back by the thread that had not taken it"],
  "no room": ["acceptable", "everything was taken"],
  "two owners": ["forbidden", "a range was given out twice"],
  "lost its owner": ["forbidden", "a range was given back twice"],
  "not mapped": ["forbidden", "the allocator forgot a range"],
  "left behind": ["forbidden", "what was given back is not free"],
};

/** The same without locks: what goes wrong first. */
const BROKEN: Table = {
  ...KEPT,
  "given back": ["acceptable", "ranges were taken and given back"],
  "given back by another": ["acceptable", "a range was given back by the thread that had not taken it"],
  "two owners": ["race", "both threads found the same units free"],
  "lost its owner": ["acceptable", "a range was given back twice"],
  "not mapped": ["acceptable", "the allocator forgot a range"],
  "left behind": ["acceptable", "counters and runs went wrong"],
};

function sharedWords(count: number): Int32Array {
  return new Int32Array(new SharedArrayBuffer(count * 4));
}

describe("swiotlb areas", () => {
  const NSLABS = 1024;

  async function run(areas: number, { timeLimitMs }: Effort, broken = false): Promise<Outcomes> {
    const arena = Arena.create();
    const pool = initPool(arena, 0, 0, 0, NSLABS, areas, 0x4000000);
    const others: BouncePool = broken ? { ...pool, areaBase: areas } : pool;
    const counts = await runThreads("allocators", ["bouncer", "bouncer"], {
      handle: arena.handle,
      devices: [makeDevice({ pool }), makeDevice({ pool: others })],
      provoke: broken,
      owners: sharedWords(NSLABS),
      mailbox: sharedWords(16),
      timeLimitMs: Math.floor(timeLimitMs / 2),
    });
    let intact = slotsUsed(arena, pool) === 0;
    for (let slot = 0; slot < NSLABS; slot += 1) {
      if (arena.i32[slotWord(pool, slot) + SLOT.list] !== 128 - (slot % 128)) intact = false;
    }
    return intact ? counts : { ...counts, "left behind": 1 };
  }

  it.for([1, 4])("two threads never share a slot, and all slots come back, areas: %i", async (areas, context) => {
    await judgeRuns(context, (effort) => run(areas, effort), KEPT);
  });

  it.runIf(canRace)("catches threads that lock areas of their own over the same slots", async (context) => {
    await judgeRuns(context, (effort) => run(1, effort, true), BROKEN);
  });
});

describe("IOVA magazines and tree", () => {
  /** Small enough that the space runs out, and that failures flush the magazines. */
  const LIMIT_PFN = 2 ** 10 - 1;
  const domain = makeDomain({ cpus: 2 });

  async function run(era: Era, limitPfn: number, { timeLimitMs }: Effort): Promise<Outcomes> {
    const arena = Arena.create();
    const ctx = makeContext({ arena, era });
    initDomainIova(arena, domain, 1);
    const counts = await runThreads("allocators", ["iovaUser", "iovaUser"], {
      handle: arena.handle,
      domain,
      era,
      limitPfn,
      owners: sharedWords(limitPfn + 1),
      mailbox: sharedWords(16),
      timeLimitMs: timeLimitMs / 2,
    });
    flushCpuRcaches(ctx, domain);
    return countIovas(arena, domain) === 0 ? counts : { ...counts, "left behind": 1 };
  }

  it.for<[Era, number]>([
    ["6.12", LIMIT_PFN],
    ["6.1", LIMIT_PFN],
    ["6.12", 2 ** 20 - 1],
    ["4.1", LIMIT_PFN],
  ])("two threads never share a page, and all pages come back: %s, pfn 1 to %i", async ([era, limit], context) => {
    await judgeRuns(context, (effort) => run(era, limit, effort), KEPT);
  });
});

describe("the depot of full magazines", () => {
  const LIMIT_PFN = 2 ** 16 - 1;
  const SHARED: Table = {
    exchanged: ["required", "full magazines went into the depot and came out of it"],
    "two owners": ["forbidden", "a magazine was on two CPUs"],
    "lost its owner": ["forbidden", "a range was given back twice"],
    "left behind": ["forbidden", "a magazine got lost"],
  };

  it("keeps every magazine while two CPUs exchange theirs", async (context) => {
    const run = async ({ timeLimitMs }: Effort): Promise<Outcomes> => {
      const arena = Arena.create();
      const domain = makeDomain({ cpus: 2 });
      initDomainIova(arena, domain, 1);
      const counts = await runThreads("allocators", ["depotUser", "depotUser"], {
        handle: arena.handle,
        domain,
        era: "6.12",
        limitPfn: LIMIT_PFN,
        owners: sharedWords(LIMIT_PFN + 1),
        timeLimitMs,
      });
      // A magazine with two owners may be its own successor: nothing ends a walk of the depot then.
      if (counts["two owners"] !== undefined) return counts;
      flushCpuRcaches(makeContext({ arena, era: "6.12" }), domain);
      return countIovas(arena, domain) === 0 ? counts : { ...counts, "left behind": 1 };
    };
    await judgeRuns(context, run, SHARED);
  });
});

describe("linear-table IOMMUs", () => {
  /** Small enough that lists fail for want of room, but for the rows that panic then. */
  const ENTRIES = 1024;
  const ENTRIES_PANIC = 8192;
  const PANICS = /^(?:parisc|sparc32)-/;
  const linear = ARCHITECTURES.filter((row) => row.translation === "linear");

  async function run(row: ArchRow, { timeLimitMs }: Effort, broken = false): Promise<Outcomes> {
    const arena = Arena.create();
    const ctx = makeContext({ arena, era: "4.1" });
    const entries = PANICS.test(row.name) ? ENTRIES_PANIC : ENTRIES;
    const unit = openArch(ctx, row, FIRST_SLOT, { entries });
    const table = defined(unit.table ?? undefined, "the row's table");
    const reserved = entriesUsed(arena, table);
    const others = broken ? openArch(ctx, row, { ...FIRST_SLOT, index: 1 }, { entries }) : unit;
    const counts = await runThreads("allocators", ["tableUser", "tableUser"], {
      handle: arena.handle,
      units: [unit, others],
      device: makeDevice({ dmaMask: 0xffffffff, coherent: false }),
      phys: 2 ** 33,
      provoke: broken,
      owners: sharedWords(entries),
      mailbox: sharedWords(16),
      hashes: new Float64Array(new SharedArrayBuffer(REGIONS.scatterlists.count * 8)),
      sgWord: REGIONS.scatterlists.word,
      sgStride: REGIONS.scatterlists.stride,
      timeLimitMs: timeLimitMs / 6,
    });
    const left = entriesUsed(arena, table) - reserved - heldBack(arena, table);
    return left <= 0 ? counts : { ...counts, "left behind": left };
  }

  /** Entries of freed ranges that the row keeps until there are more of them, as a power of two each at most. */
  function heldBack(arena: Arena, table: LinearTable): number {
    const record = tableRecord(table);
    let entries = 0;
    for (let i = 0; i < (arena.u32[record + LINEAR_TABLE.savedCount] as number); i += 1) {
      entries += roundUpPow2(arena.u32[record + LINEAR_TABLE.saved + i * 2 + 1] as number);
    }
    return entries;
  }

  it.for(linear.map((row) => [row.name, row] as const))(
    "%s: two threads never share an entry, and all entries come back",
    async ([, row], context) => {
      await judgeRuns(context, (effort) => run(row, effort), {
        ...KEPT,
        translated: ["required", "a range went through the table"],
        "translation overwritten": ["forbidden", "another thread wrote an entry of a range in use"],
      });
    },
  );

  it.runIf(canRace)("catches threads that lock tables of their own over the same entries", async (context) => {
    await judgeRuns(context, (effort) => run(archNamed("sparc64-iommu"), effort, true), {
      ...BROKEN,
      translated: ["acceptable", "a range went through the table"],
      "translation overwritten": ["acceptable", "another thread wrote an entry of a range in use"],
    });
  });
});
