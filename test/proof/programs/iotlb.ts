/**
 * The IOTLB: a device translates twice while the page is unmapped and invalidated; after the invalidation has returned no
 * access that begins finds the page.
 */
import { CostRecord } from "#dmasim/base/cost.js";
import { invalidatePages } from "#dmasim/device/invalidate.js";
import { initIommuUnit, unitWord } from "#dmasim/device/iotlb.js";
import { makeTranslation, translate } from "#dmasim/device/translate.js";
import { mapRange, unmapRange } from "#dmasim/pagetable/mapper.js";
import { vtdSecondLevel } from "#dmasim/pagetable/vtd.js";
import { domainWord } from "#dmasim/shm/domain_record.js";
import { DOMAIN, IOMMU_UNIT, IOTLB_ENTRY, REGIONS } from "#dmasim/shm/layout.js";
import type { Program, World } from "../program.ts";

const FORMAT = vtdSecondLevel(3);
const PAGE = 4096;
const IOVA = 2 * PAGE;
const PHYS = 2 ** 33;
const READ_WRITE = 3;
const ENTRY = REGIONS.iotlb.word;
const ROOT = domainWord(0) + DOMAIN.rootFrame;
/** Results: the invalidation has returned; accesses that hit, walked, faulted, found what was gone, and found another page. */
const GONE = 0;
const HIT = 1;
const WALKED = 2;
const FAULT = 3;
const STALE = 4;
const WRONG = 5;

function mapPage(arena: World["arena"], thread: number): void {
  mapRange(arena, thread, 0, FORMAT, IOVA, PHYS, PAGE, READ_WRITE, new CostRecord());
}

function unmapper({ arena, thread, put }: World): void {
  unmapRange(arena, thread, 0, FORMAT, IOVA, PAGE, new CostRecord());
  invalidatePages(arena, 0, 0, IOVA, PAGE);
  put(GONE, 1);
}

function device({ arena, put, get }: World): void {
  const out = makeTranslation();
  for (let access = 0; access < 2; access += 1) {
    const isGone = get(GONE) === 1;
    const status = translate(arena, 0, 0, FORMAT, IOVA, true, out);
    let outcome = out.hit ? HIT : WALKED;
    if (status !== 0) outcome = FAULT;
    else if (isGone) outcome = STALE;
    else if (out.phys !== PHYS) outcome = WRONG;
    put(outcome, get(outcome) + 1);
  }
}

export const iotlb: Program = {
  racy: [
    [ENTRY, ENTRY + IOTLB_ENTRY.WORDS],
    [unitWord(0) + IOMMU_UNIT.pageSizes, unitWord(0) + IOMMU_UNIT.pageSizes + 1],
    [unitWord(0) + IOMMU_UNIT.clock, unitWord(0) + IOMMU_UNIT.clock + 1],
    [ROOT, ROOT + 1],
  ],
  setUp(arena) {
    initIommuUnit(arena, 0, 1, 1);
    mapPage(arena, 0);
  },
  roles: { unmapper, device },
  judge(_arena, results) {
    if (results[STALE] !== 0) return "a page whose invalidation had returned";
    if (results[WRONG] !== 0) return "another page";
    if (results[FAULT] === 0) return results[HIT] === 0 ? "walked" : "hit";
    return results[HIT] === 0 && results[WALKED] === 0 ? "fault" : "fault, an access before it";
  },
};
