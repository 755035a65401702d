import { describe, expect, it } from "vitest";
import { DMA_MAPPING_ERROR } from "#dmasim/base/addr.js";
import { ATTR } from "#dmasim/host/dma/device.js";
import {
  addressingLimited,
  BYTES_UNLIMITED,
  dmaCapable,
  dmaLimit,
  maskSupported,
  maxMappingSize,
  mergeBoundary,
  optMappingSize,
  requiredMask,
  segBoundaryMaskDefault,
} from "#dmasim/host/dma/limits.js";
import { busAddressText, dmaToPhys, lastBusAddress, physToDma, rangesShow } from "#dmasim/host/dma/range_map.js";
import { refusalLines, refusalText, sgtableErrno } from "#dmasim/host/dma/refusal.js";
import { MAP_FAILURES } from "#dmasim/host/status.js";
import { setUpPool } from "../../../support/domain.ts";
import { makeContext, makeDevice, makeDomain } from "../../../support/host.ts";

const ctx = makeContext();
const pool = setUpPool(ctx);
const LAST_PAGE = 0x13ffff000;

describe("device limits", () => {
  it("reaches up to the mask, inclusive, and no further than the bus", () => {
    const device = makeDevice({ dmaMask: 0xffffffff });
    expect(dmaCapable(device, 0xfffff000, 4096)).toBe(true);
    expect(dmaCapable(device, 0xfffff000, 4097)).toBe(false);
    expect(dmaCapable(device, 0x100000000, 1)).toBe(false);
    const behindBus = makeDevice({ dmaMask: 0xffffffff, busDmaLimit: 0x3fffffff });
    expect(dmaLimit(behindBus)).toBe(0x3fffffff);
    expect(dmaCapable(behindBus, 0x3ffff000, 4096)).toBe(true);
    expect(dmaCapable(behindBus, 0x40000000, 1)).toBe(false);
  });

  it("knows the mask that all of RAM needs", () => {
    expect(requiredMask(makeDevice(), LAST_PAGE)).toBe(0x1ffffffff);
    expect(requiredMask(makeDevice({ domain: makeDomain() }), LAST_PAGE)).toBe(0xffffffff);
    expect(addressingLimited(makeDevice({ dmaMask: 0xffffffff }), LAST_PAGE)).toBe(true);
    expect(addressingLimited(makeDevice(), LAST_PAGE)).toBe(false);
    expect(maskSupported(makeDevice(), 0xffffff, LAST_PAGE, 0xffffff)).toBe(true);
    expect(maskSupported(makeDevice(), 0x7fffff, LAST_PAGE, 0xffffff)).toBe(false);
  });

  it("limits mappings only where they may bounce", () => {
    expect(maxMappingSize(makeDevice({ pool, dmaMask: 0xffffffff, minAlignMask: 0xfff }), LAST_PAGE)).toBe(258048);
    expect(maxMappingSize(makeDevice({ pool, forceBounce: true }), LAST_PAGE)).toBe(262144);
    expect(maxMappingSize(makeDevice({ pool }), LAST_PAGE)).toBe(BYTES_UNLIMITED);
    const domain = makeDomain();
    expect(maxMappingSize(makeDevice({ pool, domain, forceBounce: true }), LAST_PAGE)).toBe(BYTES_UNLIMITED);
    expect(maxMappingSize(makeDevice({ pool, domain, untrusted: true }), LAST_PAGE)).toBe(262144);
    expect(optMappingSize(makeDevice({ domain }), LAST_PAGE)).toBe(131072);
    expect(optMappingSize(makeDevice(), LAST_PAGE)).toBe(BYTES_UNLIMITED);
    expect([mergeBoundary(makeDevice({ domain })), mergeBoundary(makeDevice())]).toEqual([4095, 0]);
    expect([segBoundaryMaskDefault("4.1"), segBoundaryMaskDefault("6.1")]).toEqual([
      0xffffffff,
      Number.MAX_SAFE_INTEGER,
    ]);
  });

  it("translates by the ranges of a bus", () => {
    const ranges = [{ cpuStart: 0x80000000, dmaStart: 0, bytes: 0x40000000 }];
    expect([0x80001000, 0xbfffffff, 0xc0000000].map((phys) => physToDma(ranges, phys))).toEqual([
      0x1000,
      0x3fffffff,
      DMA_MAPPING_ERROR,
    ]);
    expect([dmaToPhys(ranges, 0x1000), dmaToPhys(ranges, 0x40000000)]).toEqual([0x80001000, DMA_MAPPING_ERROR]);
    expect([physToDma(null, 5), dmaToPhys(null, 5)]).toEqual([5, 5]);
    expect([busAddressText(0x1000), busAddressText(DMA_MAPPING_ERROR)]).toEqual(["0x1000", "0xffffffffffffffff"]);
    expect(rangesShow(ranges, 0x80000000, 0x40000000)).toBe(true);
    expect(rangesShow(ranges, 0x80000000, 0x40000001)).toBe(false);
    const halves = [0x80000000, 0xa0000000].map((cpuStart) => ({ cpuStart, dmaStart: cpuStart, bytes: 0x20000000 }));
    expect(rangesShow([...halves].reverse(), 0x90000000, 0x30000000)).toBe(true);
    expect(lastBusAddress([...ranges, { cpuStart: 0, dmaStart: 0x70000000, bytes: 0x1000 }])).toBe(0x70000fff);
  });

  it("counts in bus addresses where the bus has ranges", () => {
    const dmaRanges = [{ cpuStart: 0x100000000, dmaStart: 0x40000000, bytes: 0x40000000 }];
    const device = makeDevice({ dmaMask: 0x7fffffff, dmaRanges });
    expect(requiredMask(device, LAST_PAGE)).toBe(0x7fffffff);
    expect(addressingLimited(device, LAST_PAGE)).toBe(false);
    expect(addressingLimited({ ...device, hidesRam: true }, LAST_PAGE)).toBe(true);
    expect(requiredMask(device, 0xfffff000)).toBe(Number.MAX_SAFE_INTEGER);
    expect(addressingLimited(device, 0xfffff000)).toBe(true);
    expect(maskSupported(makeDevice({ dmaRanges }), 0x7fffefff, 0x13ffff000, 0x13ffff000)).toBe(false);
    expect(maskSupported(makeDevice({ dmaRanges }), 0x7ffff000, 0x13ffff000, 0x13ffff000)).toBe(true);
    expect(dmaCapable(makeDevice({ dmaMask: Number.MAX_SAFE_INTEGER }), DMA_MAPPING_ERROR, 1)).toBe(false);
  });
});

