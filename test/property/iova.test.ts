import { describe, expect, it } from "vitest";
import { Prng } from "#dmasim/base/prng.js";
import { countIovas, freeIovaTree, initDomainIova, reserveIova } from "#dmasim/host/iommu/iova.js";
import { allocIovaFast, flushCpuRcaches, freeIovaFast } from "#dmasim/host/iommu/magazine.js";
import { clearFirstDomain } from "../support/domain.ts";
import { makeContext, makeDomain } from "../support/host.ts";
import { IovaModel, type ModelOptions } from "../support/iova_model.ts";
import { type Draw, runSequences, SEQUENCES_TIMEOUT_MS } from "../support/sequences.ts";

interface Live {
  readonly pfn: number;
  readonly pages: number;
}

/** What the sequence of one seed looks like. */
interface Load {
  readonly model: ModelOptions;
  readonly liveMax: number;
  readonly pagesMax: number;
  /** Bits of the masks that allocations draw from. */
  readonly masks: readonly number[];
  /** CPU 0 fills up to liveMax, then CPU 1 frees everything, so that magazines travel through the depot. */
  readonly handOver: boolean;
}

const CPUS_MAX = 4;
/** One sequence in so many is long and hands over. */
const HAND_OVER_EVERY = 100;
const NARROW = [19, 20, 21, 32];

const context = makeContext();
const seen = { failures: 0, depotExchanges: 0, flushes: 0 };

function loadOf(seed: number): Load {
  const prng = new Prng(seed);
  const era = prng.below(2) === 0 ? "6.1" : "6.12";
  const granuleShift = prng.below(4) === 0 ? 16 : 12;
  const corrected = prng.below(3) === 0;
  const handOver = seed % HAND_OVER_EVERY === 0;
  const cpus = handOver ? 2 : 1 + prng.below(CPUS_MAX);
  const model: ModelOptions = { era, cpus, granuleShift, startPfn: prng.below(4) === 0 ? 16 : 1, corrected };
  if (handOver) return { model, liveMax: 600, pagesMax: 1, masks: [32], handOver };
  const masks = [[32, 32, 48], NARROW, [32, 33, 34], [24, 32, 40]][prng.below(4)] as number[];
  const pagesMax = [4, 40, 80, 2 ** 17][prng.below(4)] as number;
  return { model, liveMax: 10 + prng.below(80), pagesMax, masks, handOver };
}

/** Pages that the fast path really takes. */
function taken(pages: number): number {
  return pages < 32 ? 2 ** Math.ceil(Math.log2(pages)) : pages;
}

function checkFree(live: readonly Live[], pfn: number, pages: number, limit: number): void {
  const end = pfn + taken(pages);
  if (pfn % 2 ** Math.ceil(Math.log2(pages)) !== 0) throw new Error(`unaligned: ${pages} pages at ${pfn}`);
  if (end - 1 > limit) throw new Error(`${pages} pages at ${pfn} beyond ${limit}`);
  for (const other of live) {
    if (pfn < other.pfn + taken(other.pages) && other.pfn < end) throw new Error(`overlap at ${pfn} + ${pages}`);
  }
}

/** Runs the same random calls on both allocators and compares every result. */
function compare(seed: number, ops: Draw): void {
  const load = loadOf(seed);
  const { model: options } = load;
  const { arena } = context;
  clearFirstDomain(arena);
  const domain = makeDomain({ cpus: options.cpus, pageShifts: [options.granuleShift] });
  const act = { ...context, era: options.era, defects: options.corrected ? "corrected" : "shipped", cpu: 0 } as const;
  const calls = { act: act as typeof act & { cpu: number }, domain, model: new IovaModel(options), ops, load };
  initDomainIova(arena, domain, options.startPfn);
  reserveIova(act, domain, 0xfee00, 0xfeeff);
  calls.model.reserve(0xfee00, 0xfeeff);
  const live: Live[] = [];
  let filling = true;
  for (let op = 0; op < ops.length; op += 1) {
    ops.seek(op);
    act.cost.reset();
    if (live.length === 0) filling = true;
    if (live.length >= load.liveMax) filling = false;
    const choice = ops.below(0, 1000);
    if (choice < 3) flush(calls);
    else if (load.handOver ? !filling : live.length > 0 && (choice < 480 || !filling)) freeOne(calls, live, choice);
    else allocOne(calls, live);
    seen.depotExchanges += act.cost.depotExchanges;
  }
  check(countIovas(arena, domain) === calls.model.ranges.length - 1, "the trees hold as many ranges");
  for (const range of live) freeIovaFast(act, domain, range.pfn, range.pages);
  flushCpuRcaches(act, domain);
  check(countIovas(arena, domain) === 0, "everything came back");
}

interface Calls {
  readonly act: typeof context;
  readonly domain: ReturnType<typeof makeDomain>;
  readonly model: IovaModel;
  readonly ops: Draw;
  readonly load: Load;
}

