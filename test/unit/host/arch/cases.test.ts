import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { alphaClasses, classifyAlpha } from "#dmasim/host/arch/alpha_classify.js";
import { gpteEncode } from "#dmasim/host/arch/gart_aperture.js";
import { maskedTo32Bits, maskedWide, pageForms } from "#dmasim/host/arch/page_mask.js";
import { takeCcio, takeParisc } from "#dmasim/host/arch/parisc_resmap.js";
import type { PlainEntry } from "#dmasim/host/arch/plain_list.js";
import type { ArchOptions, ArchResult } from "#dmasim/host/arch/types.js";
import { ArchWork } from "#dmasim/host/arch/work.js";
import { DIR } from "#dmasim/host/dma/device.js";
import { sgSetDma } from "#dmasim/host/dma/scatterlist.js";
import { type ArchBench, type ArchBenchOptions, archBench, pairsOf } from "../../../support/arch.ts";

/** Linux example cases (id, area, given, expect); they live beside the project and are not part of it. */
const FILE = fileURLToPath(new URL("../../../../../shared/linux/examples.json", import.meta.url));

type Fields = Readonly<Record<string, unknown>>;
interface Case {
  readonly id: string;
  readonly area: string;
  readonly given: Fields & { readonly op: string };
  readonly expect: Fields;
}
type Run = (given: Fields) => Fields;

const present = existsSync(FILE);
const cases = present
  ? (JSON.parse(readFileSync(FILE, "utf8")) as Case[]).filter((each) => /^legacy-|^pageless-2015$/.test(each.area))
  : [];

/** Hex strings as numbers, notes dropped: cases compare by value. */
function plain(value: unknown): unknown {
  if (typeof value === "string" && /^0x[0-9a-f]+$/i.test(value)) return Number(value);
  if (Array.isArray(value)) return value.map(plain);
  if (value === null || typeof value !== "object") return value;
  const fields = Object.entries(value).filter(([key]) => key !== "note");
  return Object.fromEntries(fields.map(([key, field]) => [key, plain(field)]));
}

const DIRECTIONS: Readonly<Record<string, number>> = {
  TO_DEVICE: DIR.toDevice,
  FROM_DEVICE: DIR.fromDevice,
  BIDIRECTIONAL: DIR.bidirectional,
};

/** Row and settings of an implementation that a case names. */
const IMPLEMENTATIONS: Readonly<Record<string, (given: Fields) => [string, ArchOptions]>> = {
  "parisc-ccio": (given) => ["parisc-ccio", { pageBytes: given.page_size as number }],
  "parisc-sba": () => ["parisc-sba", {}],
  "ia64-sba": (given) => [
    "ia64-sba",
    { dmaBase: (given.ibase as number) ?? 0x40000000, iommuPageBytes: given.iovp_size as number, pageBytes: 4096 },
  ],
  "x86-gart": (given) => [
    "x86-gart",
    {
      dmaBase: (given.aperture_base as number | undefined) ?? 0xd8000000,
      entries: (given.aperture_pages as number | undefined) ?? 16384,
    },
  ],
  "powerpc-iommu-4k": (given) => ["powerpc-iommu", { reserved: (given.first_free_entry as number | undefined) ?? 1 }],
  "arm-iommu": (given) => ["arm-iommu", { dmaBase: (given.iova_base as number | undefined) ?? 0x80000000 }],
  alpha: () => ["alpha-pci", { pageBytes: 4096, iommuPageBytes: 4096 }],
};

function legacyBench(implementation: string, given: Fields): ArchBench {
  const [name, unit] = (IMPLEMENTATIONS[implementation] as (fields: Fields) => [string, ArchOptions])(given);
  return archBench(name, {
    unit,
    device: {
      dmaMask: (given.dma_mask as number | undefined) ?? 0xffffffff,
      maxSegBytes: given.max_seg as number,
      segBoundaryMask: 0xffffffff,
    },
  });
}

function pageEntries(given: Fields): PlainEntry[] {
  const entries = given.entries_page_offset_len as [number, number, number][];
  return entries.map(([pagePhys, offset, length]) => ({ pagePhys, offset, length }));
}

function physEntries(given: Fields): PlainEntry[] {
  const entries = given.entries as { phys: number; length: number; has_page: boolean }[];
  return entries.map(({ phys, length, has_page }) => ({ phys, length, hasPage: has_page }));
}

function pageless(name: string, given: Fields, options: ArchBenchOptions = {}): ArchBench {
  return archBench(name, { series: "after", dir: DIRECTIONS[given.dir as string] ?? DIR.toDevice, ...options });
}

function opsOf(result: ArchResult): Fields[] {
  return result.cacheOps.map(({ entry, op, bytes }) => ({ entry, op, bytes }));
}

