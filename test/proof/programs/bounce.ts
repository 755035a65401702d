/** Mappings of two slots and of one in an area of four; a slot in use has one owner. */
import type { BouncePool, DmaDevice } from "#dmasim/host/dma/device.js";
import { swiotlbMap, swiotlbUnmap } from "#dmasim/host/swiotlb/bounce.js";
import { initPool, SLOT_BYTES, slotsUsed, slotWord } from "#dmasim/host/swiotlb/pool.js";
import { SLOT } from "#dmasim/shm/layout.js";
import type { Program, World } from "../program.ts";
import { contextOf } from "./context.ts";

const NSLABS = 4;
const POOL: BouncePool = {
  index: 0,
  slotBase: 0,
  areaBase: 0,
  nslabs: NSLABS,
  nareas: 1,
  areaNslabs: NSLABS,
  start: 2 ** 26,
};
const TO_DEVICE = 1;
/** Results: owner of each slot, then whether a slot had two, a mapping was not found, and mappings that found no room. */
const TWO_OWNERS = NSLABS;
const NOT_FOUND = NSLABS + 1;
const NO_ROOM = NSLABS + 2;

/** A device that bounces everything through `pool`. */
export function bouncingDevice(pool: BouncePool, index: number): DmaDevice {
  return {
    index,
    name: `proof${index}`,
    dmaMask: 2 ** 52 - 1,
    busDmaLimit: 0,
    dmaRanges: null,
    hidesRam: false,
    maxSegBytes: 65536,
    segBoundaryMask: 0xffffffff,
    minAlignMask: 0,
    coherent: true,
    untrusted: false,
    domain: null,
    pool,
    forceBounce: true,
  };
}

function change({ put, get }: World, tlb: number, bytes: number, from: number, to: number): void {
  const first = (tlb - POOL.start) / SLOT_BYTES;
  for (let slot = first; slot < first + bytes / SLOT_BYTES; slot += 1) {
    if (get(slot) !== from) put(TWO_OWNERS, 1);
    put(slot, to);
  }
}

/** Maps so many slots for each entry of `sizes`, then unmaps in the same order. */
function bounce(world: World, sizes: readonly number[]): void {
  const { arena, thread, put, get } = world;
  const ctx = contextOf(arena, thread);
  const device = bouncingDevice(POOL, 0);
  const mapped: [tlb: number, bytes: number][] = [];
  for (const slots of sizes) {
    const bytes = slots * SLOT_BYTES;
    const tlb = swiotlbMap(ctx, device, 2 ** 33, bytes, 0, TO_DEVICE, 0);
    if (tlb < 0) put(NO_ROOM, get(NO_ROOM) + 1);
    else mapped.push([tlb, bytes]);
    if (tlb >= 0) change(world, tlb, bytes, 0, thread + 1);
  }
  for (const [tlb, bytes] of mapped) {
    change(world, tlb, bytes, thread + 1, 0);
    if (swiotlbUnmap(ctx, device, tlb, bytes, TO_DEVICE, 0) !== 0) put(NOT_FOUND, 1);
  }
}

export const bounceArea: Program = {
  // Who unmaps reads the slot before his own without the lock (startsAllocation): whatever it holds says the same.
  racy: Array.from({ length: NSLABS }, (_, slot) => slotWord(POOL, slot) + SLOT.allocSize).map((word) => [
    word,
    word + 1,
  ]),
  setUp(arena) {
    initPool(arena, POOL.index, POOL.slotBase, POOL.areaBase, NSLABS, POOL.nareas, POOL.start);
  },
  roles: {
    pair: (world) => bounce(world, [2]),
    both: (world) => bounce(world, [2, 1]),
  },
  judge(arena, results) {
    if (results[TWO_OWNERS] !== 0) return "a slot of two mappings";
    if (results[NOT_FOUND] !== 0) return "a mapping not found";
    const lists = Array.from({ length: NSLABS }, (_, slot) => arena.i32[slotWord(POOL, slot) + SLOT.list]);
    if (slotsUsed(arena, POOL) !== 0 || lists.some((run, slot) => run !== NSLABS - slot)) return "slots left behind";
    return results[NO_ROOM] === 0 ? "all slots back" : "all slots back, one mapping found no room";
  },
};
