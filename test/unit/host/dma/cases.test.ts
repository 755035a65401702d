import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { PEER_ROUTE } from "#dmasim/host/context.js";
import { ATTR, DIR } from "#dmasim/host/dma/device.js";
import { dmaCapable, MAX_SEG_BYTES_DEFAULT, requiredMask, segBoundaryMaskDefault } from "#dmasim/host/dma/limits.js";
import { mapPhys, mapSg, unmapSg } from "#dmasim/host/dma/map.js";
import { physToDma } from "#dmasim/host/dma/range_map.js";
import { refusalLines, sgtableErrno } from "#dmasim/host/dma/refusal.js";
import { sgBytes, sgPfn } from "#dmasim/host/dma/scatterlist.js";
import { sgCopyToBuffer } from "#dmasim/host/dma/sg_copy.js";
import { SgMiter, sgNentsForLen } from "#dmasim/host/dma/sg_iterate.js";
import { appendPages, newAppendTable } from "#dmasim/host/dma/sg_pages.js";
import { sgSplit } from "#dmasim/host/dma/sg_split.js";
import { allocSg, sgArraySlots } from "#dmasim/host/dma/sg_table.js";
import { failureOf, MAP_FAILURES } from "#dmasim/host/status.js";
import { Arena } from "#dmasim/shm/arena.js";
import { type PeerBar, peersOf, setUpDomain, setUpPool, translated } from "../../../support/domain.ts";
import { makeContext, makeDevice } from "../../../support/host.ts";
import { dmaEntries, listOf, listOfPages, type PageEntry, pageEntries } from "../../../support/list.ts";

/** Linux example cases (id, area, given, expect); they live beside the project and are not part of it. */
const FILE = fileURLToPath(new URL("../../../../../shared/linux/examples.json", import.meta.url));

type Fields = Readonly<Record<string, unknown>>;
interface Case {
  readonly id: string;
  readonly area: string;
  readonly given: Fields & { readonly op: string };
  readonly expect: Fields;
}
type Run = (given: Fields, want: Fields) => Fields;

const present = existsSync(FILE);
const AREAS = ["scatterlist", "iommu-dma", "dma-direct", "dma-api"];
const cases = present
  ? (JSON.parse(readFileSync(FILE, "utf8")) as Case[]).filter((entry) => AREAS.includes(entry.area))
  : [];
const arena = Arena.create();
const pool = setUpPool(makeContext({ arena }));
let domains = 0;

/** Hex strings as numbers, so that results compare by value. */
function plain(value: unknown): unknown {
  if (typeof value === "string" && /^0x[0-9a-f]+$/i.test(value)) return Number(value);
  if (Array.isArray(value)) return value.map(plain);
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(Object.entries(value).map(([key, field]) => [key, plain(field)]));
}

function errno(status: number): number {
  return status < 0 ? (failureOf(-status)?.errno as number) : 0;
}

function result(status: number): number | string {
  return status < 0 ? "DMA_MAPPING_ERROR" : status;
}

interface PageGiven {
  readonly pfns: number[];
  readonly offset?: number;
  readonly size: number;
}

