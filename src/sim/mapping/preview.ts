/**
 * What happens when one scatterlist is mapped and unmapped: runs the mapping code of src/host/ on an empty machine and
 * reads back what it left behind.
 */
import { ATTR, DIR_NAMES, type DmaDevice } from "../../host/dma/device.ts";
import { freeSg } from "../../host/dma/sg_table.ts";
import { SLOT_BYTES } from "../../host/swiotlb/pool.ts";
import { machinePrices } from "../host_system.ts";
import { type BounceContext, readBounce } from "./bounces.ts";
import { readCost } from "./cost_view.ts";
import type { MapEntry } from "./entry.ts";
import { findExposure } from "./exposure.ts";
import { MappingLab } from "./lab.ts";
import { findLabLeaks } from "./lab_leaks.ts";
import { readIova, readPages } from "./page_tables.ts";
import { peerWay } from "./peer_path.ts";
import { explainRefusal } from "./refused.ts";
import type { MapRequest } from "./request.ts";
import { explainSeams } from "./seams.ts";
import { type EntryPlace, placeEntries, readSegments } from "./segments.ts";
import { describeInvalidations } from "./unmap.ts";
import type { EntryState, EntryView, Mapped, MappingPreview, PageRun, RefusalView } from "./view.ts";

/** Maps and unmaps the request's list once. */
export function previewMapping(request: MapRequest): MappingPreview {
  const { system, device, entries, dir, attrs } = request;
  const lab = new MappingLab(system, device, entries, request.call);
  const pins = pin(request, lab);
  const ret = lab.map(entries.length, dir, attrs);
  const mapped = ret > 0 ? readMapped(request, lab, ret) : null;
  const refusal = ret > 0 ? null : explainRefusal(system, lab, entries, dir, attrs, -ret);
  unpin(request, lab);
  const leaks = findLabLeaks(lab);
  return {
    request: describeRequest(request),
    pins,
    mapped: mapped?.mapped ?? null,
    refusal,
    entries: mapped?.entries ?? entries.map((entry, index) => refusedEntry(request, entry, index, refusal)),
    leaks,
  };
}

interface Reading {
  readonly mapped: Mapped;
  readonly entries: readonly EntryView[];
}

/** Reads the mapping of `nents` DMA entries back, and unmaps it. */
function readMapped(request: MapRequest, lab: MappingLab, nents: number): Reading {
  const { system, device, entries, dir, attrs } = request;
  const prices = machinePrices(system.machine, false);
  const mapCost = readCost(lab.ctx.cost, prices);
  const segments = readSegments(lab, entries, nents);
  const places = placeEntries(entries, segments);
  const domain = device.domain;
  // Every entry has an IOVA range of its own.
  const apart = device.untrusted || request.call === "dma_map_resource";
  const bytesOf = (entry: number) => (entries[entry] as MapEntry).bytes;
  const pages = domain === null ? [] : readPages(lab.arena, apart, domain, places, bytesOf);
  const bounces = { lab, dir, copies: lab.takeCopies(), skipsCopyOut: (attrs & ATTR.skipCpuSync) !== 0 };
  const views = entries.map((entry, index) =>
    mappedEntry(entry, index, places[index] as EntryPlace, pages[index] ?? [], bounces, peerWay(system, device, entry)),
  );
  lab.ctx.cost.reset();
  lab.takeInvalidations();
  lab.unmap(entries.length, dir, attrs);
  const unmapCost = readCost(lab.ctx.cost, prices);
  const calls = lab.takeInvalidations();
  return {
    entries: views,
    mapped: {
      segments,
      seams: explainSeams(system.machine.era, device, request.call, entries, places),
      iova: domain === null || apart ? null : readIova(system.machine.era, domain, segments),
      exposure: findExposure(system, device, dir, views),
      mapCost,
      unmapCost,
      invalidations: domain === null ? [] : describeInvalidations(system, domain, calls),
      cache: {
        coherent: device.coherent,
        linesAtMap: mapCost.linesFlushed,
        linesAtUnmap: unmapCost.linesFlushed,
        skipped: device.coherent ? [] : views.filter((view) => !view.hasPage).map((view) => view.index),
      },
    },
  };
}

