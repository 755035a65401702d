/** Cases of IOMMU mappings: `iommu-dma`, `iommu-pgsize`, `iommu-pagetable`, `iommu-invalidate`. */
import { ADDR_LIMIT, alignDown } from "../../base/addr.ts";
import { PEER_ROUTE, type PeerRoutes } from "../../host/context.ts";
import { DIR, type DmaDomain } from "../../host/dma/device.ts";
import { domainFormat } from "../../host/dma/dma_iommu.ts";
import { granuleBytes } from "../../host/dma/limits.ts";
import { mapSg, unmapSg } from "../../host/dma/map.ts";
import { amdInvalidateAddress } from "../../pagetable/amd_invalidate.ts";
import { PROT, tableIndex } from "../../pagetable/format.ts";
import { pageRuns, pageShiftsOf } from "../../pagetable/page_size.ts";
import { VTD_SECOND_LEVEL } from "../../pagetable/vtd.ts";
import {
  deviceTlbDescriptor,
  IOTLB_GRANULARITY,
  iotlbDescriptor,
  pageSelective,
} from "../../pagetable/vtd_invalidate.ts";
import { WalkResult, walk } from "../../pagetable/walker.ts";
import type { Arena } from "../../shm/arena.ts";
import { attrsOf, dirOf } from "./attributes.ts";
import { dmaSide, entryOf, errnoOf, listOf } from "./entries.ts";
import { geometryOf } from "./geometry.ts";
import { type Fields, type Given, Unsupported } from "./given.ts";
import type { OpTable } from "./runner.ts";
import type { CaseState } from "./state.ts";

/** Adapters of these areas. */
export const IOMMU_OPS: OpTable = {
  iommu_dma_map_sg: mapList,
  iommu_pgsize: pageSizes,
  invalidate_range: invalidateRange,
  vt_d_queued_iotlb_descriptor: iotlbWords,
  vt_d_queued_device_tlb_descriptor_address_word: deviceTlbWords,
  vt_d_second_stage_indices_4_levels: indices,
  vt_d_second_stage_leaf: leaf,
};

const EINVAL = -22;

function mapList(given: Given, state: CaseState): Fields {
  const entries = given.records("entries");
  const ctx = state.context(0, peersOf(entries));
  const domain = state.domain(geometryOf(given));
  const device = state.device({
    domain,
    dmaMask: Math.min(given.maskBits(), ADDR_LIMIT - 1),
    segBoundaryMask: given.address("seg_boundary", 0xffffffff),
    maxSegBytes: given.number("max_seg", 65536),
    minAlignMask: given.number("min_align_mask", 0),
    coherent: given.flag("coherent", true),
  });
  const sg = listOf(state.arena, entries.map(entryOf));
  const dir = dirOf(given, DIR.bidirectional);
  const ret = mapSg(ctx, device, sg, entries.length, dir, attrsOf(given));
  if (ret < 0) return { ret: errnoOf(ret) };
  const segments = dmaSide(state.arena, sg, ret);
  const translated = segments.find((segment) => !segment.bus);
  const base = translated === undefined ? 0 : alignDown(translated.dma, granuleBytes(domain));
  const calls = translated === undefined ? [] : mappedRuns(state.arena, domain, base);
  unmapSg(ctx, device, sg, entries.length, dir, attrsOf(given));
  const iovaBytes = ctx.invalidations.reduce((sum, { bytes }) => sum + bytes, 0);
  return { ret, segments, iova_bytes: iovaBytes, iova_base: base, iommu_map_calls: calls };
}

const ROUTES: Readonly<Record<string, number>> = {
  not_supported: PEER_ROUTE.notSupported,
  thru_host_bridge: PEER_ROUTE.throughHostBridge,
  bus_addr: PEER_ROUTE.busAddr,
};