const SCATTERLIST: Record<string, Run> = {
  sg_alloc_table: (given) => {
    const nents = given.nents as number;
    const sg = allocSg(arena, 0, nents);
    if (sg < 0) return { ret: errno(sg) };
    const slots = sgArraySlots(arena, sg);
    const payload = slots.map((count, i) => (i === slots.length - 1 ? count : count - 1));
    return { ret: 0, nents, orig_nents: nents, payload_entries_per_chunk: payload, chunk_alloc_entries: slots };
  },
  sg_alloc_table_from_pages_segment: (given) => {
    const table = newAppendTable();
    const status = appendPages(arena, 0, table, {
      pfns: given.pfns as number[],
      offset: given.offset as number,
      bytes: given.size as number,
      maxSegmentBytes: given.max_segment as number,
      pageBytes: given.page_size as number,
    });
    if (status < 0) return { ret: errno(status) };
    return { ret: 0, nents: table.nents, segments: pageEntries(arena, table.sgl, table.nents) };
  },
  sg_append: (given) => {
    const table = newAppendTable();
    const maxSegmentBytes = given.max_segment as number;
    const [first, second] = [given.first as PageGiven, given.second as PageGiven];
    const leftPages = second.pfns.length;
    appendPages(arena, 0, table, { pfns: first.pfns, offset: 0, bytes: first.size, maxSegmentBytes, leftPages });
    appendPages(arena, 0, table, { pfns: second.pfns, offset: 0, bytes: second.size, maxSegmentBytes });
    return { nents: table.nents, segments: pageEntries(arena, table.sgl, table.nents) };
  },
  sg_miter: (given) => {
    const entries = given.entries as PageEntry[];
    const miter = new SgMiter(arena, listOfPages(arena, entries), entries.length, given.page_size as number);
    const steps: Fields[] = [];
    while (miter.next()) steps.push({ pfn: miter.pfn, page_offset: miter.pageOffset, length: miter.length });
    return { steps };
  },
  sg_nents_for_len: (given) => {
    const sg = listOfPages(arena, given.entries as PageEntry[]);
    const count = (len: number) => sgNentsForLen(arena, sg, len);
    return { results: (given.lens as number[]).map((len) => (count(len) < 0 ? errno(count(len)) : count(len))) };
  },
  sg_pcopy_to_buffer: (given) => {
    const entries = given.entries as PageEntry[];
    const sg = listOfPages(arena, entries);
    const calls = given.calls as { buflen: number; skip: number }[];
    return {
      returns: calls.map(({ buflen, skip }) => sgCopyToBuffer(arena, sg, entries.length, new Uint8Array(buflen), skip)),
    };
  },
  sg_split: (given) => {
    const entries = given.entries as { entry: number; offset: number; length: number }[];
    const sg = listOfPages(
      arena,
      entries.map(({ entry, offset, length }) => ({ pfn: entry, offset, length })),
    );
    const sizes = given.split_sizes as number[];
    const outputs = sgSplit(arena, 0, "shipped", { sg, mappedNents: 0, skipBytes: given.skip as number, sizes });
    if (typeof outputs === "number") return { ret: errno(outputs) };
    const named = (output: number, nents: number) =>
      pageEntries(arena, output, nents).map(({ pfn, offset, length }) => ({ entry: pfn, offset, length }));
    return { ret: 0, outputs: outputs.map((output) => named(output.sg, output.nents)) };
  },
};

interface EntryGiven {
  readonly phys: number;
  readonly length: number;
  readonly p2p?: string;
}

const PEER_WORDS: Readonly<Record<string, number>> = {
  not_supported: PEER_ROUTE.notSupported,
  thru_host_bridge: PEER_ROUTE.throughHostBridge,
  bus_addr: PEER_ROUTE.busAddr,
};

function barsOf(entries: readonly EntryGiven[]): PeerBar[] {
  return entries
    .filter((entry) => entry.p2p !== undefined)
    .map(({ phys, length, p2p }) => ({ start: phys, bytes: length, route: PEER_WORDS[p2p ?? ""] ?? 0, busOffset: 0 }));
}

