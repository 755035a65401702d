import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { PROT, tableIndex } from "#dmasim/pagetable/format.js";
import { pageRuns, pageShiftsOf } from "#dmasim/pagetable/page_size.js";
import { VTD_SECOND_LEVEL } from "#dmasim/pagetable/vtd.js";
import {
  deviceTlbAddressWord,
  IOTLB_GRANULARITY,
  iotlbDescriptor,
  pageSelective,
} from "#dmasim/pagetable/vtd_invalidate.js";

type Fields = Readonly<Record<string, unknown>>;
interface Case {
  readonly id: string;
  readonly area: string;
  readonly given: Fields & { readonly op: string };
  readonly expect: Fields;
}

const FILE = fileURLToPath(new URL("../../../../shared/linux/examples.json", import.meta.url));
const AREAS = ["iommu-pagetable", "iommu-pgsize", "iommu-invalidate"];

/** Answer of this code to a case, in the case file's words; undefined = not an operation of this area. */
function answer(given: Case["given"]): Fields | undefined {
  const number = (name: string): number => Number(given[name]);
  switch (given.op) {
    case "iommu_pgsize": {
      const shifts = pageShiftsOf(number("pgsize_bitmap"));
      return { runs: pageRuns(shifts, number("iova"), number("phys"), number("size")) };
    }
    case "invalidate_range": {
      const psi = pageSelective(number("start"), number("end"));
      return { vtd_addr: psi.addr, vtd_address_mask: psi.addressMask, vtd_pages: psi.pages };
    }
    case "vt_d_queued_iotlb_descriptor":
      return {
        ...iotlbDescriptor({
          domainId: number("domain_id"),
          granularity: IOTLB_GRANULARITY[given.granularity as keyof typeof IOTLB_GRANULARITY],
          addr: number("addr"),
          addressMask: number("address_mask"),
          drainWrites: given.write_drain === true,
          drainReads: given.read_drain === true,
          leafOnly: number("ih") === 1,
        }),
      };
    case "vt_d_queued_device_tlb_descriptor_address_word":
      return { qw1: deviceTlbAddressWord(number("addr"), number("size_order")) };
    case "vt_d_second_stage_indices_4_levels": {
      const level = (at: number): number => tableIndex(VTD_SECOND_LEVEL, number("iova"), at);
      return { level4: level(4), level3: level(3), level2: level(2), level1: level(1) };
    }
    case "vt_d_second_stage_leaf": {
      const prot = (given.read ? PROT.read : 0) | (given.write ? PROT.write : 0) | (given.snoop ? PROT.snoop : 0);
      const shift = Math.log2(number("pgsize"));
      const lo = VTD_SECOND_LEVEL.leafLo(number("phys"), shift, prot) >>> 0;
      return { pte: VTD_SECOND_LEVEL.leafHi(number("phys"), shift, prot) * 2 ** 32 + lo };
    }
    default:
      return undefined;
  }
}

/** Hexadecimal strings by value, in nested lists too. */
function byValue(value: unknown): unknown {
  if (typeof value === "string" && /^0x[0-9a-f]+$/.test(value)) return Number(value);
  if (Array.isArray(value)) return value.map(byValue);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, field]) => [name, byValue(field)]));
}

const cases: Case[] = existsSync(FILE)
  ? (JSON.parse(readFileSync(FILE, "utf8")) as Case[]).filter((each) => AREAS.includes(each.area))
  : [];

describe.skipIf(cases.length === 0)("compiled kernel examples (skipped: case file not found)", () => {
  for (const each of cases) {
    it(`${each.id} ${each.given.op}`, () => {
      const got = answer(each.given);
      if (got === undefined) return;
      const expected = byValue(each.expect) as Record<string, unknown>;
      for (const [name, value] of Object.entries(got)) expect({ [name]: value }).toEqual({ [name]: expected[name] });
    });
  }
  it("covers every operation of the area", () => {
    expect(cases.filter((each) => answer(each.given) === undefined).map((each) => each.given.op)).toEqual([]);
  });
});
