import { describe, expect, it } from "vitest";
import { DaxFile, type DaxMode } from "#dmasim/memory/dax_file.js";
import { Memmap, pinsHeld } from "#dmasim/memory/memmap.js";
import { PhysMap } from "#dmasim/memory/physmap.js";
import { Arena } from "#dmasim/shm/arena.js";

const MIB = 2 ** 20;
const GIB = 2 ** 30;

function open(mode: DaxMode, memmap: "zone-device" | "none" = "zone-device") {
  const arena = Arena.create();
  const map = new PhysMap([
    { name: "pmem0", kind: "pmem", start: 4 * GIB, bytes: GIB, memmap, node: 0, deviceIndex: -1 },
  ]);
  const extents = [
    { offset: 0, phys: 4 * GIB + 32 * MIB, bytes: 2 * MIB },
    { offset: 2 * MIB, phys: 4 * GIB + 8 * MIB, bytes: 2 * MIB },
  ];
  return { arena, file: new DaxFile(mode, new Memmap(map), arena, 1, extents) };
}

describe("DaxFile", () => {
  it("pins across extents and gives back", () => {
    const { arena, file } = open("fsdax");
    expect(file.pin(2 * MIB - 4096, 8192, false)).toBe(0);
    expect(pinsHeld(arena)).toBe(2);
    expect(file.busyPage(0)).toBe((4 * GIB + 34 * MIB - 4096) / 4096);
    expect(file.unpin(2 * MIB - 4096, 8192)).toBe(0);
    expect(file.unpin(2 * MIB - 4096, 8192)).toBe(-22);
    expect(pinsHeld(arena)).toBe(0);
  });

  it("refuses a long-term pin of a filesystem's file, and gives one on device-DAX", () => {
    expect(open("fsdax").file.pin(0, 4096, true)).toBe(-95);
    expect(open("devdax").file.pin(0, 4096, true)).toBe(0);
  });

  it("has nothing to pin without struct pages, or behind its end", () => {
    expect(open("fsdax", "none").file.pin(0, 4096, false)).toBe(-14);
    expect(open("fsdax").file.pin(4 * MIB - 4096, 8192, false)).toBe(-14);
  });

  it("is not truncated under DMA: blocks go back only when the last pin has gone", () => {
    const { file } = open("fsdax");
    file.pin(2 * MIB, 65536, false);
    file.pin(2 * MIB, 4096, false);
    expect(file.truncate(MIB)).toBe(-16);
    expect(file.bytes).toBe(4 * MIB);
    // What stays may be pinned.
    expect(file.truncate(3 * MIB)).toBe(0);
    file.unpin(2 * MIB, 65536);
    expect(file.truncate(MIB)).toBe(-16);
    file.unpin(2 * MIB, 4096);
    expect(file.truncate(MIB)).toBe(0);
    expect(file.bytes).toBe(MIB);
    expect(file.resolve(MIB, 1)).toBeNull();
    expect(open("devdax").file.truncate(0)).toBe(-22);
  });
});