function mappedEntry(
  entry: MapEntry,
  index: number,
  place: EntryPlace,
  pages: readonly PageRun[],
  bounces: BounceContext,
  via: string | null,
): EntryView {
  return {
    ...entry,
    index,
    state: "mapped",
    dmaAddr: place.dmaAddr,
    space: place.space,
    segment: place.segment,
    pages,
    bounce: readBounce(bounces, entry, place, pages),
    via,
  };
}

function refusedEntry(request: MapRequest, entry: MapEntry, index: number, refusal: RefusalView | null): EntryView {
  const unmapped = { dmaAddr: null, space: null, segment: null, pages: [], bounce: null, via: null };
  return { ...entry, index, state: stateOf(request.device, index, refusal?.entry ?? null), ...unmapped };
}

/** Through an IOMMU a list is laid out as a whole: entries before the refused one were looked at, not mapped. */
function stateOf(device: DmaDevice, index: number, refused: number | null): EntryState {
  if (refused === null || index === refused) return "refused";
  if (index > refused) return "not reached";
  return device.domain !== null && !device.untrusted ? "not mapped" : "undone";
}

function describeRequest(request: MapRequest): MappingPreview["request"] {
  const { system, device, dir, attrNames, deviceName } = request;
  const { machine } = system;
  const domain = device.domain;
  return {
    machine: machine.name,
    title: machine.title,
    era: machine.era,
    defects: machine.defects,
    device: deviceName,
    address: device.name,
    call: request.call,
    dir: DIR_NAMES[dir] as string,
    attrs: attrNames,
    dmaMask: device.dmaMask,
    busDmaLimit: device.busDmaLimit,
    dmaRanges: device.dmaRanges,
    maxSegBytes: device.maxSegBytes,
    segBoundaryMask: device.segBoundaryMask,
    minAlignMask: device.minAlignMask,
    coherent: device.coherent,
    untrusted: device.untrusted,
    forceBounce: device.forceBounce,
    poolBytes: device.pool === null ? 0 : device.pool.nslabs * SLOT_BYTES,
    iommu: {
      kind: machine.iommu.kind,
      mode: domain?.mode ?? (machine.iommu.kind === "none" ? "none" : "passthrough"),
      unit: domain === null ? null : (machine.iommu.units[domain.unit]?.name ?? null),
      format: domain?.format?.name ?? null,
      triesBelow4GiB: domain !== null && !domain.forcedac && device.dmaMask > 0xffffffff,
    },
    maxSegments: machine.devices[device.index]?.maxSegments ?? 0,
    maxTransferBytes: machine.devices[device.index]?.maxTransferBytes ?? 0,
  };
}

/** get_user_pages: entries without a struct page have nothing to pin, and MMIO is nobody's page. */
function pin({ system, entries, call }: MapRequest, lab: MappingLab): MappingPreview["pins"] {
  const owner = lab.ctx.lockOwner;
  if (call === "dma_map_resource") return { pages: 0, pageless: [] };
  for (const { hasPage, phys, bytes } of entries) {
    if (hasPage) system.memmap.pinPages(lab.arena, phys, bytes, owner);
  }
  const pageless = entries.flatMap((entry, index) => (entry.hasPage ? [] : [index]));
  return { pages: lab.pinned(), pageless };
}

function unpin({ system, entries, call }: MapRequest, lab: MappingLab): void {
  for (const { hasPage, phys, bytes } of entries) {
    if (hasPage && call === "dma_map_sg") system.memmap.unpinPages(lab.arena, phys, bytes);
  }
  freeSg(lab.arena, lab.ctx.lockOwner, lab.sg);
}
