/** A slot whose page is revoked and which then shows another, against an access with the first page's generation. */
import { enterWindow, leaveWindows, windowDelta } from "#dmasim/device/window_access.js";
import { PEER_ROUTE } from "#dmasim/host/context.js";
import { sgSetWindow } from "#dmasim/host/dma/scatterlist.js";
import { initWindowSet, type WindowClient, type WindowSet, windowSlotWord } from "#dmasim/host/p2p/window_set.js";
import {
  beginRevoke,
  PeerPage,
  RESOLVED,
  releasePeerPage,
  resolvePeerPage,
  revokeDone,
} from "#dmasim/host/p2p/windows.js";
import { REGIONS, WINDOW_SLOT } from "#dmasim/shm/layout.js";
import type { Program, World } from "../program.ts";
import { contextOf } from "./context.ts";

const PAGE_BYTES = 65536;
const PAGES = 4;
const SET: WindowSet = {
  index: 0,
  device: 0,
  name: "gpu0",
  barStart: 2 ** 38,
  busOffset: 0,
  pageBytes: PAGE_BYTES,
  slots: 1,
  slotsBar: 1,
  slotsBridge: 1,
  slotBase: 0,
  pageBase: 0,
  pages: PAGES,
  memoryStart: 2 ** 45,
  exposableBytes: PAGES * PAGE_BYTES,
  migrates: false,
  ramStart: 2 ** 33,
  ramPages: 4,
};
const CLIENT: WindowClient = { device: 1, route: PEER_ROUTE.busAddr, addressLast: 2 ** 52 - 1 };
const SLOT = windowSlotWord(SET, 0);
const FIRST_GENERATION = 1;
/** The importer's list: one entry. */
const SG = REGIONS.scatterlists.word;
/** Results: accesses that faulted, that were right, and that saw another page. */
const FAULTS = 0;
const RIGHT = 1;
const WRONG = 2;

function pfnOf(page: number): number {
  return (SET.memoryStart + page * PAGE_BYTES) / 4096;
}

/** Takes page 0 back, waits until nothing moves through its slot, shows page 1 there. */
function exporter({ arena, thread, rest }: World): void {
  const ctx = contextOf(arena, thread);
  const page = new PeerPage();
  const slot = beginRevoke(ctx, SET, pfnOf(0));
  while (!revokeDone(ctx, SET, slot)) rest();
  while (resolvePeerPage(ctx, SET, pfnOf(1), CLIENT, page) !== RESOLVED.mapped) rest();
}

/** Gives page 0 back and shows page 1, which takes the only slot: an eviction. */
function evictor({ arena, thread, rest }: World): void {
  const ctx = contextOf(arena, thread);
  const page = new PeerPage();
  releasePeerPage(ctx, SET, 0, FIRST_GENERATION);
  while (resolvePeerPage(ctx, SET, pfnOf(1), CLIENT, page) !== RESOLVED.mapped) rest();
}

/** Moves bytes through page 0's address: the slot must show page 0 from the first byte to the last. */
function engine({ arena, put, get, step }: World): void {
  const own = SET.memoryStart - SET.barStart;
  if (enterWindow(arena, SG, true) !== 0) {
    put(FAULTS, get(FAULTS) + 1);
    return;
  }
  const before = windowDelta(arena, SG);
  step();
  const after = windowDelta(arena, SG);
  leaveWindows(arena, SG, 1);
  const outcome = before === own && after === own ? RIGHT : WRONG;
  put(outcome, get(outcome) + 1);
}

export const window: Program = {
  // Engines all store 1; who clears it comes after the last of them.
  racy: [[SLOT + WINDOW_SLOT.posted, SLOT + WINDOW_SLOT.posted + 1]],
  setUp(arena) {
    initWindowSet(arena, SET);
    const page = new PeerPage();
    resolvePeerPage(contextOf(arena, 9), SET, pfnOf(0), CLIENT, page);
    sgSetWindow(arena, SG, SLOT, FIRST_GENERATION, 4096);
  },
  roles: { exporter, evictor, engine },
  judge(_arena, results) {
    if (results[WRONG] !== 0) return "bytes moved through another page";
    return results[FAULTS] === 0 ? "own page" : "stale window";
  },
};
