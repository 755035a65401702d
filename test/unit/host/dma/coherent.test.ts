import { describe, expect, it } from "vitest";
import {
  allocCoherent,
  CoherentBuffer,
  coherentZone,
  freeCoherent,
  type PagePort,
  ZONE,
  ZONE_LIMITS_X86,
} from "#dmasim/host/dma/coherent.js";
import { ATTR } from "#dmasim/host/dma/device.js";
import { countIovas } from "#dmasim/host/iommu/iova.js";
import { flushCpuRcaches } from "#dmasim/host/iommu/magazine.js";
import { failureOf } from "#dmasim/host/status.js";
import { readByte, writeByte } from "#dmasim/memory/copy.js";
import { setUpDomain, translated } from "../../../support/domain.ts";
import { makeContext, makeDevice } from "../../../support/host.ts";

const K4 = 4096;

/** Hands out rising pages of each zone, at most `pagesMax` at a time, and counts what is out. */
class Pages implements PagePort {
  out = 0;
  readonly taken: number[] = [];
  readonly #next = [0x2_0000_0000, 0x1000_0000, 0x10_0000];
  readonly #pagesMax: number;
  constructor(pagesMax = 1 << 20) {
    this.#pagesMax = pagesMax;
  }
  take(zone: number, pages: number): number {
    if (pages > this.#pagesMax) return -1;
    const phys = this.#next[zone] ?? 0;
    this.#next[zone] = phys + pages * K4;
    this.out += pages;
    this.taken.push(zone);
    return phys;
  }
  give(_phys: number, pages: number): void {
    this.out -= pages;
  }
}

function errno(status: number): number {
  return failureOf(-status)?.errno ?? 0;
}

describe("coherent memory without an IOMMU", () => {
  it("picks the zone by the mask", () => {
    const zone = (dmaMask: number) => coherentZone(makeDevice({ dmaMask }), ZONE_LIMITS_X86);
    expect([2 ** 24 - 1, 2 ** 32 - 1, 2 ** 30 - 1, 2 ** 40 - 1].map(zone)).toEqual([
      ZONE.dma,
      ZONE.dma32,
      ZONE.dma32,
      ZONE.normal,
    ]);
  });

  it("is whole pages of zeros at their physical address", () => {
    const ctx = makeContext();
    const [pages, buffer] = [new Pages(), new CoherentBuffer()];
    writeByte(ctx.arena, 0x1000_0000, 0xff);
    const device = makeDevice({ dmaMask: 2 ** 32 - 1 });
    expect(allocCoherent(ctx, device, pages, ZONE_LIMITS_X86, buffer, 5000, 0)).toBe(0);
    expect(buffer).toMatchObject({ phys: 0x1000_0000, dmaAddr: 0x1000_0000, bytes: 2 * K4 });
    expect(readByte(ctx.arena, 0x1000_0000)).toBe(0);
    freeCoherent(ctx, device, pages, buffer);
    freeCoherent(ctx, device, pages, buffer);
    expect(pages.out).toBe(0);
  });

  it("tries a lower zone when the pages lie too high, and gives up below the lowest", () => {
    const [pages, buffer] = [new Pages(), new CoherentBuffer()];
    const low = makeDevice({ dmaMask: 2 ** 28 - 1 });
    expect(allocCoherent(makeContext(), low, pages, ZONE_LIMITS_X86, buffer, K4, 0)).toBe(0);
    expect(pages.taken).toEqual([ZONE.dma32, ZONE.dma]);
    const lowest = makeDevice({ dmaMask: 2 ** 16 - 1 });
    expect(errno(allocCoherent(makeContext(), lowest, pages, ZONE_LIMITS_X86, buffer, K4, 0))).toBe(-5);
    expect(pages.out).toBe(1);
  });

  it("says when there are no pages", () => {
    const status = allocCoherent(
      makeContext(),
      makeDevice(),
      new Pages(0),
      ZONE_LIMITS_X86,
      new CoherentBuffer(),
      K4,
      0,
    );
    expect(errno(status)).toBe(-12);
  });
});

describe("coherent memory behind an IOMMU", () => {
  it("joins pieces in one IOVA range and frees all of it", () => {
    const ctx = makeContext();
    const domain = setUpDomain(ctx);
    const device = makeDevice({ domain, dmaMask: 2 ** 32 - 1 });
    const [pages, buffer] = [new Pages(3), new CoherentBuffer()];
    expect(allocCoherent(ctx, device, pages, ZONE_LIMITS_X86, buffer, 10 * K4, 0)).toBe(0);
    expect(pages.taken.length).toBe(4);
    expect(pages.out).toBe(10);
    for (let page = 0; page < 10; page += 1) {
      expect(translated(ctx.arena, domain, (buffer.dmaAddr as number) + page * K4)).toBe(0x2_0000_0000 + page * K4);
    }
    freeCoherent(ctx, device, pages, buffer);
    expect(ctx.invalidations.length).toBe(1);
    flushCpuRcaches(ctx, domain);
    expect([pages.out, countIovas(ctx.arena, domain)]).toEqual([0, 0]);
  });

  it("takes single pages or one piece when asked to", () => {
    const ctx = makeContext();
    const device = makeDevice({ domain: setUpDomain(ctx) });
    const [pages, buffer] = [new Pages(), new CoherentBuffer()];
    allocCoherent(ctx, device, pages, ZONE_LIMITS_X86, buffer, 4 * K4, ATTR.allocSinglePages);
    expect(pages.taken.length).toBe(4);
    const few = new Pages(2);
    const status = allocCoherent(ctx, device, few, ZONE_LIMITS_X86, buffer, 4 * K4, ATTR.forceContiguous);
    expect(errno(status)).toBe(-12);
    expect(few.out).toBe(0);
  });
});
