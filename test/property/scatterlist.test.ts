import { describe, expect, it } from "vitest";
import { Prng } from "#dmasim/base/prng.js";
import {
  sgDmaAddress,
  sgDmaLength,
  sgHasPage,
  sgIsLast,
  sgLast,
  sgLength,
  sgNents,
  sgOffset,
  sgPfn,
  sgPhys,
  sgSetDma,
  sgSetPage,
  sgSetPfn,
  sgVirt,
} from "#dmasim/host/dma/scatterlist.js";
import { sgCopyFromBuffer, sgCopyToBuffer, sgZero } from "#dmasim/host/dma/sg_copy.js";
import { SgMiter, sgNentsForDma, sgNentsForLen, sgPageCount } from "#dmasim/host/dma/sg_iterate.js";
import { appendPages, newAppendTable, type SgAppendTable } from "#dmasim/host/dma/sg_pages.js";
import { sgSplit } from "#dmasim/host/dma/sg_split.js";
import { allocSg, freeSg, sgArraySlots, sgEntriesUsed } from "#dmasim/host/dma/sg_table.js";
import { MAP_FAILURES } from "#dmasim/host/status.js";
import { commit, lookup } from "#dmasim/memory/backing.js";
import { Arena } from "#dmasim/shm/arena.js";
import { sgNext } from "#dmasim/shm/sg_entry.js";
import * as model from "../support/scatterlist_model.ts";
import { type Draw, runSequences, SEQUENCES_TIMEOUT_MS } from "../support/sequences.ts";

const PAGE = 4096;
/** Pages that lists lie in; all inside one 64 KiB chunk, so that both memories are compared at once. */
const PAGES = 16;
const LISTS_MAX = 6;
const INVALID = -MAP_FAILURES.invalid.code;
const NO_PAGE = -MAP_FAILURES.noPage.code;

interface List {
  readonly sg: number;
  readonly entries: model.ModelEntry[];
}

interface Run {
  readonly ops: Draw;
  readonly defects: "shipped" | "corrected";
  /** What the entries of the sequence are: all with pages, all without, or either. */
  readonly backing: "pages" | "no pages" | "mixed";
  readonly lists: List[];
  /** Bytes of the pages, as the model has them. */
  readonly memory: Uint8Array;
}

const arena = Arena.create();
const memoryAt = commit(arena, 0);
const buffer = new Uint8Array(400);
const seen = { refusedCopies: 0, copies: 0, splits: 0, refusedSplits: 0, chained: 0, appended: 0, partial: 0 };

function same(actual: number | boolean, expected: number | boolean, what: string): void {
  if (actual !== expected) throw new Error(`${what}: ${actual}, model ${expected}`);
}

function sameList(sg: number, entries: readonly model.ModelEntry[], what: string): void {
  let at = sg;
  for (const [index, entry] of entries.entries()) {
    if (at === 0) throw new Error(`${what} ends before entry ${index}`);
    same(sgPfn(arena, at), entry.pfn, `${what}, pfn of entry ${index}`);
    same(sgOffset(arena, at), entry.offset, `${what}, offset of entry ${index}`);
    same(sgLength(arena, at), entry.length, `${what}, length of entry ${index}`);
    same(sgHasPage(arena, at), entry.hasPage, `${what}, page of entry ${index}`);
    same(sgIsLast(arena, at), index === entries.length - 1, `${what}, end at entry ${index}`);
    at = sgNext(arena, at);
  }
}

/** An entry inside the pages; its offset may lie beyond its first page. */
function drawEntry({ ops, backing }: Run, word: number): model.ModelEntry {
  const roll = ops.below(word, 2 ** 30);
  const pfn = roll % 11;
  const offset = Math.floor(roll / 11) % 9000;
  const length = 1 + (Math.floor(roll / 99000) % (roll % 3 === 0 ? 8000 : 300));
  return { pfn, offset, length, hasPage: backing === "mixed" ? roll % 2 === 0 : backing === "pages" };
}

