/** Cases of the area `scatterlist`: allocation, page arrays, iteration, copying, splitting. */
import { PAGE_BYTES } from "../../base/addr.ts";
import { sgNents, sgSetDma } from "../../host/dma/scatterlist.ts";
import { sgCopyToBuffer } from "../../host/dma/sg_copy.ts";
import { SgMiter, sgNentsForLen } from "../../host/dma/sg_iterate.ts";
import { appendPages, newAppendTable, type PageArray } from "../../host/dma/sg_pages.ts";
import { type SplitOutput, sgSplit } from "../../host/dma/sg_split.ts";
import { allocSg, planChunks, SG_MAX_SINGLE_ALLOC, sgArraySlots } from "../../host/dma/sg_table.ts";
import { sgNext } from "../../shm/sg_entry.ts";
import { cpuSide, dmaSide, entryOf, errnoOf, listOf } from "./entries.ts";
import { type Fields, type Given, isFields, UnreadableCase } from "./given.ts";
import type { OpTable } from "./runner.ts";
import type { CaseState } from "./state.ts";

const SIZEOF_SCATTERLIST = 32;

/** Adapters of the area. */
export const SCATTERLIST_OPS: OpTable = {
  sg_alloc_table: allocTable,
  sg_alloc_table_from_pages_segment: fromPages,
  sg_append: append,
  sg_miter: iterate,
  sg_nents_for_len: nentsForLen,
  sg_pcopy_to_buffer: copyToBuffer,
  sg_split: split,
};

/** A list of pages of 4 KiB and entries of 32 bytes is really allocated; other geometries are planned only. */
function allocTable(given: Given, { arena }: CaseState): Fields {
  const nents = given.count("nents");
  const slotsMax = Math.floor(
    given.number("page_size", PAGE_BYTES) / given.number("sizeof_scatterlist", SIZEOF_SCATTERLIST),
  );
  if (!(slotsMax >= 2)) throw new UnreadableCase("a page holds fewer than two entries");
  const first = given.count("nents_first_chunk", 0);
  const isReal = nents <= 0 || (slotsMax === SG_MAX_SINGLE_ALLOC && first === 0);
  const sg = isReal ? allocSg(arena, 0, nents) : 0;
  if (sg < 0) return { ret: errnoOf(sg) };
  const slots = isReal ? sgArraySlots(arena, sg) : planChunks(nents, slotsMax, first);
  const payload = slots.map((count, i) => (i === slots.length - 1 ? count : count - 1));
  const origNents = isReal ? sgNents(arena, sg) : nents;
  return {
    ret: 0,
    nents: origNents,
    orig_nents: origNents,
    payload_entries_per_chunk: payload,
    chunk_alloc_entries: slots,
    chunks: slots.length,
  };
}

function fromPages(given: Given, { arena, era }: CaseState): Fields {
  const table = newAppendTable();
  const status = appendPages(arena, 0, table, { ...pagesOf(given, given), ...pgmapsOf([given], era) });
  if (status < 0) return { ret: errnoOf(status) };
  return tableFields(arena, table);
}

/** `first`, `second`, ... in order, or a list `calls`; every call but the last leaves pages to come. */
function append(given: Given, { arena, era }: CaseState): Fields {
  const table = newAppendTable();
  const calls = given.has("calls") ? given.records("calls") : recordsIn(given);
  const pages = calls.map((call) => pagesOf(call, given));
  const pgmaps = pgmapsOf(calls, era);
  const rets: number[] = [];
  for (const [index, page] of pages.entries()) {
    const later = pages.slice(index + 1).reduce((sum, next) => sum + next.pfns.length, 0);
    const leftPages = calls[index]?.number("left_pages", later) ?? later;
    rets.push(errnoOf(appendPages(arena, 0, table, { ...page, leftPages, ...pgmaps })));
  }
  return { ...tableFields(arena, table), ret: rets.find((ret) => ret < 0) ?? 0, rets };
}

function tableFields(arena: CaseState["arena"], table: ReturnType<typeof newAppendTable>): Fields {
  return {
    ret: 0,
    nents: table.nents,
    orig_nents: table.origNents,
    total_nents: table.totalNents,
    segments: cpuSide(arena, table.sgl, table.nents),
  };
}

/** The objects among the fields, in the order of the file. */
function recordsIn(given: Given): Given[] {
  const names = Object.keys(given.fields).filter((name) => isFields(given.fields[name]));
  return names.flatMap((name) => given.record(name) ?? []);
}

