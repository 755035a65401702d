/** Private device memory in lists: resolved, refused, or mapped by a made-up frame; on the machine's path and on every ops table. */
import { describe, expect, it } from "vitest";
import { ARCHITECTURES } from "#dmasim/host/arch/table.js";
import type { EntryView } from "#dmasim/sim/mapping/view.js";
import { mappedOf, preview, refusalOf, survey } from "../../../support/mapping.ts";

/** A RAM page, page-less PMEM, a BAR page, ZONE_DEVICE PMEM, a private page. */
const MIXED = ["ram0+0x10000+4k", "pmem0+0x3000+4k", "bar:nvme3+1MiB+4k", "pmem1+0x7000+4k", "private:nvme3+64KiB+4k"];
/** The memory controller buffer of nvme3 shows its private memory. */
const OWNER = { "devices.nvme3.memory": "{ size: 1GiB, memmap: private, bar: 2 }" };
const GPU = { machine: "desktop-gpu-256m", dev: "nvme0" } as const;
const MADE_UP = 0x400000000000;
const BAR = 0x210010000000;
/** Rows that leave the DMA address to the caller, or pass over an entry without a page. */
const UNSET: Readonly<Record<string, Readonly<Partial<Record<"before" | "after", "all" | readonly number[]>>>>> = {
  frv: { after: "all" },
  nios2: { before: [1] },
};
/** Rows whose dma_map_sg sets no DMA length. */
const NO_LENGTHS: ReadonlySet<string> = new Set(["microblaze"]);
/** Its host bridge is on no list, and its root ports do not forward. */
const INTEL = "{ sockets: 1, cores_per_socket: 8, vendor: intel, uarch: ice-lake-sp, family: 6 }";

function spaces(entries: readonly EntryView[]): readonly (string | null)[] {
  return entries.map(({ space }) => space);
}

describe("a mixed list on the machine's own path", () => {
  it("below one switch: bus addresses for BAR and private page, physical addresses for the rest", () => {
    const view = preview(MIXED, { dev: "nvme2", set: OWNER });
    mappedOf(view);
    expect(spaces(view.entries)).toEqual(["phys", "phys", "bus", "phys", "bus"]);
    expect(view.entries[2]?.dmaAddr).toBe(BAR + 2 ** 20);
    expect(view.entries[4]).toMatchObject({
      dmaAddr: BAR,
      privatePage: { phys: MADE_UP + 65536, outcome: "shown", slot: 0, generation: 1 },
    });
  });

  it("through an IOMMU: one IOVA range, with the BAR's pages behind the private entry", () => {
    const view = preview(MIXED, { dev: "nvme0", set: OWNER });
    mappedOf(view);
    expect(new Set(spaces(view.entries))).toEqual(new Set(["iova"]));
    expect(view.entries.map(({ pages }) => pages[0]?.phys)).toEqual([
      0x110000,
      0x100003000,
      BAR + 2 ** 20,
      0x14080007000,
      BAR,
    ]);
  });

  it("is cut where its pages lie in other slots; two entries of one page share a slot", () => {
    const view = preview(["private:gpu0+0xf000+8k", "private:gpu0+0x8000+4k"], GPU);
    mappedOf(view);
    expect(view.entries.map(({ privatePage }) => privatePage?.slot)).toEqual([0, 1, 0]);
    expect(view.entries.map(({ phys }) => phys)).toEqual([0xd000f000, 0xd0010000, 0xd0008000]);
  });

  it("migrates to RAM what no window can show", () => {
    const set = { "devices.gpu0.memory.migrate": true, "devices.gpu0.memory.bar": "null" };
    const view = preview(["private:gpu0+0x3000+4k"], { ...GPU, set });
    mappedOf(view);
    expect(view.entries[0]).toMatchObject({ via: null, privatePage: { outcome: "migrated" } });
    expect(view.entries[0]?.phys).toBeLessThan(2 ** 36);
  });
});

describe("without resolving", () => {
  it("is refused, at the entry, whatever comes before it", () => {
    const refusal = refusalOf(preview(MIXED, { dev: "nvme2", set: OWNER, importer: "refuse" }));
    expect(refusal).toMatchObject({ entry: 4, errnoName: "EFAULT" });
    expect(refusal.comparison).toContain("nothing decodes 0x400000010000");
    const byMachine = { ...OWNER, "devices.nvme3.memory.importer": "refuse" };
    expect(refusalOf(preview(MIXED, { dev: "nvme2", set: byMachine })).entry).toBe(4);
  });

  it("unchecked: the made-up address is mapped, and the page says what comes of it", () => {
    const { preview: view, notes } = survey(MIXED, { dev: "nvme2", set: OWNER, importer: "unchecked" });
    mappedOf(view);
    expect(view.entries[4]).toMatchObject({ dmaAddr: MADE_UP + 65536, space: "phys" });
    expect(notes.join()).toContain("master abort");
  });
});

