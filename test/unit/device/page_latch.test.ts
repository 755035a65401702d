import { describe, expect, it } from "vitest";
import { DeviceAccess } from "#dmasim/device/access.js";
import { invalidatePages } from "#dmasim/device/invalidate.js";
import { initIommuUnit } from "#dmasim/device/iotlb.js";
import { DIR } from "#dmasim/host/dma/device.js";
import { mapPhys, unmapPhys } from "#dmasim/host/dma/map.js";
import { PhysMap } from "#dmasim/memory/physmap.js";
import { VTD_SECOND_LEVEL } from "#dmasim/pagetable/vtd.js";
import { DMA_STATUS } from "#dmasim/shm/dma_status.js";
import { setUpDomain } from "../../support/domain.js";
import { makeContext, makeDevice } from "../../support/host.js";

const RAM = 0x10000000;
const PAGE = 4096;

/** A translated device with an IOTLB of `ways` entries in one set, and pages mapped one by one. */
function setUp(ways: number, pages: number) {
  const ctx = makeContext();
  const domain = setUpDomain(ctx);
  const device = makeDevice({ domain });
  initIommuUnit(ctx.arena, 0, ways, ways);
  const ram = {
    name: "ram0",
    kind: "ram",
    start: RAM,
    bytes: 2 ** 20,
    memmap: "ram",
    node: 0,
    deviceIndex: -1,
  } as const;
  const attachment = { unit: 0, domain: domain.index, format: VTD_SECOND_LEVEL };
  const access = new DeviceAccess(ctx.arena, new PhysMap([ram]), attachment, []);
  const iova = Array.from({ length: pages }, (_, i) =>
    mapPhys(ctx, device, RAM + i * PAGE, PAGE, DIR.bidirectional, 0),
  ) as [number, ...number[]];
  return { ctx, domain, device, access, iova };
}

describe("the page that an access used last", () => {
  it("is counted as a lookup, and gives what the IOTLB gives", () => {
    const { access, iova } = setUp(4, 1);
    for (let offset = 0; offset < PAGE; offset += 256) {
      expect(access.resolve(iova[0] + offset, PAGE, false)).toBe(DMA_STATUS.ok);
      expect([access.phys, access.bytes, access.walkLevels > 0]).toEqual([RAM + offset, PAGE - offset, offset === 0]);
    }
    expect([access.lookups, access.misses]).toEqual([16, 1]);
  });

  it("ends at its own last byte", () => {
    const { access, iova } = setUp(4, 1);
    for (let i = 0; i < 3; i += 1) access.resolve(iova[0], 64, true);
    expect(access.resolve(iova[0] + PAGE, 64, true)).toBe(DMA_STATUS.notPresent);
  });

  it("is not used after its invalidation", () => {
    const { ctx, domain, device, access, iova } = setUp(4, 1);
    for (let i = 0; i < 3; i += 1) access.resolve(iova[0], 64, false);
    unmapPhys(ctx, device, iova[0], PAGE, DIR.bidirectional, 0);
    expect(access.resolve(iova[0], 64, false), "strict mode's invalidation is still to come").toBe(DMA_STATUS.ok);
    invalidatePages(ctx.arena, 0, domain.index, iova[0], PAGE);
    expect(access.resolve(iova[0], 64, false)).toBe(DMA_STATUS.notPresent);
  });

  it("is not used after other pages pushed it out of the IOTLB", () => {
    const { access, iova } = setUp(2, 4);
    for (let i = 0; i < 3; i += 1) access.resolve(iova[0], 64, false);
    expect(access.misses).toBe(1);
    // The write side walks through the other pages, which takes both entries.
    for (const other of iova.slice(1)) access.resolve(other, 64, true);
    access.resolve(iova[0], 64, false);
    expect(access.misses).toBe(5);
  });

  it("does not carry a read's permission over to writes", () => {
    const { ctx, device, access } = setUp(4, 1);
    const readOnly = mapPhys(ctx, device, RAM + 8 * PAGE, PAGE, DIR.toDevice, 0);
    for (let i = 0; i < 3; i += 1) expect(access.resolve(readOnly, 64, false)).toBe(DMA_STATUS.ok);
    expect(access.resolve(readOnly, 64, true)).toBe(DMA_STATUS.permission);
  });
});