function pagesOf(call: Given, whole: Given): PageArray {
  const pfns = call.numbers("pfns");
  const pageBytes = whole.number("page_size", PAGE_BYTES);
  return {
    pfns,
    offset: call.number("offset", 0),
    bytes: call.number("size", pfns.length * pageBytes - call.number("offset", 0)),
    maxSegmentBytes: call.number("max_segment", whole.number("max_segment", 0xffffffff)),
    pageBytes,
    leftPages: call.number("left_pages", 0),
  };
}

/** Pagemaps of pages, in a field beside each call's `pfns`: a list, or an object by pfn. The kernel looks at them since 6.1. */
function pgmapsOf(calls: readonly Given[], era: CaseState["era"]): Pick<PageArray, "pgmapOf"> {
  const byPfn = new Map<number, string>();
  for (const call of calls) {
    const name = Object.keys(call.fields).find((field) => /pgmap|zone_device/.test(field));
    const value = name === undefined ? undefined : call.fields[name];
    for (const [index, pfn] of call.numbers("pfns").entries()) {
      const pgmap = Array.isArray(value) ? value[index] : isFields(value) ? value[String(pfn)] : undefined;
      if (pgmap !== undefined && pgmap !== null && pgmap !== false && pgmap !== 0) byPfn.set(pfn, String(pgmap));
    }
  }
  if (byPfn.size === 0 || era === "4.1") return {};
  const names = [...new Set(byPfn.values())];
  return { pgmapOf: (pfn) => names.indexOf(byPfn.get(pfn) ?? "") + 1 };
}

/** `skip` leaves bytes out first; `consumed` lowers what one step uses, by step. */
function iterate(given: Given, { arena }: CaseState): Fields {
  const entries = given.records("entries").map(entryOf);
  const miter = new SgMiter(arena, listOf(arena, entries), entries.length, given.number("page_size", PAGE_BYTES));
  const skipped = given.has("skip") ? miter.skip(given.number("skip")) : true;
  const consumed = given.list("consumed", []);
  const steps: Fields[] = [];
  while (skipped && miter.next()) {
    const piece = { pfn: miter.pfn, page_offset: miter.pageOffset, length: miter.length };
    const used = consumed[steps.length];
    if (typeof used === "number") miter.consumed = used;
    steps.push(piece);
  }
  return { steps, skip: skipped, total: steps.reduce((sum, step) => sum + (step.length as number), 0) };
}

function nentsForLen(given: Given, { arena }: CaseState): Fields {
  const sg = listOf(arena, given.records("entries").map(entryOf));
  const results = given.numbers(given.has("lens") ? "lens" : "len").map((len) => {
    const count = sgNentsForLen(arena, sg, len);
    return count < 0 ? errnoOf(count) : count;
  });
  return { results };
}

function copyToBuffer(given: Given, { arena }: CaseState): Fields {
  const entries = given.records("entries").map(entryOf);
  const sg = listOf(arena, entries);
  const total = entries.reduce((sum, entry) => sum + entry.length, 0);
  const returns = given.records("calls").map((call) => {
    const buffer = new Uint8Array(Math.min(call.number("buflen"), total + 1));
    const copied = sgCopyToBuffer(arena, sg, entries.length, buffer, call.number("skip", 0));
    return copied < 0 ? errnoOf(copied) : copied;
  });
  return { returns };
}

/** Entries may carry a mapped DMA side (`dma`, `dma_len`) of which `mapped_nents` count. */
function split(given: Given, { arena, defects }: CaseState): Fields {
  const records = given.records("entries");
  const sg = listOf(arena, records.map(entryOf));
  const mappedNents = given.number("mapped_nents", given.number("in_mapped_nents", 0));
  let at = sg;
  for (const record of records) {
    if (record.has("dma")) sgSetDma(arena, at, record.address("dma"), record.number("dma_len", 0));
    at = sgNext(arena, at);
  }
  const sizes = given.numbers("split_sizes");
  const outputs = sgSplit(arena, 0, defects, { sg, mappedNents, skipBytes: given.number("skip", 0), sizes });
  if (typeof outputs === "number") return { ret: errnoOf(outputs) };
  return {
    ret: 0,
    outputs: outputs.map((output) => outputFields(arena, output)),
    out_mapped_nents: outputs.map((output) => output.mappedNents),
  };
}

/** An output's entries, named by page or by the entry they were cut from; the DMA side where it is mapped. */
function outputFields(arena: CaseState["arena"], output: SplitOutput): Fields[] {
  const dma = dmaSide(arena, output.sg, output.mappedNents);
  return cpuSide(arena, output.sg, output.nents).map((entry, index) => {
    const mapped = dma[index];
    return { ...entry, entry: entry.pfn, ...(mapped === undefined ? {} : { dma: mapped.dma, dma_len: mapped.len }) };
  });
}
