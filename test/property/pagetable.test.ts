import * as fc from "fast-check";
import { expect, it } from "vitest";
import { CostRecord } from "#dmasim/base/cost.js";
import { framesUsed } from "#dmasim/pagetable/frames.js";
import { mapRange, unmapRange } from "#dmasim/pagetable/mapper.js";
import { freeDomainTables } from "#dmasim/pagetable/tables.js";
import { VTD_SECOND_LEVEL } from "#dmasim/pagetable/vtd.js";
import { WalkResult, walk } from "#dmasim/pagetable/walker.js";
import { Arena } from "#dmasim/shm/arena.js";
import { domainWord } from "#dmasim/shm/domain_record.js";
import { DOMAIN } from "#dmasim/shm/layout.js";

const PAGE = 4096;
/** Pages of the window in which ranges lie: four 2 MiB tables. */
const WINDOW = 2048;

interface Mapping {
  readonly iova: number;
  readonly phys: number;
  readonly bytes: number;
}

const range = fc.record({
  page: fc.integer({ min: 0, max: WINDOW - 1 }),
  pages: fc.oneof(fc.integer({ min: 1, max: 8 }), fc.constantFrom(512, 513, 1024)),
  /** Physical page, congruent to the IOVA in half of the cases, so that large pages occur. */
  physPage: fc.integer({ min: 0, max: 2 ** 30 }),
  congruent: fc.boolean(),
  remove: fc.boolean(),
});

it("page tables hold what a list of mappings holds", () => {
  const arena = Arena.create();
  const cost = new CostRecord();
  const out = new WalkResult();
  fc.assert(
    fc.property(fc.array(range, { maxLength: 24 }), (steps) => {
      const model: Mapping[] = [];
      for (const step of steps) {
        const iova = step.page * PAGE;
        const bytes = step.pages * PAGE;
        const overlapping = model.find((m) => m.iova < iova + bytes && iova < m.iova + m.bytes);
        if (overlapping === undefined) {
          const phys = (step.congruent ? Math.floor(step.physPage / 512) * 512 + step.page : step.physPage) * PAGE;
          expect(mapRange(arena, 1, 0, VTD_SECOND_LEVEL, iova, phys, bytes, 3, cost)).toBe(bytes);
          model.push({ iova, phys, bytes });
        } else if (step.remove) {
          const size = overlapping.bytes;
          expect(unmapRange(arena, 1, 0, VTD_SECOND_LEVEL, overlapping.iova, size, cost)).toBe(size);
          model.splice(model.indexOf(overlapping), 1);
        }
      }
      for (let page = 0; page < WINDOW + 1100; page += 1) {
        const owner = model.find((m) => page * PAGE >= m.iova && page * PAGE < m.iova + m.bytes);
        const found = walk(arena, 0, VTD_SECOND_LEVEL, page * PAGE, out);
        const phys = found
          ? out.phys + (page * PAGE - Math.floor((page * PAGE) / 2 ** out.pageShift) * 2 ** out.pageShift)
          : -1;
        if (phys !== (owner === undefined ? -1 : owner.phys + page * PAGE - owner.iova)) return false;
      }
      for (const m of model) unmapRange(arena, 1, 0, VTD_SECOND_LEVEL, m.iova, m.bytes, cost);
      const present = arena.i32[domainWord(0) + DOMAIN.ptePresent];
      freeDomainTables(arena, 1, 0, VTD_SECOND_LEVEL);
      return present === 0 && framesUsed(arena) === 0;
    }),
    { numRuns: 60 },
  );
});
