/** Cases of the area `iova`: the allocator, its per-CPU caches and their depot. */
import { maskOfBits } from "../../base/addr.ts";
import type { DmaDomain } from "../../host/dma/device.ts";
import { depotWord } from "../../host/iommu/depot.ts";
import { allocIovaTree, freeIovaTree, reserveIova } from "../../host/iommu/iova.ts";
import { allocIovaFast, flushCpuRcaches, freeIovaFast, rcacheWord } from "../../host/iommu/magazine.ts";
import { CPUS_MAX } from "../../shm/capacities.ts";
import { CPU_RCACHE, DEPOT, MAGAZINE } from "../../shm/layout.ts";
import { failedAllocation } from "./compare.ts";
import { type Fields, type Given, UnreadableCase, Unsupported } from "./given.ts";
import type { OpTable } from "./runner.ts";
import type { CaseState, CheckContext } from "./state.ts";

/** Adapters of the area. */
export const IOVA_OPS: OpTable = {
  iova_sequence: sequence,
  iova_capacity: capacity,
  iova_rcache_fill: rcacheFill,
  iova_rcache_cpus: rcacheCpus,
};

const GRANULE = 4096;
const MASK_BITS = 32;

/** A range that a step named, so that a later one can free it. */
interface NamedRange {
  readonly pfn: number;
  readonly pages: number;
}

interface Run {
  readonly state: CaseState;
  readonly ctx: CheckContext;
  readonly domain: DmaDomain;
  readonly granule: number;
  readonly named: Map<string, NamedRange>;
}

function begin(given: Given, state: CaseState, cpus: number): Run {
  const granule = given.number("granule", GRANULE);
  const domain = state.domain({ pageShifts: [Math.log2(granule)], cpus }, given.number("start_pfn", 1));
  return { state, ctx: state.context(), domain, granule, named: new Map() };
}

/** Last pfn that a mask reaches; 64 bits of 4 KiB granules still fit a Number. */
function limitPfn(granule: number, bits: number): number {
  return bits >= 53 ? 2 ** bits / granule - 1 : Math.floor(maskOfBits(bits) / granule);
}

function sequence(given: Given, state: CaseState): Fields {
  const steps = given.records("steps");
  const cpus = 1 + Math.max(0, given.number("cpus", 1) - 1, ...steps.map((step) => cpuOf(step)));
  const run = begin(given, state, cpus);
  return { results: steps.map((step) => sequenceStep(run, step)) };
}

/** Simulated CPU of a step. */
function cpuOf(step: Given): number {
  const cpu = step.count("cpu", 0);
  if (cpu < CPUS_MAX) return cpu;
  throw new UnreadableCase(`${step.path}.cpu is not below ${CPUS_MAX}`);
}

/** Address of an allocation, null for every other step. */
function sequenceStep(run: Run, step: Given): unknown {
  const ctx = { ...run.ctx, cpu: cpuOf(step) };
  const reserved = step.has("reserve_pfn") ? "reserve_pfn" : "reserve";
  if (step.has(reserved)) {
    const [lo = 0, hi = lo] = step.numbers(reserved);
    reserveIova(ctx, run.domain, lo, hi);
    return null;
  }
  if (step.has("free"))
    return freeRange(run, step, "free", ({ pfn, pages }) => freeIovaFast(ctx, run.domain, pfn, pages));
  if (step.has("tree_free")) return freeRange(run, step, "tree_free", ({ pfn }) => freeIovaTree(ctx, run.domain, pfn));
  if (step.has("alloc_pages") || step.has("tree_alloc_pages") || step.has("tree_alloc"))
    return allocate(run, ctx, step);
  if (step.flag("flush_rcaches") || step.flag("flush_rcache") || step.flag("flush")) {
    flushCpuRcaches(ctx, run.domain);
    return null;
  }
  throw new Unsupported(`step with ${Object.keys(step.fields).join(", ")}`);
}

function allocate(run: Run, ctx: CheckContext, step: Given): unknown {
  const field = ["alloc_pages", "tree_alloc_pages", "tree_alloc"].find((name) => step.has(name)) ?? "alloc_pages";
  const pages = step.number(field);
  const limit = stepLimit(run, step);
  const flush = step.flag("flush_rcache", step.flag("flush", true));
  const pfn =
    field === "alloc_pages"
      ? allocIovaFast(ctx, run.domain, pages, limit, flush)
      : allocIovaTree(ctx, run.domain, pages, limit);
  if (pfn < 0) return failedAllocation();
  if (step.has("name")) run.named.set(step.text("name"), { pfn, pages });
  return pfn * run.granule;
}

