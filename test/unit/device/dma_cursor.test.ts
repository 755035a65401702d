import { describe, expect, it } from "vitest";
import type { DeviceAccess } from "#dmasim/device/access.js";
import { DmaCursor } from "#dmasim/device/dma_cursor.js";
import { sgSetDma } from "#dmasim/host/dma/scatterlist.js";
import { Arena } from "#dmasim/shm/arena.js";
import { DMA_STATUS } from "#dmasim/shm/dma_status.js";
import { sgNext } from "#dmasim/shm/sg_entry.js";
import { listOf } from "../../support/list.ts";

const arena = Arena.create();
const PAGE = 4096;

/** Memory lies one GiB above its DMA address; every page is an IOTLB entry of its own and takes two levels to walk. */
class PagedAccess {
  phys = 0;
  bytes = 0;
  walkLevels = 0;
  slot = 0;

  resolve(dmaAddr: number, left: number): number {
    this.phys = dmaAddr + 2 ** 30;
    this.bytes = Math.min(left, PAGE - (dmaAddr % PAGE));
    this.walkLevels = 2;
    this.slot = Math.floor(dmaAddr / PAGE);
    return DMA_STATUS.ok;
  }
}

const access = new PagedAccess() as unknown as DeviceAccess;

function listAt(pairs: readonly (readonly [number, number])[]): number {
  const sg = listOf(
    arena,
    pairs.map(([, bytes]) => [0x10000, bytes] as const),
  );
  let at = sg;
  for (const [dmaAddr, bytes] of pairs) {
    sgSetDma(arena, at, dmaAddr, bytes);
    at = sgNext(arena, at);
  }
  return sg;
}

function piecesOf(cursor: DmaCursor) {
  const pieces = [];
  while (cursor.left > 0 && cursor.next(arena, access, false) === DMA_STATUS.ok) {
    const { dmaAddr, phys, bytes, streamOff, levels, slot, left } = cursor;
    pieces.push({ dmaAddr, phys: phys - 2 ** 30, bytes, streamOff, levels, slot, left });
  }
  return pieces;
}

describe("DmaCursor", () => {
  const sg = listAt([
    [0x5800, 0x1000],
    [0x9000, 0x800],
  ]);

  it("goes through a list piece by piece, with the translation of each", () => {
    const cursor = new DmaCursor();
    for (let turn = 0; turn < 2; turn += 1) {
      cursor.begin(arena, sg, 2, 0x1800);
      expect(piecesOf(cursor)).toEqual([
        { dmaAddr: 0x5800, phys: 0x5800, bytes: 0x800, streamOff: 0, levels: 2, slot: 5, left: 0x1000 },
        { dmaAddr: 0x6000, phys: 0x6000, bytes: 0x800, streamOff: 0x800, levels: 2, slot: 6, left: 0x800 },
        { dmaAddr: 0x9000, phys: 0x9000, bytes: 0x800, streamOff: 0x1000, levels: 2, slot: 9, left: 0 },
      ]);
      expect(cursor.entered).toBe(2);
    }
  });

  it("ends in the list's middle, and finds nothing behind its last entry", () => {
    const cursor = new DmaCursor();
    cursor.begin(arena, sg, 2, 0x900);
    expect(piecesOf(cursor).map(({ bytes }) => bytes)).toEqual([0x800, 0x100]);
    expect(cursor.entered).toBe(1);
    cursor.begin(arena, sg, 1, 0x1800);
    expect(piecesOf(cursor).map(({ bytes }) => bytes)).toEqual([0x800, 0x800]);
    expect([cursor.left, cursor.next(arena, access, false)]).toEqual([0x800, DMA_STATUS.busError]);
  });
});
