import { describe, expect, it } from "vitest";
import { blockOrder, floorLog2, trailingZeros } from "#dmasim/base/addr.js";
import {
  AMD_ALL_PAGES,
  amdFlushCommands,
  amdInvalidateAddress,
  amdNaturalPieces,
} from "#dmasim/pagetable/amd_invalidate.js";
import {
  leafTtl,
  type TlbiRequest,
  tlbiCommands,
  tlbiSubmissions,
  tlbiWords,
} from "#dmasim/pagetable/smmu_invalidate.js";

const K4 = 4096;

describe("address arithmetic of invalidations", () => {
  it("counts zeros and orders over 52 bits", () => {
    expect([1, 8, 2 ** 31, 2 ** 32, 2 ** 40 + 2 ** 35, 0].map(trailingZeros)).toEqual([0, 3, 31, 32, 35, 52]);
    expect([1, 2, 3, 2 ** 31, 2 ** 32 - 1, 2 ** 40 + 1].map(floorLog2)).toEqual([0, 1, 1, 31, 31, 40]);
    expect([blockOrder(5, 5), blockOrder(4, 5), blockOrder(3, 4), blockOrder(2 ** 32 - 1, 2 ** 32)]).toEqual([
      0, 1, 3, 33,
    ]);
  });
});

describe("AMD-Vi", () => {
  it("names the page, or the block that holds both ends", () => {
    expect(amdInvalidateAddress(0x1000, 0x1fff)).toBe(0x1000);
    expect(amdInvalidateAddress(0x2000, 0x3fff)).toBe(0x2001);
    expect(amdInvalidateAddress(0x1000, 0x2fff)).toBe(0x1001);
    expect(amdInvalidateAddress(0x7000, 0x8fff)).toBe(0x7001);
    expect(amdInvalidateAddress(0xfffff000, 0x100000fff)).toBe(0xfffff001);
    expect(amdInvalidateAddress(0x100000000, 0x1ffffffff)).toBe(0x17ffff001);
  });

  it("invalidates everything beyond bit 51", () => {
    const everything = AMD_ALL_PAGES.hi * 2 ** 32 + AMD_ALL_PAGES.lo;
    expect(amdInvalidateAddress(0, 2 ** 64 - 1)).toBe(everything);
    expect(everything).toBe(Number("0x7ffffffffffff001"));
    expect(amdInvalidateAddress(0, 2 ** 52 - 1)).toBe(2 ** 51 - K4 + 1);
  });

  it("is cut into aligned pieces for a virtual unit", () => {
    expect(amdNaturalPieces(0x1000, 0x6fff)).toEqual([
      { start: 0x1000, bytes: 0x1000 },
      { start: 0x2000, bytes: 0x2000 },
      { start: 0x4000, bytes: 0x2000 },
      { start: 0x6000, bytes: 0x1000 },
    ]);
    expect(amdNaturalPieces(0, 0x4fff)).toEqual([
      { start: 0, bytes: 0x4000 },
      { start: 0x4000, bytes: 0x1000 },
    ]);
  });

  it("flushes the unit, then the device TLBs, then waits", () => {
    expect(amdFlushCommands(0x2000, 0x3fff, false, 1)).toEqual([
      { command: "INVALIDATE_IOMMU_PAGES", address: 0x2001 },
      { command: "INVALIDATE_IOTLB_PAGES", address: 0x2001 },
      { command: "COMPLETION_WAIT", address: 0 },
    ]);
    expect(amdFlushCommands(0x1000, 0x6fff, true, 0).length).toBe(5);
  });
});

describe("SMMUv3", () => {
  const request = (pages: number, changes: Partial<TlbiRequest> = {}): TlbiRequest => ({
    iova: 0x100000,
    bytes: pages * K4,
    granuleShift: 12,
    pageShift: 12,
    leaf: true,
    rangeCapable: true,
    ...changes,
  });
  const ranges = (pages: number) => tlbiCommands(request(pages))?.map(({ scale, num }) => [scale, num + 1]);

  it("covers a range with five bits of its page count at a time", () => {
    expect(ranges(1)).toEqual([[0, 1]]);
    expect(ranges(513)).toEqual([
      [0, 1],
      [9, 1],
    ]);
    expect(ranges(31)).toEqual([[0, 31]]);
    expect(ranges(32)).toEqual([[5, 1]]);
    expect(ranges(1023)).toEqual([
      [0, 31],
      [5, 31],
    ]);
    for (const pages of [1, 7, 100, 4097, 123456]) {
      const commands = tlbiCommands(request(pages)) ?? [];
      expect(commands.reduce((sum, each) => sum + each.pages, 0)).toBe(pages);
      let at = 0x100000;
      for (const each of commands) {
        expect(each.addr).toBe(at);
        at += each.pages * K4;
      }
    }
  });

  it("says granule and level of the leaf", () => {
    expect([leafTtl(12, 12), leafTtl(12, 21), leafTtl(12, 30), leafTtl(14, 25), leafTtl(16, 29)]).toEqual([
      3, 2, 1, 2, 2,
    ]);
    const of = (granuleShift: number) => tlbiCommands(request(16, { granuleShift, pageShift: granuleShift }))?.[0];
    expect([12, 14, 16].map((shift) => of(shift)?.tg)).toEqual([1, 2, 3]);
  });

  it("makes a range of one page, when no level is known", () => {
    expect(tlbiCommands(request(1, { leaf: false }))).toMatchObject([{ pages: 2, scale: 1, num: 0, ttl: 0 }]);
    expect(tlbiCommands(request(512, { leaf: false }))).toMatchObject([{ pages: 512, scale: 9, ttl: 0 }]);
  });

  it("takes a command a page without ranges, and one for everything beyond 511", () => {
    const single = (pages: number, pageShift = 12) =>
      tlbiCommands(request(pages, { rangeCapable: false, pageShift }))?.length ?? null;
    expect([single(1), single(511), single(512), single(1024, 21)]).toEqual([1, 511, null, 2]);
  });

  it("is submitted in batches of 64, with the sync in the last", () => {
    expect([1, 63, 64, 65, 511].map(tlbiSubmissions)).toEqual([1, 1, 2, 2, 8]);
  });

  it("encodes a command", () => {
    const [command] = tlbiCommands(request(31)) ?? [];
    expect(command && tlbiWords(command, 5)).toEqual([0x1e012, 5 * 2 ** 16, 0x100000 + 0x701, 0]);
  });
});
