/** Replays the `iova` cases of the kernel case file, where that file is present, through the allocator. */
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { depotWord } from "#dmasim/host/iommu/depot.js";
import { freeIovaTree, initDomainIova, reserveIova } from "#dmasim/host/iommu/iova.js";
import { allocIovaFast, freeIovaFast, rcacheWord } from "#dmasim/host/iommu/magazine.js";
import { CPU_RCACHE, DEPOT, MAGAZINE } from "#dmasim/shm/layout.js";
import { makeContext, makeDomain } from "../../../support/host.ts";

interface Step {
  readonly alloc_pages?: number;
  readonly mask_bits?: number;
  readonly name?: string;
  readonly free?: string;
  readonly tree_free?: string;
  readonly pages?: number;
  readonly reserve_pfn?: readonly [string, string];
}

interface Given {
  readonly op: string;
  readonly granule?: number;
  readonly start_pfn?: number;
  readonly cpus?: number;
  readonly mask_bits?: number;
  readonly pages_each?: readonly number[];
  readonly alloc_then_free_one_page?: number;
  readonly steps?: readonly (Step | string)[];
}

interface Case {
  readonly id: string;
  readonly area: string;
  readonly given: Given;
  readonly expect: Readonly<Record<string, unknown>>;
}

const FILE = fileURLToPath(new URL("../../../../../shared/linux/examples.json", import.meta.url));
const cases: readonly Case[] = existsSync(FILE)
  ? (JSON.parse(readFileSync(FILE, "utf8")) as Case[]).filter((entry) => entry.area === "iova")
  : [];
const ctx = makeContext();
let domainsUsed = 0;

function freshDomain(given: Given) {
  const shift = Math.log2(given.granule ?? 4096);
  const domain = makeDomain({ index: domainsUsed, pageShifts: [shift], cpus: given.cpus ?? 1 });
  domainsUsed += 1;
  initDomainIova(ctx.arena, domain, given.start_pfn ?? 1);
  return domain;
}

function limitPfn(given: Given, bits: number): number {
  return 2 ** bits / (given.granule ?? 4096) - 1;
}

function runSequence(given: Given): unknown {
  const domain = freshDomain(given);
  const named = new Map<string, number>();
  const results = (given.steps as readonly Step[]).map((step) => {
    if (step.reserve_pfn !== undefined) {
      reserveIova(ctx, domain, Number(step.reserve_pfn[0]), Number(step.reserve_pfn[1]));
      return null;
    }
    if (step.free !== undefined || step.tree_free !== undefined) {
      const pfn = named.get((step.free ?? step.tree_free) as string) as number;
      if (step.free !== undefined) freeIovaFast(ctx, domain, pfn, step.pages ?? 1);
      else freeIovaTree(ctx, domain, pfn);
      return null;
    }
    const pfn = allocIovaFast(ctx, domain, step.alloc_pages ?? 1, limitPfn(given, step.mask_bits ?? 32), true);
    if (step.name !== undefined) named.set(step.name, pfn);
    return pfn < 0 ? 0 : pfn * (given.granule ?? 4096);
  });
  return { results };
}

function runCapacity(given: Given): unknown {
  const successful_allocs = given.pages_each?.map((pages) => {
    const domain = freshDomain(given);
    let fitted = 0;
    while (allocIovaFast(ctx, domain, pages, limitPfn(given, given.mask_bits ?? 32), true) >= 0) fitted += 1;
    return fitted;
  });
  return { successful_allocs };
}

function runFill(given: Given): unknown {
  const domain = freshDomain(given);
  const limit = limitPfn(given, 32);
  const pfns = Array.from({ length: given.alloc_then_free_one_page ?? 0 }, () =>
    allocIovaFast(ctx, domain, 1, limit, true),
  );
  for (const pfn of pfns) freeIovaFast(ctx, domain, pfn, 1);
  const words = ctx.arena.i32;
  const rcache = rcacheWord(domain.index, 0, 0);
  return {
    first_pfn: pfns[0],
    last_pfn: pfns.at(-1),
    loaded: words[(words[rcache + CPU_RCACHE.loaded] as number) + MAGAZINE.size],
    prev: words[(words[rcache + CPU_RCACHE.prev] as number) + MAGAZINE.size],
    depot: words[depotWord(domain.index, 0) + DEPOT.size],
    next_two_allocs: [allocIovaFast(ctx, domain, 1, limit, true), allocIovaFast(ctx, domain, 1, limit, true)],
  };
}

function runCpus(given: Given): unknown {
  const domain = freshDomain(given);
  const named = new Map<string, number>();
  const pfns: number[] = [];
  for (const text of given.steps as readonly string[]) {
    const step = /^cpu(\d+) (?:free (\w+)|alloc(\d+)(?: mask(\d+))?(?: -> (\w+))?)$/.exec(text);
    if (step === null) throw new Error(`unreadable step ${text}`);
    const act = { ...ctx, cpu: Number(step[1]) };
    if (step[2] !== undefined) freeIovaFast(act, domain, named.get(step[2]) as number, 1);
    else {
      const pfn = allocIovaFast(act, domain, Number(step[3]), limitPfn(given, Number(step[4] ?? 32)), true);
      if (step[5] !== undefined) named.set(step[5], pfn);
      pfns.push(pfn);
    }
  }
  return { pfns };
}

const RUNNERS: Readonly<Record<string, (given: Given) => unknown>> = {
  iova_sequence: runSequence,
  iova_capacity: runCapacity,
  iova_rcache_fill: runFill,
  iova_rcache_cpus: runCpus,
};

/** Hexadecimal strings to numbers, everywhere. */
function decoded(value: unknown): unknown {
  if (typeof value === "string" && value.startsWith("0x")) return Number(value);
  if (Array.isArray(value)) return value.map(decoded);
  if (value === null || typeof value !== "object") return value;
  const entries = Object.entries(value).filter(([key]) => key !== "note");
  return Object.fromEntries(entries.map(([key, inner]) => [key, decoded(inner)]));
}

describe.skipIf(cases.length === 0)(
  "kernel cases of the IOVA allocator (skipped where the case file is absent)",
  () => {
    it.each(cases.map((entry) => [entry.id, entry] as const))("%s", (_id, entry) => {
      const run = RUNNERS[entry.given.op];
      if (run === undefined) throw new Error(`no runner for ${entry.given.op}`);
      expect(run(entry.given)).toMatchObject(decoded(entry.expect) as object);
    });
  },
);
