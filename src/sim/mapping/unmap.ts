/** The invalidations that unmap issued, as the IOMMU's queue takes them. */
import type { DmaDomain } from "../../host/dma/device.ts";
import { granuleBytes } from "../../host/dma/limits.ts";
import { pageSelective } from "../../pagetable/vtd_invalidate.ts";
import type { System } from "../system.ts";
import type { RecordedInvalidation } from "./lab.ts";
import type { InvalidationView } from "./view.ts";

/**
 * Each recorded call in its queued form. VT-d and AMD-Vi take the smallest naturally aligned block of pages that holds
 * the range; SMMUv3 takes the range itself.
 */
export function describeInvalidations(
  system: System,
  domain: DmaDomain,
  calls: readonly RecordedInvalidation[],
): readonly InvalidationView[] {
  const byBlock = system.machine.iommu.kind !== "smmuv3";
  return calls.map(({ iova, bytes }) => {
    if (bytes === 0) return { kind: "domain", iova, bytes, addr: 0, addressMask: 0, pages: 0 };
    const granule = granuleBytes(domain);
    if (!byBlock) return { kind: "page", iova, bytes, addr: iova, addressMask: 0, pages: bytes / granule };
    return { kind: "page", iova, bytes, ...pageSelective(iova, iova + bytes - 1) };
  });
}