/** A table of its own; now and then one that needs chaining. */
function allocate(run: Run): void {
  const { ops, lists } = run;
  const nents = ops.below(1, 40) === 0 ? 100 + ops.below(2, 300) : ops.below(2, 9);
  ops.log?.(`allocate ${nents} entries`);
  const sg = allocSg(arena, 0, nents);
  if (nents === 0) {
    same(sg, INVALID, "an empty table");
    return;
  }
  const chunks = model.chunksOf(nents);
  if (chunks.length > 1) seen.chained += 1;
  same(sgArraySlots(arena, sg).join(), chunks.join() as never, "arrays");
  const entries: model.ModelEntry[] = [];
  const first = drawEntry(run, 3);
  for (let at = sg; at !== 0; at = sgNext(arena, at)) {
    const entry = { ...first, pfn: (first.pfn + entries.length) % 11 };
    const set = entry.hasPage !== (run.backing === "mixed" && entries.length % 3 === 1) ? sgSetPage : sgSetPfn;
    set(arena, at, entry.pfn, entry.length, entry.offset);
    entries.push({ ...entry, hasPage: set === sgSetPage });
  }
  lists.push({ sg, entries });
}

/** A table from page arrays, in one call or in several. */
function append({ ops, lists }: Run): void {
  const count = 1 + ops.below(1, 12);
  const calls = 1 + ops.below(2, 3);
  const maxSegment = [PAGE - 1, PAGE, 2 * PAGE + 5, 3 * PAGE, 2 ** 32 - 1][ops.below(2, 15) % 5] as number;
  const step = 1 + ops.below(3, 3);
  const pfns = Array.from({ length: count }, (_, i) => {
    return (
      (ops.below(3, 11) + i + Math.floor(ops.below(1, 2 ** 20) / 2 ** (i % 16)) * (step === 1 ? 0 : i % step)) % 11
    );
  });
  const pgmapOf = (pfn: number) => (step === 3 && pfn >= 5 ? 1 : 0);
  const offset = ops.below(3, 4) === 0 ? ops.below(1, PAGE) : 0;
  const cut = calls === 1 ? ops.below(2, PAGE - offset) : 0;
  ops.log?.(`pages ${pfns} from ${offset} without ${cut}, segments ${maxSegment}, ${calls} calls, seam ${step === 3}`);
  const table = newAppendTable();
  const entries: model.ModelEntry[] = [];
  for (let call = 0; call < calls; call += 1) {
    const part = pfns.slice(Math.floor((count * call) / calls), Math.floor((count * (call + 1)) / calls));
    if (part.length === 0) continue;
    const isFirst = entries.length === 0;
    const start = isFirst ? offset : 0;
    const bytes = part.length * PAGE - start - (calls === 1 ? cut : 0);
    const leftPages = count - Math.floor((count * (call + 1)) / calls);
    const pages = { pfns: part, bytes, maxSegmentBytes: maxSegment, leftPages, pgmapOf };
    if (!isFirst) same(appendPages(arena, 0, table, { ...pages, offset: 8 }), INVALID, "an offset on a later call");
    const status = appendPages(arena, 0, table, { ...pages, offset: start });
    same(status, maxSegment < PAGE ? INVALID : 0, "append");
    if (status < 0) return;
    model.appendPages(entries, part, pgmapOf, start, bytes, maxSegment);
  }
  seen.appended += 1;
  checkTable(table, entries);
  lists.push({ sg: table.sgl, entries });
}

function checkTable(table: SgAppendTable, entries: readonly model.ModelEntry[]): void {
  same(table.nents, entries.length, "nents of the table");
  same(table.origNents, entries.length, "orig_nents of the table");
  same(table.totalNents >= entries.length, true, "slots for every entry");
  sameList(table.sgl, entries, "table");
}

/** Counts of one list. */
function count({ ops }: Run, { sg, entries }: List): void {
  const bytes = model.bytesOf(entries);
  const len = ops.below(1, bytes + 200);
  ops.log?.(`count entries for ${len} of ${bytes} bytes`);
  const expected = model.nentsForLen(entries, len);
  same(sgNentsForLen(arena, sg, len), expected < 0 ? INVALID : expected, "nents for len");
  same(sgNents(arena, sg), entries.length, "nents");
  const index = ops.below(2, entries.length);
  let at = sg;
  for (let i = 0; i < index; i += 1) at = sgNext(arena, at);
  const { pfn, offset, length, hasPage } = entries[index] as model.ModelEntry;
  same(sgPhys(arena, at), pfn * PAGE + offset, "phys");
  same(sgVirt(arena, at), hasPage ? pfn * PAGE + offset : -1, "virtual address");
  same(sgPageCount(arena, at), Math.ceil((offset + length) / PAGE), "pages");
  same(sgIsLast(arena, sgLast(arena, sg, entries.length)), true, "last");
}

