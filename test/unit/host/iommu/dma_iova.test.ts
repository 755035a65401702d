import { describe, expect, it } from "vitest";
import type { Era } from "#dmasim/base/era.js";
import type { DmaDevice, DmaDomain } from "#dmasim/host/dma/device.js";
import { allocDmaIova, freeDmaIova, iovaLimit, isDacForced } from "#dmasim/host/iommu/dma_iova.js";
import { countIovas, initDomainIova } from "#dmasim/host/iommu/iova.js";
import { makeContext, makeDevice, makeDomain } from "../../../support/host.ts";

const shared = makeContext();
const MASK_64 = Number.MAX_SAFE_INTEGER;
let domainsUsed = 0;

function fresh(era: Era, domainParts: Partial<DmaDomain> = {}, deviceParts: Partial<DmaDevice> = {}) {
  const domain = makeDomain({ index: domainsUsed, ...domainParts });
  domainsUsed += 1;
  initDomainIova(shared.arena, domain, 1);
  return { ctx: { ...shared, era }, domain, device: makeDevice({ domain, dmaMask: MASK_64, ...deviceParts }) };
}

const FOUR_GIB = 2 ** 32;
const TOP_48 = 2 ** 48;

describe("allocDmaIova", () => {
  it("starts below 4 GiB and rounds up to granules", () => {
    const { ctx, device } = fresh("6.12");
    expect(allocDmaIova(ctx, device, 1)).toBe(0xfffff000);
    expect(allocDmaIova(ctx, device, 4097)).toBe(0xffffc000);
  });

  it("leaves the 32-bit space for good after its first failure since 6.12", () => {
    const { ctx, domain, device } = fresh("6.12");
    const other = { ...device, index: 40 };
    expect(allocDmaIova(ctx, device, FOUR_GIB)).toBe(TOP_48 - FOUR_GIB);
    expect([isDacForced(ctx, device, domain), isDacForced(ctx, other, domain)]).toEqual([true, false]);
    expect(allocDmaIova(ctx, device, 4096)).toBe(TOP_48 - FOUR_GIB - 4096);
    expect(allocDmaIova(ctx, other, 4096)).toBe(0xfffff000);
  });

  it("tries the 32-bit space every time in 6.1", () => {
    const { ctx, device } = fresh("6.1");
    expect(allocDmaIova(ctx, device, FOUR_GIB)).toBe(TOP_48 - FOUR_GIB);
    expect(allocDmaIova(ctx, device, 4096)).toBe(0xfffff000);
  });

  it("rounds sizes to powers of two in 4.1", () => {
    const { ctx, device } = fresh("4.1");
    expect(allocDmaIova(ctx, device, 33 * 4096)).toBe(0xfffc0000);
    expect(allocDmaIova(ctx, device, 4096)).toBe(0xfffbf000);
  });

  it("goes straight to the mask with iommu.forcedac, or when the mask is below 4 GiB", () => {
    const forced = fresh("6.1", { forcedac: true });
    expect(allocDmaIova(forced.ctx, forced.device, 4096)).toBe(TOP_48 - 4096);
    const narrow = fresh("6.12", {}, { dmaMask: 2 ** 24 - 1 });
    expect(allocDmaIova(narrow.ctx, narrow.device, 4096)).toBe(2 ** 24 - 4096);
  });

  it("reports exhaustion as -1", () => {
    const { ctx, device } = fresh("6.12", {}, { dmaMask: 2 ** 13 - 1 });
    expect(allocDmaIova(ctx, device, 4096)).toBe(4096);
    expect(allocDmaIova(ctx, device, 4096)).toBe(-1);
  });

  it("respects mask, bus limit and address width", () => {
    const { domain, device } = fresh("6.12", { addressBits: 39 });
    expect(iovaLimit(device, domain)).toBe(2 ** 39 - 1);
    expect(iovaLimit({ ...device, busDmaLimit: 2 ** 34 - 1 }, domain)).toBe(2 ** 34 - 1);
    expect(iovaLimit({ ...device, busDmaLimit: 2 ** 34 - 1, dmaMask: 2 ** 32 - 1 }, domain)).toBe(2 ** 32 - 1);
    expect(iovaLimit(device, { ...domain, addressBits: 57 })).toBe(2 ** 52 - 1);
  });
});

describe("freeDmaIova", () => {
  it("frees at once in a strict domain", () => {
    const { ctx, domain, device } = fresh("6.12");
    const iova = allocDmaIova(ctx, device, 8192);
    freeDmaIova(ctx, domain, iova, 8192);
    expect(allocDmaIova(ctx, device, 8192)).toBe(iova);
  });

  it("queues in a lazy domain", () => {
    const { ctx, domain, device } = fresh("6.12", { mode: "lazy" });
    const iova = allocDmaIova(ctx, device, 8192);
    freeDmaIova(ctx, domain, iova, 8192);
    expect(allocDmaIova(ctx, device, 8192)).toBe(iova - 8192);
    expect(countIovas(ctx.arena, domain)).toBe(2);
  });

  it("returns large ranges to the tree", () => {
    const { ctx, domain, device } = fresh("6.12");
    freeDmaIova(ctx, domain, allocDmaIova(ctx, device, 2 ** 20), 2 ** 20);
    expect(countIovas(ctx.arena, domain)).toBe(0);
  });
});