const MAPPING: Record<string, Run> = {
  iommu_dma_map_sg: (given, want) => {
    const entries = given.entries as EntryGiven[];
    const ctx = makeContext({ arena, peers: peersOf(barsOf(entries)) });
    domains += 1;
    const domain = setUpDomain(ctx, { index: domains });
    const device = makeDevice({
      domain,
      dmaMask: given.mask as number,
      segBoundaryMask: given.seg_boundary as number,
      maxSegBytes: given.max_seg as number,
    });
    const sg = listOf(
      arena,
      entries.map(({ phys, length }) => [phys, length] as const),
    );
    const ret = mapSg(ctx, device, sg, entries.length, DIR.bidirectional, 0);
    if (ret < 0) return { ret: errno(ret) };
    const segments = dmaEntries(arena, sg, ret);
    const calls = (want.iommu_map_calls ?? []) as { iova: number; phys: number; size: number }[];
    for (const { iova, phys, size } of calls) {
      expect(translated(arena, domain, iova)).toBe(phys);
      expect(translated(arena, domain, iova + size - 1)).toBe(phys + size - 1);
    }
    unmapSg(ctx, device, sg, entries.length, DIR.bidirectional, 0);
    const bytes = ctx.invalidations[0]?.bytes;
    return { ret, segments, iova_bytes: bytes, ...(calls.length > 0 ? { iommu_map_calls: calls } : {}) };
  },
  dma_capable: (given) => {
    const device = makeDevice({ dmaMask: maskOf(given), busDmaLimit: given.bus_limit as number });
    return { ok: (given.cases as [number, number][]).map(([addr, bytes]) => dmaCapable(device, addr, bytes)) };
  },
  phys_to_dma_with_range_map: (given) => {
    const ranges = (given.map as { cpu: number; dma: number; size: number }[]).map(({ cpu, dma, size }) => ({
      cpuStart: cpu,
      dmaStart: dma,
      bytes: size,
    }));
    const dma = (given.phys as number[]).map((phys) => physToDma(ranges, phys));
    return { dma: dma.map((addr) => (addr === Number.MAX_SAFE_INTEGER ? "DMA_MAPPING_ERROR" : addr)) };
  },
  dma_get_required_mask: (given) => ({ mask: requiredMask(makeDevice(), given.highest_ram_page as number) }),
  dma_map_phys: (given) => {
    const ctx = makeContext({ arena });
    const [phys, bytes] = [given.phys as number, given.size as number];
    const device = (active: boolean) => makeDevice({ dmaMask: maskOf(given), pool: active ? pool : null });
    const map = (active: boolean) => result(mapPhys(ctx, device(active), phys, bytes, DIR.toDevice, 0));
    const lines = refusalLines(ctx, device(false), { phys, bytes, attrs: 0 }, MAP_FAILURES.maskOverflow.code);
    return { results: (given.swiotlb_active as boolean[]).map(map), warning_when_no_swiotlb: lines[0] };
  },
  dma_map_phys_with_dma_attr_mmio: (given) => {
    const device = makeDevice({ dmaMask: maskOf(given), pool });
    const ctx = makeContext({ arena, era: "7.x" });
    const status = mapPhys(ctx, device, given.phys as number, given.size as number, DIR.toDevice, ATTR.mmio);
    return { result: result(status) };
  },
  dma_map_sgtable: (given) => {
    const [count, failing] = [given.entries as number, given.fail_at_index as number];
    const list = Array.from({ length: count }, (_, i) => [(i === failing ? 2 ** 33 : 0) + i * 8192, 4096] as const);
    const sg = listOf(arena, list);
    const status = mapSg(makeContext({ arena }), makeDevice({ dmaMask: 0xffffffff }), sg, count, DIR.toDevice, 0);
    expect([sgBytes(arena, sg, count), sgPfn(arena, sg)]).toEqual([count * 4096, 0]);
    return {
      ret: sgtableErrno("6.12", -status),
      entry0_unmapped: dmaEntries(arena, sg, 1)[0]?.len === 0,
      unmap_attrs_has: "SKIP_CPU_SYNC",
      dma_map_sg_returns: Math.max(status, 0),
    };
  },
  defaults: () => ({
    max_seg_size: MAX_SEG_BYTES_DEFAULT,
    seg_boundary_4_1: segBoundaryMaskDefault("4.1"),
    seg_boundary_6_1_and_later: segBoundaryMaskDefault("6.1") === Number.MAX_SAFE_INTEGER ? 2 ** 64 : 0,
  }),
};

function maskOf(given: Fields): number {
  return 2 ** (given.mask_bits as number) - 1;
}

describe("Linux example cases of the mapping layer", () => {
  it.skipIf(present)("are absent: the example file is not beside this checkout", () => {});
  it.each(cases.map((entry) => [entry.id, entry] as const))("%s", (_, entry) => {
    const run = SCATTERLIST[entry.given.op] ?? MAPPING[entry.given.op];
    expect(run, `op ${entry.given.op}`).toBeDefined();
    const { note: _note, ...want } = plain(entry.expect) as Fields;
    expect(run?.(plain(entry.given) as Fields, want)).toEqual(want);
  });
});
