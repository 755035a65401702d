import { openArch } from "#dmasim/host/arch/open.js";
import { listOfEntries, type PlainEntry } from "#dmasim/host/arch/plain_list.js";
import { archNamed, mapOnArch, syncOnArch, unmapOnArch } from "#dmasim/host/arch/table.js";
import type { ArchOptions, ArchRequest, ArchResult, ArchRow, ArchUnit, Series } from "#dmasim/host/arch/types.js";
import { DIR, type DmaDevice } from "#dmasim/host/dma/device.js";
import { initDomainIova } from "#dmasim/host/iommu/iova.js";
import { Arena } from "#dmasim/shm/arena.js";
import { type ContextOptions, makeContext, makeDevice, makeDomain, type TestContext } from "./host.ts";

export interface ArchBench {
  readonly row: ArchRow;
  readonly ctx: TestContext;
  readonly unit: ArchUnit;
  readonly device: DmaDevice;
  request(entries: readonly PlainEntry[], more?: Partial<ArchRequest>): ArchRequest;
  map(entries: readonly PlainEntry[], more?: Partial<ArchRequest>): ArchResult & { readonly request: ArchRequest };
  unmap(request: ArchRequest): ArchResult;
  sync(request: ArchRequest, forCpu: boolean): ArchResult;
}

export interface ArchBenchOptions {
  readonly arena?: Arena;
  readonly unit?: ArchOptions;
  readonly device?: Partial<DmaDevice>;
  readonly context?: ContextOptions;
  readonly dir?: number;
  readonly series?: Series;
}

let shared: { arena: Arena; domains: number } | undefined;

/** One arena for all tests of a file; every bench forgets what the table held before. */
function sharedArena(): { arena: Arena; domains: number } {
  shared ??= { arena: Arena.create(), domains: 0 };
  return shared;
}

/** A row with an empty instance, a device that reaches 32 bits and snoops nothing, kernel 4.1. */
export function archBench(name: string, options: ArchBenchOptions = {}): ArchBench {
  const row = archNamed(name);
  const common = sharedArena();
  const ctx = makeContext({ arena: options.arena ?? common.arena, era: "4.1", ...options.context });
  const slot = { index: 0, entryBase: 0 };
  const domain = row.translation === "domain" ? makeDomain({ index: common.domains++, forcedac: false }) : undefined;
  if (domain !== undefined) initDomainIova(ctx.arena, domain, 1);
  const unit = openArch(ctx, row, domain === undefined ? slot : { ...slot, domain }, options.unit);
  const device = makeDevice({ dmaMask: 0xffffffff, coherent: false, ...options.device });
  const request = (entries: readonly PlainEntry[], more: Partial<ArchRequest> = {}): ArchRequest => ({
    ctx,
    unit,
    device,
    dir: options.dir ?? DIR.toDevice,
    series: options.series ?? "before",
    ...listOfEntries(ctx, entries),
    ...more,
  });
  return {
    row,
    ctx,
    unit,
    device,
    request,
    map: (entries, more) => {
      const made = request(entries, more);
      return { ...mapOnArch(row, made), request: made };
    },
    unmap: (made) => unmapOnArch(row, made),
    sync: (made, forCpu) => syncOnArch(row, made, forCpu),
  };
}

/** Entries from [phys, length] pairs. */
export function ranges(pairs: readonly (readonly [number, number])[], hasPage = true): PlainEntry[] {
  return pairs.map(([phys, length]) => ({ phys, length, hasPage }));
}

/** Segments as [address, length] pairs. */
export function pairsOf(result: ArchResult): (readonly [number, number])[] {
  return result.segments.map(({ dmaAddr, length }) => [dmaAddr, length] as const);
}
