/** The invalidations that unmap issued, as the IOMMU's queue takes them. */
import { hex } from "../../base/addr.ts";
import type { DmaDomain } from "../../host/dma/device.ts";
import { granuleBytes } from "../../host/dma/limits.ts";
import { amdInvalidateAddress } from "../../pagetable/amd_invalidate.ts";
import { tlbiCommands } from "../../pagetable/smmu_invalidate.ts";
import { ADDRESS_MASK_MAX, needsDomainSelective, pageSelective } from "../../pagetable/vtd_invalidate.ts";
import type { System } from "../system.ts";
import type { RecordedInvalidation } from "./lab.ts";
import type { InvalidationView } from "./view.ts";

/** Each recorded call in the form of the machine's IOMMU; VT-d where the machine has none. */
export function describeInvalidations(
  system: System,
  domain: DmaDomain,
  calls: readonly RecordedInvalidation[],
): readonly InvalidationView[] {
  const { kind } = system.machine.iommu;
  return calls.map((call) => {
    const wanted = call.bytes / granuleBytes(domain);
    if (call.bytes === 0) return { ...call, command: "whole domain", wanted, pages: null };
    if (kind === "smmuv3") return { ...call, ...smmu(domain, call), wanted };
    return { ...call, ...(kind === "amd-vi" ? amd(call) : vtd(call)), wanted };
  });
}

type Form = Pick<InvalidationView, "command" | "pages">;

function vtd({ iova, bytes }: RecordedInvalidation): Form {
  const request = pageSelective(iova, iova + bytes - 1);
  const { addr, addressMask, pages } = request;
  if (needsDomainSelective(request, true, ADDRESS_MASK_MAX))
    return { command: `domain-selective (AM ${addressMask} > ${ADDRESS_MASK_MAX})`, pages: null };
  return { command: `PSI ${hex(addr)} AM=${addressMask}`, pages };
}

/** The encoded address covers the same naturally aligned block as a VT-d request. */
function amd({ iova, bytes }: RecordedInvalidation): Form {
  const last = iova + bytes - 1;
  const command = `INVALIDATE_IOMMU_PAGES ${hex(amdInvalidateAddress(iova, last))}`;
  return { command, pages: pageSelective(iova, last).pages };
}

/** Range commands, as SMMUv3.2 and later have them; they cover the range and no more. */
function smmu(domain: DmaDomain, { iova, bytes }: RecordedInvalidation): Form {
  const granule = granuleBytes(domain);
  const granuleShift = Math.log2(granule);
  const request = { iova, bytes, granuleShift, pageShift: granuleShift, leaf: true, rangeCapable: true };
  const commands = tlbiCommands(request);
  if (commands === null) return { command: "TLBI of the whole address space", pages: null };
  return { command: `${commands.length} × TLBI from ${hex(iova)}`, pages: bytes / granule };
}