/** Entries with `p2p` are peer memory with that route; `bus_offset` is added to the physical address of bus addresses. */
function peersOf(entries: readonly Given[]): PeerRoutes {
  const bars = entries
    .filter((entry) => entry.has("p2p"))
    .map((entry) => {
      const start = entry.number("phys");
      const route = ROUTES[entry.text("p2p").toLowerCase()];
      if (route === undefined) throw new Unsupported(`p2p route ${entry.text("p2p")}`);
      const busAddress = ["bus_addr", "bus_address", "bus"].find((name) => entry.has(name));
      const fallback = busAddress === undefined ? 0 : entry.number(busAddress) - start;
      return {
        start,
        end: start + entry.number(entry.has("length") ? "length" : "len"),
        route,
        busOffset: entry.number("bus_offset", fallback),
      };
    });
  return {
    regionAt: (phys) => bars.findIndex((bar) => phys >= bar.start && phys < bar.end),
    route: (region) => bars[region]?.route ?? PEER_ROUTE.notSupported,
    busOffset: (region) => bars[region]?.busOffset ?? 0,
  };
}

/**
 * What the page table holds from `base` up to the first hole, as physically contiguous runs: iommu_map_sg makes one
 * call for each.
 */
function mappedRuns(arena: Arena, domain: DmaDomain, base: number): Fields[] {
  const format = domainFormat(domain);
  const page = new WalkResult();
  const runs: { iova: number; phys: number; size: number }[] = [];
  let iova = base;
  while (walk(arena, domain.index, format, iova, page)) {
    const bytes = 2 ** page.pageShift;
    const last = runs.at(-1);
    if (last !== undefined && last.phys + last.size === page.phys) last.size += bytes;
    else runs.push({ iova, phys: page.phys, size: bytes });
    iova += bytes;
  }
  return runs;
}

function pageSizes(given: Given): Fields {
  const shifts = pageShiftsOf(given.number("pgsize_bitmap"));
  const bytes = given.number("size");
  const runs = pageRuns(shifts, given.number("iova"), given.number("phys"), bytes);
  return { ret: runs.length === 0 && bytes > 0 ? EINVAL : 0, runs };
}

/** `end` is inclusive. */
function invalidateRange(given: Given): Fields {
  const [start, last] = [given.number("start"), given.number("end")];
  const psi = pageSelective(start, last);
  return {
    vtd_addr: psi.addr,
    vtd_address_mask: psi.addressMask,
    vtd_pages: psi.pages,
    amd_invalidate_address: amdInvalidateAddress(start, last),
  };
}

function iotlbWords(given: Given): Fields {
  const name = given.text("granularity", "page") as keyof typeof IOTLB_GRANULARITY;
  const granularity = IOTLB_GRANULARITY[name] ?? given.number("granularity");
  return {
    ...iotlbDescriptor({
      domainId: given.number("domain_id", 0),
      granularity,
      addr: given.number("addr", 0),
      addressMask: given.number("address_mask", 0),
      drainWrites: given.flag("write_drain"),
      drainReads: given.flag("read_drain"),
      leafOnly: given.flag("ih"),
    }),
  };
}

function deviceTlbWords(given: Given): Fields {
  const sourceId = given.number("sid", given.number("source_id", 0));
  const depth = given.number("qdep", given.number("queue_depth", 0));
  return { ...deviceTlbDescriptor(sourceId, depth, given.number("addr"), given.number("size_order", 0)) };
}

function indices(given: Given): Fields {
  const levels = VTD_SECOND_LEVEL.levels;
  const names = Array.from({ length: levels }, (_, at) => levels - at);
  return Object.fromEntries(names.map((at) => [`level${at}`, tableIndex(VTD_SECOND_LEVEL, given.number("iova"), at)]));
}

function leaf(given: Given): Fields {
  const right = (name: keyof typeof PROT) => (given.flag(name) ? PROT[name] : 0);
  const prot = right("read") | right("write") | right("snoop");
  const shift = Math.log2(given.number("pgsize", 4096));
  const lo = VTD_SECOND_LEVEL.leafLo(given.number("phys"), shift, prot) >>> 0;
  return { pte: VTD_SECOND_LEVEL.leafHi(given.number("phys"), shift, prot) * 2 ** 32 + lo };
}