describe("refusals in the kernel's words", () => {
  const request = { phys: 0x100000200, bytes: 4096, attrs: 0 };

  it("names address, mask and bus limit", () => {
    const device = makeDevice({ name: "nvme 0000:00:04.0", dmaMask: 0xffffffff });
    const { code } = MAP_FAILURES.maskOverflow;
    expect(refusalLines(ctx, device, { ...request, phys: 0x100000000 }, code)).toEqual([
      "DMA addr 0x0000000100000000+4096 overflow (mask ffffffff, bus limit 0).",
    ]);
    expect(refusalText(ctx, device, request, code)).toMatch(/^nvme 0000:00:04.0: DMA addr/);
    expect(sgtableErrno("6.12", code)).toBe(-5);
    expect(sgtableErrno("4.1", code)).toBe(0);
  });

  it("prints bus addresses, all ones outside every dma-range", () => {
    const dmaRanges = [{ cpuStart: 0x100000000, dmaStart: 0x10000000, bytes: 0x40000000 }];
    const device = makeDevice({ dmaMask: 0xfffffff, busDmaLimit: 0x4fffffff, dmaRanges });
    const { code } = MAP_FAILURES.maskOverflow;
    expect(refusalLines(ctx, device, request, code)).toEqual([
      "DMA addr 0x0000000010000200+4096 overflow (mask fffffff, bus limit 4fffffff).",
    ]);
    expect(refusalLines(ctx, device, { ...request, phys: 0x1000 }, code)[0]).toMatch(/^DMA addr 0xffffffffffffffff/);
  });

  it("counts slots, with the rounding of the era", () => {
    const device = makeDevice({ pool, minAlignMask: 0xfff, dmaMask: 0xffffffff });
    const { code } = MAP_FAILURES.poolFull;
    expect(refusalLines(ctx, device, request, code)).toEqual([
      "swiotlb buffer is full (sz: 4608 bytes), total 1024 (slots), used 0 (slots)",
    ]);
    expect(refusalLines({ ...ctx, era: "6.1" }, device, request, code)[0]).toContain("sz: 4096 bytes");
    expect(refusalLines(ctx, device, { ...request, attrs: ATTR.noWarn }, code)).toEqual([]);
    expect(refusalLines(ctx, makeDevice({ forceBounce: true }), request, code)[0]).toMatch(/SWIOTLB buffer earlier/);
  });

  it("gives the failure's name where the kernel is silent", () => {
    expect(refusalText(ctx, makeDevice(), request, MAP_FAILURES.noIova.code)).toBe(
      "test 0000:00:04.0: IOVA space exhausted",
    );
  });
});
