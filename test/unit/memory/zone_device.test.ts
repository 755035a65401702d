import { describe, expect, it } from "vitest";
import {
  checkSections,
  checkSubsections,
  checkZoneDevice,
  memmapBytes,
  namespaceDataOffset,
} from "#dmasim/memory/zone_device.js";

const MIB = 2 ** 20;

describe("ZONE_DEVICE", () => {
  it("costs 64 bytes a page", () => {
    expect(memmapBytes(2 ** 40, 4096)).toBe(2 ** 34);
  });

  it("needs whole 2 MiB subsections since 5.3", () => {
    expect(checkSubsections(0x100200000, 0x200000)).toBe(0);
    expect(checkSubsections(0x100100000, 0x200000)).toBe(-22);
    expect(checkSubsections(0x100200000, 0x100000)).toBe(-22);
  });

  it("collides with RAM of the same section before 5.3", () => {
    const ram = [{ start: 0x100000000, end: 0x104000000 }];
    expect(checkSections(ram, 0x104000000, 64 * MIB)).toEqual({
      alignedStart: 0x100000000,
      alignedBytes: 128 * MIB,
      intersects: "mixed",
      ret: -6,
    });
    expect(checkSections(ram, 0x108000000, 64 * MIB).intersects).toBe("disjoint");
    expect(checkSections([{ start: 0, end: 2 ** 33 }], 0x104000000, MIB)).toMatchObject({
      intersects: "intersects",
      ret: 0,
    });
    expect(checkZoneDevice("4.1", ram, 0x104000000, 64 * MIB)).toBe(-6);
    expect(checkZoneDevice("6.12", ram, 0x104000000, 64 * MIB)).toBe(0);
  });

  it("puts data behind info block and altmap", () => {
    expect(namespaceDataOffset(0x100000000, 256 * MIB, false)).toBe(2 * MIB);
    expect(namespaceDataOffset(0x100000000, 256 * MIB, true)).toBe(6 * MIB);
  });
});
