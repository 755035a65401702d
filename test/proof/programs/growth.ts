/** Mappings that find the booted pool full and make transient pools, and the worker that adds a pool meanwhile. */
import type { BouncePool, DmaDevice } from "#dmasim/host/dma/device.js";
import { swiotlbMap, swiotlbUnmap } from "#dmasim/host/swiotlb/bounce.js";
import {
  grownPools,
  growPools,
  growthRequested,
  requestGrowth,
  TRANSIENT_WINDOW_BYTES,
} from "#dmasim/host/swiotlb/grown.js";
import { initPool, SET_SLOTS, SLOT_BYTES, SLOT_STRIDE, slotsUsed } from "#dmasim/host/swiotlb/pool.js";
import { transientSlots, transientsMade } from "#dmasim/host/swiotlb/transient.js";
import { SWIOTLB_SLOTS_MAX } from "#dmasim/shm/capacities.js";
import { REGIONS, SLOT } from "#dmasim/shm/layout.js";
import type { Program, World } from "../program.ts";
import { bouncingDevice } from "./bounce.ts";
import { contextOf } from "./context.ts";

/** Room for two grown pools, then for three transient ones. */
const GROWN_START = 2 ** 25;
const GROWN_END = GROWN_START + 2 * TRANSIENT_WINDOW_BYTES;
const POOL: BouncePool = {
  index: 0,
  slotBase: 0,
  areaBase: 0,
  nslabs: SET_SLOTS,
  nareas: 1,
  areaNslabs: SET_SLOTS,
  start: 2 ** 26,
  growth: {
    grownStart: GROWN_START,
    grownEnd: GROWN_END,
    transientStart: GROWN_END,
    transientEnd: GROWN_END + 3 * TRANSIENT_WINDOW_BYTES,
  },
};
const FULL_BYTES = SET_SLOTS * SLOT_BYTES;
const SLOTS = 2;
const BYTES = SLOTS * SLOT_BYTES;
const TO_DEVICE = 1;
const ORIG = 2 ** 33;
/** Results: the mapping that each thread holds, 0 = none; then what went wrong, and pools added. */
const TWO_OWNERS = 4;
const NOT_FOUND = 5;
const NO_ROOM = 6;
const ADDED = 7;

function grownSlotWord(slot: number): number {
  return REGIONS.slots.word + (SWIOTLB_SLOTS_MAX + slot) * SLOT_STRIDE;
}

function deviceOf(thread: number): DmaDevice {
  return bouncingDevice(POOL, thread);
}

function map({ arena, thread, put, get }: World): void {
  const ctx = contextOf(arena, thread);
  const device = deviceOf(thread);
  const tlb = swiotlbMap(ctx, device, ORIG, BYTES, 0, TO_DEVICE, 0);
  if (tlb < 0) {
    put(NO_ROOM, 1);
    return;
  }
  for (let other = 0; other < TWO_OWNERS; other += 1) {
    if (get(other) !== 0 && Math.abs(get(other) - tlb) < BYTES) put(TWO_OWNERS, 1);
  }
  put(thread, tlb);
  // The window of a transient pool is free for others in the step in which the unmap gives it back.
  const held = get(thread);
  put(thread, 0);
  if (swiotlbUnmap(ctx, device, held, BYTES, TO_DEVICE, 0) !== 0) put(NOT_FOUND, 1);
}

/** Slots of the first grown pool that two mappings take. */
const GROWN_SLOTS = Array.from({ length: 2 * SLOTS }, (_, slot) => grownSlotWord(slot) + SLOT.allocSize);

export const growth: Program = {
  // As in bounce.ts, of the grown pool.
  racy: GROWN_SLOTS.map((word) => [word, word + 1]),
  setUp(arena) {
    initPool(arena, POOL.index, POOL.slotBase, POOL.areaBase, POOL.nslabs, POOL.nareas, POOL.start);
    swiotlbMap(contextOf(arena, 0), deviceOf(0), ORIG, FULL_BYTES, 0, TO_DEVICE, 0);
    requestGrowth(arena, POOL);
  },
  roles: {
    map,
    grow: ({ arena, thread, put, get }) => {
      const isAdded = growPools(contextOf(arena, thread), POOL) > 0;
      put(ADDED, get(ADDED) + (isAdded ? 1 : 0));
    },
  },
  judge(arena, results) {
    if (results[TWO_OWNERS] !== 0) return "one slot for two mappings";
    if (results[NOT_FOUND] !== 0) return "a mapping not found";
    if (results[NO_ROOM] !== 0) return "no room for a mapping";
    if (slotsUsed(arena, POOL) !== SET_SLOTS || transientSlots(arena, POOL) !== 0) return "slots left behind";
    if (grownPools(arena, POOL) !== results[ADDED]) return "two pools in one place";
    // Who made a transient pool has asked for growth: it was done, or it still stands.
    if (results[ADDED] === 0 && !growthRequested(arena, POOL)) return "a request for growth lost";
    return transientsMade(arena, POOL) === 0 ? "grown" : "transient pools";
  },
};
