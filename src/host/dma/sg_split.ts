/**
 * Splitting a list by bytes (lib/sg_split.c).
 *
 * Two known defects are reproduced under `shipped`: a `skip` that ends exactly at an entry's end leaves an empty
 * entry at the head of the first output; and when the last split ends inside an entry that others follow, the
 * walk does not stop, so that the output takes these entries too, the last of them with length 0.
 */
import type { Defects } from "../../base/era.ts";
import type { Arena } from "../../shm/arena.ts";
import { SG } from "../../shm/layout.ts";
import { sgNext } from "../../shm/sg_entry.ts";
import { MAP_FAILURES } from "../status.ts";
import {
  sgDmaAddress,
  sgDmaLength,
  sgHasPage,
  sgMarkEnd,
  sgNents,
  sgOffset,
  sgPfn,
  sgSetDma,
  sgSetPage,
  sgSetPfn,
} from "./scatterlist.ts";
import { allocSg, freeSg } from "./sg_table.ts";

/** What one output takes: `nents` entries from `first` on, without the first `skip` bytes, the last one cut to `lastBytes`. */
interface Part {
  first: number;
  skip: number;
  nents: number;
  lastBytes: number;
}

/** The list to split: leave out `skipBytes`, then one output of each size (sg_split). */
export interface SplitRequest {
  readonly sg: number;
  /** DMA entries when the list is mapped, else 0. */
  readonly mappedNents: number;
  readonly skipBytes: number;
  readonly sizes: readonly number[];
}

/** One output list with its CPU and DMA entry counts; `mappedNents` is 0 when the input was not mapped. */
export interface SplitOutput {
  readonly sg: number;
  readonly nents: number;
  readonly mappedNents: number;
}

/** New lists, one per size; or -(failure code): fewer bytes than asked for, or pool exhausted. The input stays as it is. */
export function sgSplit(arena: Arena, owner: number, defects: Defects, request: SplitRequest): SplitOutput[] | number {
  const parts = planParts(arena, defects, request, sgNents(arena, request.sg), SG.length);
  if (parts === undefined) return -MAP_FAILURES.invalid.code;
  const mapped = request.mappedNents > 0;
  const mappedParts = mapped ? planParts(arena, defects, request, request.mappedNents, SG.dmaLength) : [];
  if (mappedParts === undefined) return -MAP_FAILURES.invalid.code;
  const outputs: SplitOutput[] = [];
  for (const [index, part] of parts.entries()) {
    const mappedPart = mappedParts[index];
    const sg = allocSg(arena, owner, Math.max(part.nents, mappedPart?.nents ?? 0));
    if (sg < 0) {
      for (const output of outputs) freeSg(arena, owner, output.sg);
      return sg;
    }
    copyCpuSide(arena, sg, part);
    if (mappedPart !== undefined) copyDmaSide(arena, sg, mappedPart);
    outputs.push({ sg, nents: part.nents, mappedNents: mappedPart?.nents ?? 0 });
  }
  return outputs;
}

/** Walks the entries (lengths in field `lengthWord`) and cuts them into parts; undefined when bytes are missing. */
function planParts(
  arena: Arena,
  defects: Defects,
  request: SplitRequest,
  nents: number,
  lengthWord: number,
): Part[] | undefined {
  const shipped = defects === "shipped";
  const parts: Part[] = request.sizes.map(() => ({ first: 0, skip: 0, nents: 0, lastBytes: 0 }));
  let current = 0;
  let left = request.sizes[0] ?? 0;
  let skip = request.skipBytes;
  let splitsLeft = parts.length;
  let at = request.sg;
  for (let i = 0; i < nents && at !== 0; i += 1, at = sgNext(arena, at)) {
    const length = arena.u32[at + lengthWord] as number;
    if (skip > length || (!shipped && skip === length)) {
      skip -= length;
      continue;
    }
    let taken = Math.min(left, length - skip);
    left -= takeEntry(parts[current], at, skip, taken);
    while (left === 0 && skip + taken < length) {
      splitsLeft -= 1;
      if (splitsLeft <= 0) break;
      skip += taken;
      current += 1;
      left = request.sizes[current] ?? 0;
      taken = Math.min(left, length - skip);
      left -= takeEntry(parts[current], at, skip, taken);
    }
    skip = 0;
    if (left === 0 && splitsLeft <= 0 && !shipped) break;
    if (left === 0) {
      // The defect: a last split that ended inside the entry has been counted already, and is counted again.
      splitsLeft -= 1;
      if (splitsLeft > 0) left = request.sizes[++current] ?? 0;
    }
    if (splitsLeft === 0) break;
  }
  return left > 0 || parts[0]?.first === 0 ? undefined : parts;
}

function takeEntry(part: Part | undefined, entry: number, skip: number, taken: number): number {
  if (part === undefined) return taken;
  if (part.first === 0) {
    part.first = entry;
    part.skip = skip;
  }
  part.nents += 1;
  part.lastBytes = taken;
  return taken;
}

function copyCpuSide(arena: Arena, out: number, part: Part): void {
  let from = part.first;
  let to = out;
  for (let i = 0; i < part.nents; i += 1) {
    const skip = i === 0 ? part.skip : 0;
    const length = i === part.nents - 1 ? part.lastBytes : (arena.u32[from + SG.length] as number) - skip;
    const set = sgHasPage(arena, from) ? sgSetPage : sgSetPfn;
    set(arena, to, sgPfn(arena, from), length, sgOffset(arena, from) + skip);
    if (i === part.nents - 1) sgMarkEnd(arena, to);
    from = sgNext(arena, from);
    to = sgNext(arena, to);
  }
}

function copyDmaSide(arena: Arena, out: number, part: Part): void {
  let from = part.first;
  let to = out;
  for (let i = 0; i < part.nents && to !== 0; i += 1) {
    const skip = i === 0 ? part.skip : 0;
    const length = i === part.nents - 1 ? part.lastBytes : sgDmaLength(arena, from) - skip;
    sgSetDma(arena, to, sgDmaAddress(arena, from) + skip, length);
    from = sgNext(arena, from);
    to = sgNext(arena, to);
  }
}
