import { describe, expect, it } from "vitest";
import { Memmap, pinsHeld, pinsOf } from "#dmasim/memory/memmap.js";
import { type PageMode, PhysMap, type PhysRegion } from "#dmasim/memory/physmap.js";
import { Arena } from "#dmasim/shm/arena.js";
import { SECTION_PAGES } from "#dmasim/shm/capacities.js";
import { REGIONS } from "#dmasim/shm/layout.js";

const GIB = 2 ** 30;
const SECTION_BYTES = SECTION_PAGES * 4096;
const OWNER = 1;

function region(name: string, kind: PhysRegion["kind"], start: number, bytes: number, memmap: PageMode): PhysRegion {
  return { name, kind, start, bytes, memmap, node: 0, deviceIndex: -1 };
}

const map = new PhysMap([
  region("ram", "ram", 0, GIB, "ram"),
  region("raw", "pmem", GIB, GIB, "none"),
  region("dax", "pmem", 2 * GIB, GIB, "zone-device"),
  region("bar", "device", 4 * GIB, GIB, "p2pdma"),
  region("gpu", "device", 2 ** 45, GIB, "private"),
  region("big", "ram", 2 ** 40, 2 ** 37, "ram"),
]);

describe("Memmap", () => {
  it("knows which frames have a page, and of what kind", () => {
    const memmap = new Memmap(map);
    expect(memmap.hasPage(0)).toBe(true);
    expect(memmap.hasPage(GIB)).toBe(false);
    expect(memmap.hasPage(3 * GIB)).toBe(false);
    expect(memmap.pfnToPage(0)).toMatchObject({ mode: "ram", pgmap: -1, addressable: true });
    expect(memmap.pfnToPage((2 * GIB) / 4096)).toMatchObject({ mode: "zone-device", pgmap: 2, addressable: true });
    expect(memmap.pfnToPage((4 * GIB) / 4096)).toMatchObject({ mode: "p2pdma", pgmap: 3, addressable: true });
    expect(memmap.pfnToPage(2 ** 33)).toMatchObject({ mode: "private", pgmap: 5, addressable: false });
    expect(memmap.pfnToPage(GIB / 4096)).toBeNull();
  });

  it("counts pins of every page touched, and in total", () => {
    const arena = Arena.create();
    const memmap = new Memmap(map);
    expect(memmap.pinPages(arena, 4095, 2, OWNER)).toBe(true);
    expect(memmap.pinPages(arena, 4096, 4096, OWNER)).toBe(true);
    expect([0, 1, 2].map((pfn) => pinsOf(arena, pfn))).toEqual([1, 2, 0]);
    expect(pinsHeld(arena)).toBe(3);
    expect(memmap.unpinPages(arena, 4095, 2)).toBe(true);
    expect(memmap.unpinPages(arena, 4096, 4096)).toBe(true);
    expect(pinsHeld(arena)).toBe(0);
    expect(memmap.unpinPages(arena, 4096, 4096)).toBe(false);
    expect(pinsHeld(arena)).toBe(0);
    expect(pinsOf(arena, 1)).toBe(0);
  });

  it("crosses sections and regions, pinning nothing where there is no page", () => {
    const arena = Arena.create();
    const memmap = new Memmap(map);
    const start = GIB - 2 * SECTION_BYTES + 4096;
    expect(memmap.pinPages(arena, start, 2 * SECTION_BYTES, OWNER)).toBe(true);
    expect(pinsHeld(arena)).toBe(2 * SECTION_PAGES - 1);
    expect(pinsOf(arena, GIB / 4096 - 1)).toBe(1);
    expect(pinsOf(arena, GIB / 4096)).toBe(0);
    expect(memmap.unpinPages(arena, start, 2 * SECTION_BYTES)).toBe(true);
    expect(pinsHeld(arena)).toBe(0);
    expect(memmap.pinPages(arena, GIB, GIB, OWNER)).toBe(true);
    expect(pinsHeld(arena)).toBe(0);
  });

  it("pins nothing when part of the range does not exist", () => {
    const arena = Arena.create();
    const memmap = new Memmap(map);
    expect(memmap.pinPages(arena, 3 * GIB - 8192, 16384, OWNER)).toBe(false);
    expect(pinsHeld(arena)).toBe(0);
    expect(pinsOf(arena, (3 * GIB) / 4096 - 1)).toBe(0);
  });

  it("gives back what it took when the memmap is full", () => {
    const arena = Arena.create();
    const memmap = new Memmap(map);
    for (let section = 0; section < REGIONS.memmap.count; section += 1) {
      expect(memmap.pinPages(arena, 2 ** 40 + section * SECTION_BYTES, 1, OWNER)).toBe(true);
    }
    const held = pinsHeld(arena);
    const last = 2 ** 40 + (REGIONS.memmap.count - 1) * SECTION_BYTES;
    expect(memmap.pinPages(arena, last, 2 * SECTION_BYTES, OWNER)).toBe(false);
    expect(pinsHeld(arena)).toBe(held);
    expect(pinsOf(arena, last / 4096)).toBe(1);
  });
});