/** Walks the list from some byte on; pieces are consumed in part now and then. */
function iterate({ ops }: Run, { sg, entries }: List): void {
  const bytes = model.bytesOf(entries);
  const skip = ops.below(1, 3) === 0 ? ops.below(2, bytes + 100) : 0;
  ops.log?.(`iterate ${bytes} bytes from ${skip}`);
  const miter = new SgMiter(arena, sg, entries.length);
  same(miter.skip(skip), skip <= bytes, "skip");
  if (skip > bytes) return;
  let at = skip;
  for (let turn = 0; turn < 12; turn += 1) {
    const piece = model.pieceAt(entries, at);
    same(miter.next(), piece !== null, `a piece at byte ${at}`);
    if (piece === null) return;
    same(miter.pfn, piece.pfn, `pfn of the piece at ${at}`);
    same(miter.pageOffset, piece.pageOffset, `offset of the piece at ${at}`);
    same(miter.length, piece.length, `length of the piece at ${at}`);
    same(miter.hasPage, piece.hasPage, `page of the piece at ${at}`);
    const consumed = ops.below(3, 4096 + turn) % 3 === 0 ? ops.below(3, piece.length + 1) : piece.length;
    if (consumed < piece.length) seen.partial += 1;
    miter.consumed = consumed;
    at += consumed;
  }
}

/** Copies out of, into, or zeroes a part of the list. */
function copy({ ops, memory }: Run, { sg, entries }: List): void {
  const bytes = ops.below(2, buffer.length + 1);
  const skip = ops.below(1, model.bytesOf(entries) + 20);
  const kind = ops.below(3, 3);
  const part = buffer.subarray(0, bytes);
  ops.log?.(`copy (${kind}) ${bytes} bytes from ${skip}`);
  let done = 0;
  let expected = 0;
  if (kind === 0) {
    done = sgCopyToBuffer(arena, sg, entries.length, part, skip);
    expected = model.eachByte(entries, bytes, skip, (phys, i) => {
      if (part[i] !== memory[phys]) throw new Error(`byte ${i} copied: ${part[i]}, model ${memory[phys]}`);
    });
  } else {
    const seed = ops.below(0, 256);
    for (let i = 0; i < bytes; i += 1) part[i] = i * 7 + seed;
    const zero = kind === 1;
    done = zero
      ? sgZero(arena, sg, entries.length, bytes, skip)
      : sgCopyFromBuffer(arena, sg, entries.length, part, skip);
    expected = model.eachByte(entries, bytes, skip, (phys, i) => {
      memory[phys] = zero ? 0 : (part[i] as number);
    });
  }
  same(done, expected < 0 ? NO_PAGE : expected, "bytes copied");
  if (expected < 0) seen.refusedCopies += 1;
  else seen.copies += 1;
}

/** Splits the list, with a DMA side of one entry for every two of the CPU side. */
function split(run: Run, { sg, entries }: List): void {
  const { ops, defects } = run;
  if (entries.length > 40) return;
  const bytes = model.bytesOf(entries);
  const skip = ops.below(1, 2) === 0 ? model.bytesOf(entries.slice(0, ops.below(2, 4))) : ops.below(2, bytes);
  const left = Math.max(1, bytes - skip);
  const parts = 1 + ops.below(1, 3);
  const total = ops.below(3, 3) === 0 ? left : 1 + ops.below(3, left + 10);
  const sizes = Array.from({ length: parts }, () => Math.max(1, Math.floor(total / parts)));
  if (total === left) sizes[0] = Math.max(1, left - sizes.slice(1).reduce((sum, size) => sum + size, 0));
  ops.log?.(`split ${entries.map(({ length }) => length)} from ${skip} into ${sizes}`);
  const dma = setDmaSide(sg, entries);
  const outputs = sgSplit(arena, 0, defects, { sg, mappedNents: dma.length, skipBytes: skip, sizes });
  const expected = model.split(entries, skip, sizes, defects === "shipped");
  if (typeof outputs === "number" || expected === null) {
    same(typeof outputs === "number" ? outputs : 0, expected === null ? INVALID : 0, "split");
    seen.refusedSplits += 1;
    return;
  }
  const mapped = model.split(dma, skip, sizes, defects === "shipped") as model.ModelEntry[][];
  for (const [index, output] of outputs.entries()) {
    const want = expected[index] as model.ModelEntry[];
    same(output.nents, want.length, `entries of output ${index}`);
    sameList(output.sg, want, `output ${index}`);
    sameDma(output.sg, output.mappedNents, mapped[index] as model.ModelEntry[], index);
    freeSg(arena, 0, output.sg);
  }
  seen.splits += 1;
}

