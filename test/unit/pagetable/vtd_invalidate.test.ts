import { describe, expect, it } from "vitest";
import {
  deviceTlbAddressWord,
  deviceTlbDescriptor,
  IOTLB_GRANULARITY,
  iotlbDescriptor,
  needsDomainSelective,
  pageSelective,
} from "#dmasim/pagetable/vtd_invalidate.js";

describe("VT-d invalidation requests", () => {
  it("covers a range by the smallest aligned power-of-two block", () => {
    expect(pageSelective(0x1000, 0x1fff)).toEqual({ addr: 0x1000, addressMask: 0, pages: 1 });
    expect(pageSelective(0x2000, 0x3fff)).toEqual({ addr: 0x2000, addressMask: 1, pages: 2 });
    expect(pageSelective(0x1000, 0x2fff)).toEqual({ addr: 0, addressMask: 2, pages: 4 });
    expect(pageSelective(0x7000, 0x8fff)).toEqual({ addr: 0, addressMask: 4, pages: 16 });
  });

  it("needs 2^21 pages for two pages around 4 GiB", () => {
    expect(pageSelective(0xfffff000, 0x100000fff)).toEqual({ addr: 0, addressMask: 21, pages: 2 ** 21 });
  });

  it("falls back to the domain when the unit cannot do it page by page", () => {
    const wide = pageSelective(0xfffff000, 0x100000fff);
    expect(needsDomainSelective(wide, true, 18)).toBe(true);
    expect(needsDomainSelective(pageSelective(0x1000, 0x1fff), true, 18)).toBe(false);
    expect(needsDomainSelective(pageSelective(0x1000, 0x1fff), false, 18)).toBe(true);
  });

  it("encodes an IOTLB descriptor", () => {
    const request = { domainId: 5, addr: 0x2000, addressMask: 1, drainWrites: true, drainReads: true, leafOnly: false };
    expect(iotlbDescriptor({ ...request, granularity: IOTLB_GRANULARITY.page })).toEqual({ qw0: 0x500f2, qw1: 0x2001 });
    expect(iotlbDescriptor({ ...request, granularity: IOTLB_GRANULARITY.page, leafOnly: true }).qw1).toBe(0x2041);
    expect(iotlbDescriptor({ ...request, granularity: IOTLB_GRANULARITY.domain, addr: 0, addressMask: 0 })).toEqual({
      qw0: 0x500e2,
      qw1: 0,
    });
  });

  it("encodes the size of a device-TLB invalidation in the address", () => {
    expect(deviceTlbAddressWord(0x5000, 0)).toBe(0x5000);
    expect(deviceTlbAddressWord(0x4000, 1)).toBe(0x4001);
    expect(deviceTlbAddressWord(0x200000, 9)).toBe(0x2ff001);
    expect(deviceTlbDescriptor(0x0300, 16, 0x5000, 0).qw0).toBe(0x300 * 2 ** 32 + 0x100003);
    expect(deviceTlbDescriptor(0x0300, 32, 0x5000, 0).qw0).toBe(0x300 * 2 ** 32 + 3);
  });
});
