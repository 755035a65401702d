import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { CostRecord } from "#dmasim/base/cost.js";
import { amdV1 } from "#dmasim/pagetable/amd_v1.js";
import type { PageTableFormat } from "#dmasim/pagetable/format.js";
import { framesUsed } from "#dmasim/pagetable/frames.js";
import { linearTable } from "#dmasim/pagetable/linear.js";
import { lpaeStage1 } from "#dmasim/pagetable/lpae.js";
import { mapRange, unmapRange } from "#dmasim/pagetable/mapper.js";
import { freeMappingList } from "#dmasim/pagetable/mapping_list.js";
import { freeDomainTables } from "#dmasim/pagetable/tables.js";
import { virtioIommu } from "#dmasim/pagetable/virtio.js";
import { VTD_SECOND_LEVEL, vtdSecondLevel } from "#dmasim/pagetable/vtd.js";
import { WalkResult, walk } from "#dmasim/pagetable/walker.js";
import { amdV2, vtdFirstStage } from "#dmasim/pagetable/x86.js";
import { Arena } from "#dmasim/shm/arena.js";
import { domainWord } from "#dmasim/shm/domain_record.js";
import { DOMAIN } from "#dmasim/shm/layout.js";

const FORMATS: readonly PageTableFormat[] = [
  VTD_SECOND_LEVEL,
  vtdSecondLevel(3, [12, 21]),
  vtdSecondLevel(5),
  vtdFirstStage(4),
  amdV2(5),
  amdV1(3),
  amdV1(4),
  amdV1(6),
  lpaeStage1(12),
  lpaeStage1(14),
  lpaeStage1(16),
  lpaeStage1(16, 52),
  linearTable(2 ** 25),
  virtioIommu(),
];

/** Granules of the window in which ranges lie. */
const WINDOW = 2048;
/** Granules behind it that a range may reach. */
const LONGEST = 1024;
const RW = 3;

interface Mapping {
  readonly iova: number;
  readonly phys: number;
  readonly bytes: number;
}

const step = fc.record({
  at: fc.integer({ min: 0, max: WINDOW - 1 }),
  granules: fc.oneof(fc.integer({ min: 1, max: 40 }), fc.constantFrom(64, 512, 513, LONGEST)),
  /** Physical granule, congruent to the IOVA in half of the cases, so that large pages occur. */
  phys: fc.integer({ min: 0, max: 2 ** 20 }),
  congruent: fc.boolean(),
  remove: fc.boolean(),
});

/** First granule of the window: below a boundary of large pages where the format has room, and far up. */
function windowOf(format: PageTableFormat): number {
  const granule = 2 ** (format.pageShifts[0] as number);
  const reach = Math.min(format.addressLimit, 2 ** 52) / granule;
  return reach > 2 ** 20 ? reach / 2 - 1024 : 0;
}

function physAt(arena: Arena, format: PageTableFormat, iova: number, out: WalkResult): number {
  if (!walk(arena, 0, format, iova, out)) return -1;
  const pageBytes = 2 ** out.pageShift;
  return out.phys + (iova - Math.floor(iova / pageBytes) * pageBytes);
}

function freeAll(arena: Arena, format: PageTableFormat): void {
  if (format.isList) freeMappingList(arena, 1, 0);
  else freeDomainTables(arena, 1, 0, format);
}

describe.each(FORMATS.map((format) => [format.name, format] as const))("%s", (_, format) => {
  it("holds what a list of mappings holds", () => {
    const arena = Arena.create();
    const cost = new CostRecord();
    const out = new WalkResult();
    const granule = 2 ** (format.pageShifts[0] as number);
    const first = windowOf(format);
    fc.assert(
      fc.property(fc.array(step, { maxLength: 20 }), (steps) => {
        // What a failed run left behind must not fail the smaller ones after it.
        freeAll(arena, format);
        const model: Mapping[] = [];
        for (const { at, granules, phys, congruent, remove } of steps) {
          const iova = (first + at) * granule;
          const bytes = granules * granule;
          const other = model.find((m) => m.iova < iova + bytes && iova < m.iova + m.bytes);
          if (other === undefined) {
            const target = (congruent ? phys * 2048 + ((first + at) % 2048) : phys) * granule;
            expect(mapRange(arena, 1, 0, format, iova, target, bytes, RW, cost)).toBe(bytes);
            model.push({ iova, phys: target, bytes });
          } else if (remove) {
            expect(unmapRange(arena, 1, 0, format, other.iova, other.bytes, cost)).toBe(other.bytes);
            model.splice(model.indexOf(other), 1);
          }
        }
        for (let at = 0; at < WINDOW + LONGEST + 1; at += 1) {
          const iova = (first + at) * granule + (at & 1) * (granule - 1);
          const owner = model.find((m) => iova >= m.iova && iova < m.iova + m.bytes);
          if (physAt(arena, format, iova, out) !== (owner === undefined ? -1 : owner.phys + iova - owner.iova)) {
            return false;
          }
          if (owner !== undefined && (out.prot & RW) !== RW) return false;
        }
        // Whole, with the holes between, as a domain that goes away would do it.
        const total = model.reduce((sum, m) => sum + m.bytes, 0);
        const cleared = unmapRange(arena, 1, 0, format, first * granule, (WINDOW + LONGEST) * granule, cost);
        const present = arena.i32[domainWord(0) + DOMAIN.ptePresent];
        freeAll(arena, format);
        return cleared === total && present === 0 && framesUsed(arena) === 0;
      }),
      { numRuns: 40 },
    );
  });

  it("balances entries written and cleared", () => {
    const arena = Arena.create();
    const cost = new CostRecord();
    const granule = 2 ** (format.pageShifts[0] as number);
    mapRange(arena, 1, 0, format, 7 * granule, 7 * granule, 700 * granule, RW, cost);
    unmapRange(arena, 1, 0, format, 7 * granule, 700 * granule, cost);
    expect(cost.ptesWritten).toBe(cost.ptesCleared);
    expect(cost.ptesWritten > 0).toBe(!format.isList);
    expect(cost.requests > 0).toBe(format.isList);
  });

  it("grants what was asked for, or more where it cannot say less", () => {
    const arena = Arena.create();
    const out = new WalkResult();
    const granule = 2 ** (format.pageShifts[0] as number);
    for (const prot of [1, 2, 3]) {
      mapRange(arena, 1, 0, format, prot * granule, granule, granule, prot, new CostRecord());
      expect(walk(arena, 0, format, prot * granule, out)).toBe(true);
      expect(out.prot & prot).toBe(prot);
      expect(out.prot & 2).toBe(prot & 2);
    }
  });
});