describe("what cannot be shown, from keys of the machine", () => {
  const memory = "devices.gpu0.memory";
  it.each([
    ["range", { [`${memory}.exposable`]: "64KiB" }, "0x10000 + 4096 > exposable 0x10000", "EINVAL"],
    ["MMIO aperture", { [`${memory}.bar`]: "null" }, "gpu0 has no BAR with P2PDMA pages", "ENXIO"],
    [
      "32-bit BAR",
      { "devices.gpu0.bars[0].bits": 32, "devices.gpu0.bars[0].start": "0x8000000000" },
      "slots at 0x8000000000 > 0xffffffff",
      "ENXIO",
    ],
    [
      "bridge window",
      { "pcie.rp0.windows": "[{ start: 0x90000000, size: 256MiB }]" },
      "lie in no window of the bridges above gpu0",
      "ENXIO",
    ],
    [
      "client's address width",
      { "iommu.mode": "passthrough", "devices.nvme0.dma_mask_bits": 31 },
      "slot 0 at 0xd0000000 + 0x10000 - 1 > 0x7fffffff",
      "EIO",
    ],
    ["peer-to-peer not supported", { cpus: INTEL }, "", "EREMOTEIO"],
  ])("%s", (name, set, comparison, errnoName) => {
    const refusal = refusalOf(preview(["ram0+0x10000+4k", "private:gpu0+64KiB+4k"], { ...GPU, set }));
    expect(refusal).toMatchObject({ entry: 1, errnoName });
    expect(refusal.name).toContain(name);
    expect(refusal.comparison).toContain(comparison);
    expect(refusal.remedy).not.toBe("");
  });

  it("a port's window that holds some of the slots leaves those", () => {
    const set = { "pcie.rp0.windows": "[{ start: 0xd0000000, size: 128KiB }]" };
    const pages = ["private:gpu0+0+4k", "private:gpu0+64KiB+4k", "private:gpu0+128KiB+4k"];
    expect(preview(pages.slice(0, 2), { ...GPU, set }).refusal).toBeNull();
    expect(refusalOf(preview(pages, { ...GPU, set }))).toMatchObject({ entry: 2, mayRetry: true });
  });

  it("refuses a port window that its root complex does not decode, and a BAR that no port forwards", () => {
    const stray = { "pcie.rp0.windows": "[{ start: 0x9000000000000, size: 4KiB }]" };
    expect(() => preview(["ram0+0+4k"], { ...GPU, set: stray })).toThrow("does not decode this window");
    const closed = { "pcie.rp3.windows": "[]", "pcie.sw0-dn1.windows": "[{ start: 0x210000000000, size: 4KiB }]" };
    expect(() => preview(["ram0+0+4k"], { set: closed })).toThrow("this BAR is outside the windows of sw0-dn1");
  });

  it("knows what a driver may do", () => {
    expect(() => preview(MIXED, { set: OWNER, importer: "guess" })).toThrow("allowed: resolve, refuse, unchecked");
  });
});

describe("on every ops table of Linux 4.1", () => {
  const resolved = survey(MIXED, { dev: "nvme2", set: OWNER }).archs;
  const refused = survey(MIXED, { dev: "nvme2", set: OWNER, importer: "refuse" }).archs;
  const rows = ARCHITECTURES.map((row, index) => [row.name, row, index] as const);
  /** Entry by entry: the physical address, and for BAR and private page the CPU address of the BAR. */
  const expectedPhys = [0x110000, 0x100003000, BAR + 2 ** 20, 0x14080007000, BAR];

  it("there are 39", () => {
    expect(resolved).toHaveLength(39);
  });

  it.each(rows)("%s: the right kind of address for each entry, or its own reason", (_, row, index) => {
    const { runs } = resolved[index] as (typeof resolved)[number];
    for (const series of ["before", "after"] as const) {
      const run = runs[series];
      if (run.ret <= 0) {
        // The page-less entry is what a row may be unable to take; everything else has a page.
        expect(run.refusal).toMatchObject({ entry: 1 });
        expect(run.refusal?.text).toContain(row.name);
        continue;
      }
      const unset = UNSET[row.name]?.[series] ?? [];
      if (!NO_LENGTHS.has(row.name)) {
        const bytes = run.segments.reduce((sum, { bytes: each }) => sum + each, 0);
        expect(bytes).toBe((MIXED.length - (unset === "all" ? 0 : unset.length)) * 4096);
      }
      const isDirect = row.translation === "none" && row.merging === "none";
      for (const [entry, { dmaAddr }] of run.segments.entries()) {
        if (unset === "all" || unset.includes(entry)) expect(dmaAddr).toBe(0);
        else if (isDirect) expect(dmaAddr, `entry ${entry}`).toBe(expectedPhys[entry]);
        else if (run.tableEntries > 0) expect(dmaAddr, `entry ${entry}`).not.toBe(expectedPhys[entry]);
      }
    }
  });

  it.each(rows)("%s: refuses the private page that nobody resolved, in both kernels", (_, row, index) => {
    const { runs } = refused[index] as (typeof refused)[number];
    for (const series of ["before", "after"] as const) {
      const { ret, refusal, tableEntries } = runs[series];
      expect([ret <= 0, tableEntries]).toEqual([true, 0]);
      expect(refusal).toMatchObject({ site: "private page", entry: 4 });
      expect(refusal?.text).toMatch(new RegExp(`^${row.name}: entry 4 is private device memory: `));
      expect(refusal?.text).toContain("0x400000010000");
    }
  });
});
