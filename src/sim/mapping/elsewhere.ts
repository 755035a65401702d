/** The same list on the machine's other paths, each on a fresh machine, one line each. */
import type { DmaDevice, DmaDomain } from "../../host/dma/device.ts";
import { sgIsSwiotlb } from "../../host/dma/scatterlist.ts";
import { slotsUsed } from "../../host/swiotlb/pool.ts";
import { sgNext } from "../../shm/sg_entry.ts";
import { MappingLab } from "./lab.ts";
import { explainRefusal } from "./refused.ts";
import type { MapRequest } from "./request.ts";
import { describeInvalidations } from "./unmap.ts";
import type { InvalidationView } from "./view.ts";

/** A path that the machine's own settings do not choose. */
export interface OtherPath {
  readonly name: "direct" | "iommu strict" | "iommu lazy" | "swiotlb=force";
  /** True for the path that the preview itself took. */
  readonly current: boolean;
  /** True for an IOMMU that the machine does not have: VT-d is assumed. */
  readonly assumed: boolean;
  /** Null when refused or not available. */
  readonly segments: number | null;
  readonly bouncedEntries: number;
  readonly slots: number;
  readonly invalidations: readonly InvalidationView[];
  readonly refusal: { readonly entry: number | null; readonly name: string; readonly errnoName: string } | null;
}

/** Domain for machines that have no IOMMU: VT-d with four levels, what a server of the time would have. */
const STAND_IN: Omit<DmaDomain, "index" | "mode" | "cpus"> = {
  unit: 0,
  addressBits: 48,
  pageShifts: [12, 21, 30],
  forcedac: false,
};

/** Outcomes of all paths, in fixed order; none for a confidential guest, which has no other. */
export function previewElsewhere(request: MapRequest): readonly OtherPath[] {
  const { device, system } = request;
  if (system.machine.confidential) return [];
  const domain = domainOf(request);
  const trusted: DmaDevice = { ...device, untrusted: false, forceBounce: false };
  const variants: readonly (readonly [OtherPath["name"], DmaDevice])[] = [
    ["direct", { ...trusted, domain: null }],
    ["iommu strict", { ...trusted, domain: { ...domain, mode: "strict" } }],
    ["iommu lazy", { ...trusted, domain: { ...domain, mode: "lazy" } }],
    ["swiotlb=force", { ...trusted, domain: null, forceBounce: true }],
  ];
  const current = pathOf(device);
  const lacksIommu = system.machine.iommu.kind === "none";
  return variants.map(([name, variant]) => ({
    name,
    current: name === current,
    assumed: variant.domain !== null && lacksIommu,
    ...outcome(request, variant),
  }));
}

function pathOf(device: DmaDevice): OtherPath["name"] | null {
  if (device.untrusted) return null;
  if (device.domain !== null) return device.domain.mode === "lazy" ? "iommu lazy" : "iommu strict";
  return device.forceBounce ? "swiotlb=force" : "direct";
}

function domainOf({ system, device }: MapRequest): DmaDomain {
  if (device.domain !== null) return device.domain;
  const { iommu, cpus } = system.machine;
  const base = { index: device.index, mode: "strict", cpus: cpus.count } as const;
  if (iommu.kind === "none") return { ...STAND_IN, ...base };
  const { format } = system;
  return {
    ...base,
    unit: 0,
    addressBits: format.addressBits,
    pageShifts: format.pageShifts,
    forcedac: iommu.forcedac,
    format,
  };
}

function outcome(request: MapRequest, device: DmaDevice): Omit<OtherPath, "name" | "current" | "assumed"> {
  const { system, entries, dir, attrs } = request;
  const lab = new MappingLab(system, device, entries, request.call);
  const ret = lab.map(entries.length, dir, attrs);
  if (ret < 0) return { ...NOTHING, refusal: briefRefusal(request, lab, -ret) };
  const bouncedEntries = countBounced(lab);
  const slots = device.pool === null ? 0 : slotsUsed(lab.arena, device.pool);
  lab.unmap(entries.length, dir, attrs);
  const calls = lab.takeInvalidations();
  const invalidations = device.domain === null ? [] : describeInvalidations(system, device.domain, calls);
  return { segments: ret, bouncedEntries, slots, invalidations, refusal: null };
}

const NOTHING = { segments: null, bouncedEntries: 0, slots: 0, invalidations: [] } as const;

function briefRefusal(request: MapRequest, lab: MappingLab, code: number): NonNullable<OtherPath["refusal"]> {
  const { entry, name, errnoName } = explainRefusal(
    request.system,
    lab,
    request.entries,
    request.dir,
    request.attrs,
    code,
  );
  return { entry, name, errnoName };
}

function countBounced({ arena, sg }: MappingLab): number {
  let count = 0;
  for (let at = sg; at !== 0; at = sgNext(arena, at)) if (sgIsSwiotlb(arena, at)) count += 1;
  return count;
}
