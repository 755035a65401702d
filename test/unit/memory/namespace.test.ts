import { describe, expect, it } from "vitest";
import { type NamespaceRequest, planNamespace, SECTION_RULES } from "#dmasim/memory/namespace.js";
import {
  checkInterleavedSize,
  largestInterleavedSize,
  type Namespace,
  PmemRegion,
  regionAlignBytes,
} from "#dmasim/memory/pmem_region.js";

const MIB = 2 ** 20;
const GIB = 2 ** 30;
const BASE = 0x100000000;

function request(changes: Partial<NamespaceRequest> = {}): NamespaceRequest {
  return {
    name: "namespace1.0",
    start: BASE,
    bytes: GIB,
    map: "mem",
    alignBytes: 2 * MIB,
    ram: [],
    neighbours: [],
    ...changes,
  };
}

describe("planNamespace", () => {
  it("gives whole sections the same layout under every kernel", () => {
    for (const rule of SECTION_RULES) {
      const plan = planNamespace(rule, request());
      expect(plan).toMatchObject({ ret: 0, startPadBytes: 0, endTruncBytes: 0, dataBytes: GIB - 2 * MIB });
    }
  });

  it("takes the struct pages from RAM or from the device: 64 bytes a page of 4 KiB", () => {
    const mem = planNamespace("5.3", request({ bytes: 1024 * GIB }));
    expect(mem.memmapInRamBytes).toBe(mem.memmapBytes);
    expect(mem.memmapBytes).toBeGreaterThan(15.99 * GIB);
    const dev = planNamespace("5.3", request({ bytes: 1024 * GIB, map: "dev" }));
    expect(dev.memmapInRamBytes).toBe(0);
    expect(dev.dataOffsetBytes).toBe(16 * GIB + 2 * MIB);
  });

  it("refuses, pads or shares a section with RAM, by era", () => {
    const ram = [{ start: 0, end: BASE + 64 * MIB }];
    const half = request({ start: BASE + 64 * MIB, bytes: GIB - 64 * MIB, ram });
    expect(planNamespace("4.3", half)).toMatchObject({ ret: -6, dataBytes: 0 });
    const padded = planNamespace("4.5", half);
    expect(padded).toMatchObject({ ret: 0, startPadBytes: 64 * MIB });
    expect(padded.messages).toEqual(["namespace1.0 alignment collision, truncate 67108864 bytes"]);
    expect(planNamespace("5.3", half)).toMatchObject({ ret: 0, startPadBytes: 0, messages: [] });
  });

  it("truncates the end that shares a section with RAM", () => {
    const ram = [{ start: BASE + 192 * MIB, end: BASE + GIB }];
    expect(planNamespace("4.5", request({ bytes: 192 * MIB, ram }))).toMatchObject({ ret: 0, endTruncBytes: 64 * MIB });
    expect(
      planNamespace("4.5", request({ bytes: 64 * MIB, ram: [{ start: BASE + 64 * MIB, end: BASE + GIB }] })).ret,
    ).toBe(-6);
  });

  it("refuses what starts inside a sub-section", () => {
    expect(planNamespace("5.3", request({ start: BASE + MIB })).ret).toBe(-22);
    expect(planNamespace("5.3", request({ bytes: GIB + MIB }))).toMatchObject({ ret: 0, endTruncBytes: MIB });
  });
});

describe("a namespace inside a section that is taken", () => {
  const ram = [{ start: 0, end: BASE + 64 * MIB }];
  const range = { start: BASE + 64 * MIB, end: BASE + 4 * GIB };

  it("is truncated, conflicts and stays half-made until it is destroyed", () => {
    const region = new PmemRegion("4.5", range, ram);
    const first = region.create(GIB, "mem") as Namespace;
    expect(first.plan).toMatchObject({ ret: 0, startPadBytes: 64 * MIB });
    const second = region.create(GIB, "mem") as Namespace;
    expect(second.plan).toMatchObject({ ret: -12, dataBytes: 0 });
    expect(second.plan.messages.at(-1)).toContain("Conflicting mapping in same section");
    // The half-made one blocks later ones.
    expect(region.create(GIB, "mem")).toBe(-16);
    expect(region.destroy(second.name)).toBe(true);
    expect(region.namespaces).toHaveLength(1);
  });

  it("works with sizes that end at section borders", () => {
    const region = new PmemRegion("4.5", range, ram);
    expect((region.create(GIB + 64 * MIB, "mem") as Namespace).plan.ret).toBe(0);
    expect((region.create(GIB, "mem") as Namespace).plan.ret).toBe(0);
    expect(region.create(4 * GIB, "mem")).toBe(-28);
  });

  it("works on a kernel with sub-sections", () => {
    const region = new PmemRegion("5.3", range, ram);
    expect((region.create(GIB, "mem") as Namespace).plan).toMatchObject({ ret: 0, startPadBytes: 0 });
    expect((region.create(GIB, "mem") as Namespace).plan.ret).toBe(0);
  });

  it("gives 62 MiB of 64 MiB, and fails for the second 64 MiB of a section", () => {
    const region = new PmemRegion("4.5", { start: BASE, end: BASE + GIB }, []);
    expect((region.create(64 * MIB, "mem") as Namespace).plan.dataBytes).toBe(62 * MIB);
    expect((region.create(64 * MIB, "mem") as Namespace).plan.ret).toBe(-12);
  });
});

describe("interleave alignment", () => {
  const asked = 1_623_497_637_888;
  const real = 6_442_450_944;

  it("refuses an alignment that is no page size of the CPU, and passes sizes rounded to the interleave set", () => {
    expect(real).toBe(6 * GIB);
    const wrong = planNamespace("5.3", request({ bytes: asked, alignBytes: real }));
    expect(wrong).toMatchObject({ ret: -22, messages: ["failed to set alignment: Invalid argument"] });
    const bytes = largestInterleavedSize(asked, GIB, 6);
    expect(checkInterleavedSize(bytes, GIB, 6)).toMatchObject({ ok: true, unitBytes: real });
    expect(planNamespace("5.3", request({ bytes, alignBytes: GIB })).ret).toBe(0);
  });

  it("names the nearest size, as ndctl does for six modules", () => {
    expect(checkInterleavedSize(4_295_000_000, 2 * MIB, 6)).toMatchObject({ ok: false, nearestBytes: 4_303_355_904 });
    expect(checkInterleavedSize(asked - GIB, GIB, 6).nearestBytes).toBe(asked);
  });

  it("aligns a region by 16 MiB, or by that times its modules", () => {
    expect([1, 2, 4, 6].map(regionAlignBytes)).toEqual([16 * MIB, 16 * MIB, 16 * MIB, 96 * MIB]);
  });
});
