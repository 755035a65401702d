import { describe, expect, it } from "vitest";
import { formatIomem, PhysMap, type PhysRegion } from "#dmasim/memory/physmap.js";

const GIB = 2 ** 30;

function region(name: string, kind: PhysRegion["kind"], start: number, bytes: number, memmap: PhysRegion["memmap"]) {
  return { name, kind, start, bytes, memmap, node: 0, deviceIndex: kind === "device" ? 3 : -1 };
}

const regions = [
  region("dax0.0", "pmem", 4 * GIB, 16 * GIB, "zone-device"),
  region("low", "ram", 0x100000, 0x7fe00000, "ram"),
  region("hole", "reserved", 0xfec00000, 0x1000, "none"),
  region("0000:01:00.0", "device", 0xe0000000, 2 ** 24, "p2pdma"),
  region("gpu0-private", "device", 2 ** 46, 8 * GIB, "private"),
  region("far", "ram", 20 * GIB, 2 ** 40, "ram"),
];
const map = new PhysMap(regions);

describe("PhysMap", () => {
  it("finds the region of first and last byte, and nothing in gaps", () => {
    for (const wanted of regions) {
      expect(map.regionAt(wanted.start)?.name).toBe(wanted.name);
      expect(map.regionAt(wanted.start + wanted.bytes - 1)?.name).toBe(wanted.name);
    }
    for (const phys of [0, 0xfffff, 0x100000 + 0x7fe00000, 2 ** 46 + 8 * GIB, 2 ** 46 - 1, 2 ** 52 - 1]) {
      expect(map.regionAt(phys), phys.toString(16)).toBeUndefined();
    }
  });

  it("decodes ranges, also across neighbouring regions, but not holes, gaps or private pages", () => {
    expect(map.decodes(0x100000, 1)).toBe(true);
    expect(map.decodes(20 * GIB - 4096, 8192)).toBe(true);
    expect(map.decodes(0xe0000000 + 2 ** 24 - 8, 8)).toBe(true);
    expect(map.decodes(0xe0000000 + 2 ** 24 - 8, 9)).toBe(false);
    expect(map.decodes(0xfec00000, 4)).toBe(false);
    expect(map.decodes(2 ** 46, 4096)).toBe(false);
    expect(map.decodes(0xd0000000, 4)).toBe(false);
    expect(new PhysMap([]).decodes(0, 1)).toBe(false);
  });

  it("prints like /proc/iomem", () => {
    expect(formatIomem(map)).toBe(
      [
        "00100000-7fefffff : System RAM",
        "e0000000-e0ffffff : 0000:01:00.0",
        "fec00000-fec00fff : Reserved",
        "100000000-4ffffffff : Persistent Memory",
        "  100000000-4ffffffff : dax0.0",
        "500000000-104ffffffff : System RAM",
        "400000000000-4001ffffffff : gpu0-private",
        "",
      ].join("\n"),
    );
  });

  it("refuses regions that overlap or leave the address space", () => {
    const overlapping = [region("a", "ram", 0, 8192, "ram"), region("b", "ram", 4096, 4096, "ram")];
    expect(() => new PhysMap(overlapping)).toThrow(/a and b overlap.*0x1000.*0x2000/s);
    expect(() => new PhysMap([region("a", "ram", 2 ** 52 - 4096, 8192, "ram")])).toThrow(/does not fit/);
    expect(() => new PhysMap([region("a", "ram", 0, 0, "ram")])).toThrow(/does not fit/);
  });
});