function mapped(result: ArchResult): Fields {
  return { ret: result.ret, dma: result.segments.map((each) => each.dmaAddr), cache_ops: opsOf(result) };
}

function nios2(given: Fields, series: "before" | "after"): Fields {
  const bench = archBench("nios2", { series });
  const request = bench.request([{ phys: given.phys as number, length: given.length as number, hasPage: false }]);
  sgSetDma(bench.ctx.arena, request.sg, 0xdead, 0);
  const result = bench.map([], { sg: request.sg, nents: 1, entryKva: request.entryKva ?? [] });
  return { ret: result.ret, dma: result.segments[0]?.dmaAddr };
}

function classes(given: Fields, mayJoin: boolean): Fields {
  const bench = legacyBench("alpha", given);
  const request = bench.request(pageEntries(given));
  classifyAlpha(request, request.sg, request.nents, mayJoin);
  const { leaders, followers } = alphaClasses(request);
  return followers.length === 0 ? { leaders } : { leaders, followers };
}

function sequence(given: Fields, name: string, take: typeof takeCcio): Fields {
  const bench = archBench(name);
  const table = bench.unit.table;
  if (table === null) return {};
  const work = new ArchWork(bench.ctx.cost);
  const pages = given.pages as number[];
  return { pdir_index: pages.map((count) => take(bench.ctx.arena, table, count, 0xffffffff, work)) };
}

const OPS: Readonly<Record<string, Run>> = {
  legacy_dma_map_sg: (given) => {
    const result = legacyBench(given.implementation as string, given).map(pageEntries(given));
    return { ret: result.ret, segments: pairsOf(result) };
  },
  ccio_alloc_range_sequence: (given) => sequence(given, "parisc-ccio", takeCcio),
  sba_search_bitmap_sequence: (given) => sequence(given, "parisc-sba", takeParisc),
  sg_classify: (given) => {
    const [first, second] = given.iommu_present as boolean[];
    const named = (present: boolean | undefined) => (present === true ? "with_iommu" : "without");
    const found: Record<string, Fields> = {};
    for (const each of [first, second]) if (each !== undefined) found[named(each)] = classes(given, each);
    return found;
  },
  gpte_encode: (given) => ({ pte: gpteEncode(given.phys as number) }),
  dma_map_sg_template_b_arc_non_coherent: (given) => mapped(pageless("arc", given).map(physEntries(given))),
  dma_map_sg_openrisc_after_patch_26: (given) => mapped(pageless("openrisc", given).map(physEntries(given))),
  dma_unmap_sg_mips_after_patch_27_non_coherent: (given) => {
    const bench = pageless("mips", given);
    const toDevice = pageless("mips", given, { dir: DIR.toDevice });
    const ops = (each: ArchBench): Fields[] => opsOf(each.unmap(each.map(physEntries(given)).request));
    return { cache_ops: ops(bench), to_device_would_do: ops(toDevice).length === 0 ? "nothing" : "something" };
  },
  dma_map_sg_identity_phys_only_implementation_nommu: (given) => {
    const bench = pageless("x86-nommu", given, { device: { dmaMask: given.dma_mask as number } });
    const { ret, message } = bench.map(physEntries(given));
    return { ret, message };
  },
  dma_map_sg_nios2_entry_without_kernel_va_dma_address_preset_to_0xdead: (given) => ({
    before_series: nios2(given, "before"),
    after_series: nios2(given, "after"),
  }),
  page_frame_of_an_address_with_a_32_bit_page_mask_zero_extended: (given) => ({
    wrong: maskedTo32Bits(given.phys as number, given.mask as number),
    right: maskedWide(given.phys as number, given.mask as number),
  }),
  coccinelle_rule_2_on_an_entry_with_offset_page_size: (given) => {
    const forms = pageForms(given.page_phys as number, given.offset as number, given.page_size as number);
    return {
      page_to_phys: forms.pageToPhys,
      sg_phys: forms.sgPhys,
      sg_phys_and_page_mask: forms.sgPhysAndPageMask,
      identical: forms.identical,
    };
  },
};

describe.runIf(present)("cases of the old architectures", () => {
  it("all have an executor", () => {
    expect(cases.length).toBeGreaterThan(15);
    expect(cases.filter((each) => OPS[each.given.op] === undefined).map((each) => each.id)).toEqual([]);
  });

  for (const each of cases) {
    it(`${each.id} ${each.given.op}`, () => {
      const given = plain(each.given) as Fields;
      const want = plain(each.expect) as Fields;
      const found = plain((OPS[each.given.op] as Run)(given)) as Fields;
      expect(Object.fromEntries(Object.keys(want).map((key) => [key, found[key]]))).toEqual(want);
    });
  }
});