function flush({ act, domain, model, ops }: Calls): void {
  ops.log?.("flush");
  seen.flushes += 1;
  flushCpuRcaches(act, domain);
  model.flushCaches();
}

function freeOne({ act, domain, model, ops, load }: Calls, live: Live[], choice: number): void {
  const at = ops.below(1, live.length);
  const { pfn, pages } = live[at] as Live;
  live[at] = live[live.length - 1] as Live;
  live.pop();
  act.cpu = load.handOver ? 1 : ops.below(2, domain.cpus);
  ops.log?.(`cpu ${act.cpu} frees ${pages} pages at ${pfn}${choice < 30 ? " in the tree" : ""}`);
  if (choice < 30) {
    freeIovaTree(act, domain, pfn);
    model.freeTree(pfn);
  } else {
    freeIovaFast(act, domain, pfn, pages);
    model.free(act.cpu, pfn, pages);
  }
}

function allocOne({ act, domain, model, ops, load }: Calls, live: Live[]): void {
  const pages = 1 + (ops.below(1, 3) === 0 ? ops.below(2, load.pagesMax) : ops.below(2, Math.min(4, load.pagesMax)));
  const bits = load.masks[ops.below(3, load.masks.length)] as number;
  const limit = 2 ** (bits - load.model.granuleShift) - 1;
  const flushes = ops.below(3, 2 * load.masks.length) % 2 === 0;
  act.cpu = load.handOver ? 0 : ops.below(0, 1000) % domain.cpus;
  ops.log?.(`cpu ${act.cpu} allocates ${pages} pages up to ${limit}${flushes ? ", flushing" : ""}`);
  const pfn = allocIovaFast(act, domain, pages, limit, flushes);
  const expected = model.alloc(act.cpu, pages, limit, flushes);
  check(pfn === expected, `pfn ${pfn}, model ${expected}`);
  if (pfn < 0) seen.failures += 1;
  else {
    checkFree(live, pfn, pages, limit);
    live.push({ pfn, pages });
  }
}

function check(holds: boolean, what: string): void {
  if (!holds) throw new Error(`differs: ${what}`);
}

describe("IOVA allocator against a naive model", () => {
  const length = (seed: number) => (seed % HAND_OVER_EVERY === 0 ? 1600 : 50 + (seed % 111));

  it("agrees on every pfn, whatever the sizes, masks, CPUs, granules and era", {
    timeout: SEQUENCES_TIMEOUT_MS,
  }, () => {
    const totals = runSequences({ length, run: compare });
    if (totals.sequences === 1) return;
    expect(totals.operations).toBeGreaterThan(1e6);
    expect(seen.failures).toBeGreaterThan(totals.sequences);
    expect(seen.depotExchanges).toBeGreaterThan(200);
    expect(seen.flushes).toBeGreaterThan(1000);
  });

  it("fails less often with the poisoning corrected", () => {
    const failuresOf = (corrected: boolean): number => {
      const act = { ...context, defects: corrected ? "corrected" : "shipped" } as const;
      clearFirstDomain(context.arena);
      const domain = makeDomain();
      initDomainIova(context.arena, domain, 1);
      const wide = allocIovaFast(act, domain, 300, 2 ** 8 - 1, false);
      return [wide, allocIovaFast(act, domain, 300, 2 ** 20 - 1, false)].filter((pfn) => pfn < 0).length;
    };
    expect([failuresOf(false), failuresOf(true)]).toEqual([2, 1]);
  });

  it("keeps ranges apart in era 4.1, rounded to powers of two", () => {
    const ctx = { ...context, era: "4.1" } as const;
    const prng = new Prng(8);
    clearFirstDomain(ctx.arena);
    const domain = makeDomain();
    initDomainIova(ctx.arena, domain, 1);
    const used = new Map<number, number>();
    for (let op = 0; op < 10_000; op += 1) {
      if (prng.below(2) === 0 || used.size > 200) {
        const first = used.keys().next();
        if (first.done) continue;
        freeIovaFast(ctx, domain, first.value, used.get(first.value) as number);
        used.delete(first.value);
        continue;
      }
      const pages = 1 + prng.below(70);
      const size = 2 ** Math.ceil(Math.log2(pages));
      const pfn = allocIovaFast(ctx, domain, pages, prng.below(2) === 0 ? 0xfffff : 2 ** 36 - 1, true);
      if (pfn < 0 || pfn % size !== 0) throw new Error(`op ${op}: ${pages} pages at ${pfn}`);
      for (const [other, otherPages] of used) {
        const otherEnd = other + 2 ** Math.ceil(Math.log2(otherPages));
        if (pfn < otherEnd && other < pfn + size) throw new Error(`overlap at ${pfn} + ${pages}`);
      }
      used.set(pfn, pages);
    }
    expect(countIovas(ctx.arena, domain)).toBe(used.size);
  });
});
