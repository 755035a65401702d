import { describe, expect, it } from "vitest";
import { PROT, tableIndex } from "#dmasim/pagetable/format.js";
import { VTD_SECOND_LEVEL, vtdSecondLevel } from "#dmasim/pagetable/vtd.js";

const RW = PROT.read | PROT.write;

describe("VT-d second-stage format", () => {
  it("has 39, 48 and 57 address bits for 3, 4 and 5 levels", () => {
    expect([3, 4, 5].map((levels) => vtdSecondLevel(levels).addressBits)).toEqual([39, 48, 57]);
    expect(VTD_SECOND_LEVEL.addressLimit).toBe(2 ** 48);
  });

  it("takes nine index bits a level", () => {
    const iova = 3 * 2 ** 39 + 4 * 2 ** 30 + 5 * 2 ** 21 + 511 * 2 ** 12 + 0xabc;
    expect([4, 3, 2, 1].map((level) => tableIndex(VTD_SECOND_LEVEL, iova, level))).toEqual([3, 4, 5, 511]);
  });

  it("encodes a 2 MiB leaf with R, W and PS", () => {
    expect(VTD_SECOND_LEVEL.leafLo(0x40000000, 21, RW)).toBe(0x40000083);
    expect(VTD_SECOND_LEVEL.leafLo(0x40000000, 21, RW | PROT.snoop)).toBe(0x40000883);
  });

  it("decodes what it encodes, over the whole physical range", () => {
    for (const phys of [0, 0x1000, 0xfffff000, 2 ** 32, 2 ** 46 + 0x80000000, 2 ** 52 - 4096]) {
      for (const prot of [PROT.read, PROT.write, RW, RW | PROT.snoop]) {
        const lo = VTD_SECOND_LEVEL.leafLo(phys, 12, prot) | 0;
        const hi = VTD_SECOND_LEVEL.leafHi(phys, 12, prot) | 0;
        expect(VTD_SECOND_LEVEL.isPresent(lo)).toBe(true);
        expect(VTD_SECOND_LEVEL.isLeaf(lo, 1)).toBe(true);
        expect(VTD_SECOND_LEVEL.leafPhys(lo, hi, 1)).toBe(phys);
        expect(VTD_SECOND_LEVEL.leafProt(lo, hi)).toBe(prot);
      }
    }
  });

  it("tells tables from large pages, and absent from present", () => {
    const table = VTD_SECOND_LEVEL.tableLo(2 ** 51 + 0x5000);
    expect(table & 3).toBe(3);
    expect(VTD_SECOND_LEVEL.isLeaf(table, 2)).toBe(false);
    expect(VTD_SECOND_LEVEL.isLeaf(VTD_SECOND_LEVEL.leafLo(0, 21, RW), 2)).toBe(true);
    expect(VTD_SECOND_LEVEL.isPresent(0x40000880)).toBe(false);
  });
});