/** Merges every two entries into one DMA entry; `offset` of the model is the DMA address. */
function setDmaSide(sg: number, entries: readonly model.ModelEntry[]): model.ModelEntry[] {
  const dma: model.ModelEntry[] = [];
  for (const [index, { length }] of entries.entries()) {
    const last = dma[dma.length - 1];
    if (index % 2 === 1 && last !== undefined) last.length += length;
    else dma.push({ pfn: 0, offset: 0xfff00000 - index * 65536, length, hasPage: true });
  }
  let at = sg;
  for (let i = 0; at !== 0; i += 1, at = sgNext(arena, at))
    sgSetDma(arena, at, dma[i]?.offset ?? 0, dma[i]?.length ?? 0);
  const max = 3000;
  const descriptors = dma.reduce((sum, { length }) => sum + Math.ceil(length / max), 0);
  same(sgNentsForDma(arena, sg, dma.length, max), descriptors, "descriptors");
  return dma;
}

function sameDma(sg: number, nents: number, want: readonly model.ModelEntry[], output: number): void {
  same(nents, want.length, `DMA entries of output ${output}`);
  let at = sg;
  for (const [index, { offset, length }] of want.entries()) {
    // The shipped defect may take more DMA entries than the output has entries; there the kernel runs off the list.
    if (at === 0) return;
    same(sgDmaAddress(arena, at), offset, `DMA address ${index} of output ${output}`);
    same(sgDmaLength(arena, at), length, `DMA length ${index} of output ${output}`);
    at = sgNext(arena, at);
  }
}

function free({ ops, lists }: Run, index: number): void {
  const list = lists[index] as List;
  ops.log?.(`free a list of ${list.entries.length}`);
  sameList(list.sg, list.entries, "list");
  freeSg(arena, 0, list.sg);
  lists[index] = lists[lists.length - 1] as List;
  lists.pop();
}

/** Runs one sequence; a failed one leaves no lists either. */
function runSequence(seed: number, ops: Draw): void {
  const prng = new Prng(seed);
  const run: Run = {
    ops,
    defects: prng.below(2) === 0 ? "shipped" : "corrected",
    backing: (["pages", "no pages", "mixed", "mixed"] as const)[prng.below(4)] ?? "mixed",
    lists: [],
    memory: new Uint8Array(PAGES * PAGE),
  };
  arena.u8.fill(0, memoryAt, memoryAt + PAGES * PAGE);
  const used = sgEntriesUsed(arena);
  try {
    for (let op = 0; op < ops.length; op += 1) {
      ops.seek(op);
      step(run);
    }
    same(Buffer.compare(arena.u8.subarray(memoryAt, memoryAt + PAGES * PAGE), run.memory), 0, "memory");
  } finally {
    while (run.lists.length > 0) freeSg(arena, 0, (run.lists.pop() as List).sg);
  }
  same(sgEntriesUsed(arena), used, "slots in use at the end");
}

function step(run: Run): void {
  const { ops, lists } = run;
  const choice = ops.below(0, 100);
  const at = lists.length === 0 ? -1 : (ops.below(0, 100_000) % 1000) % lists.length;
  if (at < 0 || (choice < 22 && lists.length < LISTS_MAX)) {
    if (choice % 3 === 0 && run.backing !== "no pages") append(run);
    else allocate(run);
    return;
  }
  const list = lists[at] as List;
  if (choice < 35) free(run, at);
  else if (choice < 50) count(run, list);
  else if (choice < 70) iterate(run, list);
  else if (choice < 88) copy(run, list);
  else split(run, list);
}

describe("scatterlists against a naive model", () => {
  const length = (seed: number) => 50 + (seed % 111);

  it("allocates, coalesces, splits, iterates, copies and counts as the facts say", {
    timeout: SEQUENCES_TIMEOUT_MS,
  }, () => {
    expect(lookup(arena, 0)).toBe(memoryAt);
    const totals = runSequences({ length, run: runSequence });
    if (totals.sequences === 1) return;
    expect(totals.operations).toBeGreaterThan(1e6);
    for (const times of Object.values(seen)) expect(times).toBeGreaterThan(1000);
  });
});