function stepLimit(run: Run, step: Given): number {
  if (step.has("limit_pfn")) return step.number("limit_pfn");
  if (step.has("mask")) return Math.floor(step.number("mask") / run.granule);
  return limitPfn(run.granule, step.number("mask_bits", MASK_BITS));
}

/** Frees by the name that an earlier step gave, or by address. */
function freeRange(run: Run, step: Given, field: string, free: (range: NamedRange) => void): null {
  const name = step.text(field);
  const named = run.named.get(name);
  if (named === undefined && !/^(0x)?\d/.test(name)) throw new UnreadableCase(`no earlier step is named ${name}`);
  const pfn = named?.pfn ?? Math.floor(step.number(field) / run.granule);
  free({ pfn, pages: step.number("pages", named?.pages ?? 1) });
  return null;
}

function capacity(given: Given, state: CaseState): Fields {
  const counts = given.numbers("pages_each").map((pages) => {
    state.renew();
    const { ctx, domain, granule } = begin(given, state, 1);
    const limit = limitPfn(granule, given.number("mask_bits", MASK_BITS));
    let fitted = 0;
    while (allocIovaFast(ctx, domain, pages, limit, true) >= 0) fitted += 1;
    return fitted;
  });
  return { successful_allocs: counts };
}

/** Allocates ranges of one page, frees all of them in order, and looks at the caches of the first CPU. */
function rcacheFill(given: Given, state: CaseState, expect: Fields): Fields {
  const run = begin(given, state, given.number("cpus", 1));
  const { ctx, domain } = run;
  const limit = limitPfn(run.granule, given.number("mask_bits", MASK_BITS));
  const pages = given.number("pages", 1);
  const allocate = () => allocIovaFast(ctx, domain, pages, limit, true);
  const pfns = Array.from({ length: given.count("alloc_then_free_one_page") }, allocate);
  for (const pfn of pfns) freeIovaFast(ctx, domain, pfn, pages);
  const held = rcacheFields(ctx, domain, Math.ceil(Math.log2(pages)));
  return { first_pfn: pfns[0], last_pfn: pfns.at(-1), ...held, ...nextAllocs(expect, allocate) };
}

function rcacheFields(ctx: CheckContext, domain: DmaDomain, order: number): Fields {
  const words = ctx.arena.i32;
  const rcache = rcacheWord(domain.index, 0, order);
  const held = (field: number) => {
    const magazine = words[rcache + field] as number;
    return magazine === 0 ? 0 : words[magazine + MAGAZINE.size];
  };
  return {
    loaded: held(CPU_RCACHE.loaded),
    prev: held(CPU_RCACHE.prev),
    depot: words[depotWord(domain.index, order) + DEPOT.size],
  };
}

/** Fields such as `next_two_allocs`: as many allocations as the case lists. */
function nextAllocs(expect: Fields, allocate: () => number): Fields {
  const names = Object.keys(expect).filter((name) => /^next_.*alloc/.test(name));
  return Object.fromEntries(
    names.map((name) => {
      const wanted = expect[name];
      return [name, Array.isArray(wanted) ? wanted.map(allocate) : allocate()];
    }),
  );
}

const CPU_STEP =
  /^cpu(\d+)\s+(?:(tree_)?free\s+(\w+)(?:\s+pages\s*\d+)?|alloc\s*(\d+)(?:\s+mask\s*(\d+))?(?:\s*->\s*(\w+))?)$/;

/** Steps in words: `cpu0 alloc1 mask32 -> a`, `cpu0 free a`; one pfn for every allocation. */
function rcacheCpus(given: Given, state: CaseState): Fields {
  const run = begin(given, state, given.number("cpus", 1));
  const pfns: unknown[] = [];
  for (const text of given.list("steps")) {
    const step = CPU_STEP.exec(String(text).trim());
    if (step === null) throw new Unsupported(`step "${String(text)}"`);
    const [, cpu, tree, freed, pages, bits, name] = step;
    const ctx = { ...run.ctx, cpu: Number(cpu) };
    if (freed !== undefined) {
      const range = run.named.get(freed);
      if (range === undefined) throw new UnreadableCase(`no earlier step is named ${freed}`);
      if (tree === undefined) freeIovaFast(ctx, run.domain, range.pfn, range.pages);
      else freeIovaTree(ctx, run.domain, range.pfn);
      continue;
    }
    const pfn = allocIovaFast(ctx, run.domain, Number(pages), limitPfn(run.granule, Number(bits ?? MASK_BITS)), true);
    if (name !== undefined) run.named.set(name, { pfn, pages: Number(pages) });
    pfns.push(pfn < 0 ? failedAllocation() : pfn);
  }
  return { pfns };
}
