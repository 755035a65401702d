/** The IOMMU domain that a case describes by `granule` and `pgsize_bitmap`. */
import type { DmaDomain } from "../../host/dma/device.ts";
import type { PageTableFormat } from "../../pagetable/format.ts";
import { lpaeStage1 } from "../../pagetable/lpae.ts";
import { pageShiftsOf } from "../../pagetable/page_size.ts";
import { VTD_SECOND_LEVEL, vtdSecondLevel } from "../../pagetable/vtd.ts";
import { type Given, Unsupported } from "./given.ts";

const VTD_GRANULE = 4096;
const GRANULES = [4096, 16384, 65536];
const VTD_PAGE_SIZES = 0x40201000;

/** Page sizes, format and width of the domain of a case. */
export function geometryOf(given: Given): Partial<DmaDomain> {
  const granule = given.number("granule", VTD_GRANULE);
  const shifts = pageShiftsOf(given.number("pgsize_bitmap", VTD_PAGE_SIZES));
  if (!GRANULES.includes(granule)) throw new Unsupported(`IOMMU granule of ${granule} bytes`);
  const format = granule === VTD_GRANULE ? vtdFormat(shifts) : lpaeStage1(Math.log2(granule));
  return { format, pageShifts: format.pageShifts, addressBits: format.addressBits };
}

/** Four levels with those of the page sizes that the format has. */
function vtdFormat(shifts: readonly number[]): PageTableFormat {
  return vtdSecondLevel(
    4,
    VTD_SECOND_LEVEL.pageShifts.filter((shift, index) => index === 0 || shifts.includes(shift)),
  );
}
