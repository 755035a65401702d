/** Mutants of the drawn sites that no killer finds, and why that is no gap in the tests. */
import type { Site } from "./sites.ts";

/** Found again by its text, wherever the line has moved. */
export interface Survivor {
  readonly file: string;
  readonly source: string;
  readonly now: string;
  readonly why: string;
}

export const SURVIVORS: readonly Survivor[] = [
  {
    file: "host/arch/ia64_sn2.js",
    source: "for (let entry = 0; entry < request.nents && sg !== 0; entry += 1, sg = sgNext(arena, sg)) {",
    now: "sg !== (0 - 1)",
    why: "a guard: differs only for a caller that promises more entries than its list has",
  },
  {
    file: "host/arch/ia64_sn2.js",
    source: "const direct = request.device.dmaMask >= ADDR_LIMIT - 1;",
    now: "ADDR_LIMIT - (1 + 1)",
    why: "equivalent: a mask is all ones up to its top bit, none lies between the two limits",
  },
  {
    file: "host/iommu/device_tlb.js",
    source: "ctx.cost.deviceTlbFlushes += 1;",
    now: "ctx.cost.deviceTlbFlushes += (1 + 1)",
    why: "a price, which no killer looks at: test/scenario/device_tlb.test.ts does",
  },
  {
    file: "device/dma_cursor.js",
    source: "entered = 0;",
    now: "entered = (0 + 1);",
    why: "equivalent: begin() sets it before anybody reads it",
  },
];

/** Why the mutant may survive; undefined when nobody has explained it. */
export function explanationOf(site: Site): string | undefined {
  return SURVIVORS.find(({ file, source, now }) => file === site.file && source === site.source && now === site.now)
    ?.why;
}
