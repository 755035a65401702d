import { describe, expect, it } from "vitest";
import { Memmap } from "#dmasim/memory/memmap.js";
import { memoryBlockBytes, planHotAdd, tryOffline } from "#dmasim/memory/memory_block.js";
import { PhysMap } from "#dmasim/memory/physmap.js";
import { Arena } from "#dmasim/shm/arena.js";

const MIB = 2 ** 20;
const GIB = 2 ** 30;

describe("memory blocks", () => {
  it("are one section on small machines and grow with memory", () => {
    expect(memoryBlockBytes(8 * GIB)).toBe(128 * MIB);
    expect(memoryBlockBytes(256 * GIB)).toBe(2 * GIB);
    expect(memoryBlockBytes(65 * GIB)).toBe(GIB);
    expect(memoryBlockBytes(64 * GIB + 384 * MIB)).toBe(128 * MIB);
  });

  it("pay their struct pages from RAM or from themselves", () => {
    expect(planHotAdd(4 * GIB, GIB, 128 * MIB, "ram")).toMatchObject({
      ret: 0,
      blocks: 8,
      memmapBytes: 16 * MIB,
      usableBytes: GIB,
    });
    const own = planHotAdd(4 * GIB, GIB, 128 * MIB, "block");
    expect(own).toMatchObject({ memmapOnMemory: true, usableBytes: GIB - 16 * MIB });
  });

  it("are added whole or not at all", () => {
    expect(planHotAdd(4 * GIB + 64 * MIB, GIB, 128 * MIB, "ram").ret).toBe(-22);
    expect(planHotAdd(4 * GIB, GIB + MIB, 128 * MIB, "ram").ret).toBe(-22);
  });

  it("do not go while a page is pinned", () => {
    const arena = Arena.create();
    const map = new PhysMap([
      { name: "dimm1", kind: "ram", start: 4 * GIB, bytes: GIB, memmap: "ram", node: 0, deviceIndex: -1 },
    ]);
    const memmap = new Memmap(map);
    memmap.pinPages(arena, 4 * GIB + 0x5000, 8192, 1);
    expect(tryOffline(arena, 4 * GIB, 128 * MIB)).toEqual({ ret: -16, pinnedPages: 2, firstPfn: 0x100005 });
    expect(tryOffline(arena, 4 * GIB + 128 * MIB, 128 * MIB).ret).toBe(0);
    memmap.unpinPages(arena, 4 * GIB + 0x5000, 8192);
    expect(tryOffline(arena, 4 * GIB, 128 * MIB).ret).toBe(0);
  });
});
