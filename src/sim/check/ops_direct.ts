/** Cases of `dma-direct` and `dma-api`: masks, offsets, single maps and lists without an IOMMU. */
import { ADDR_LIMIT, DMA_MAPPING_ERROR, maskOfBits } from "../../base/addr.ts";
import { PEER_ROUTE, type PeerRoutes } from "../../host/context.ts";
import { startDebug } from "../../host/dma/debug/session.ts";
import { ATTR, DIR, type DmaDevice } from "../../host/dma/device.ts";
import { dmaCapable, MAX_SEG_BYTES_DEFAULT, requiredMask, segBoundaryMaskDefault } from "../../host/dma/limits.ts";
import { mapPhys, mapSg } from "../../host/dma/map.ts";
import { type DmaRange, physToDma } from "../../host/dma/range_map.ts";
import { refusalLines, sgtableErrno } from "../../host/dma/refusal.ts";
import { mapResource } from "../../host/dma/resource.ts";
import { SLOT_BYTES } from "../../host/swiotlb/pool.ts";
import { attrsOf, dirOf } from "./attributes.ts";
import { dmaSide, listOf } from "./entries.ts";
import { type Fields, type Given, Unsupported } from "./given.ts";
import type { OpTable } from "./runner.ts";
import type { CaseState, CheckContext } from "./state.ts";

/** Adapters of these areas. */
export const DIRECT_OPS: OpTable = {
  dma_capable: capable,
  phys_to_dma_with_range_map: rangeMap,
  dma_get_required_mask: (given, state) => ({
    mask: requiredMask(
      state.device({ domain: given.flag("iommu") ? state.domain() : null, dmaRanges: rangesOf(given) }),
      given.number("highest_ram_page"),
    ),
  }),
  dma_map_phys: (given, state) => mapOne(given, state, attrsOf(given), mapPhys),
  dma_map_phys_with_dma_attr_mmio: (given, state) => mapOne(given, state, attrsOf(given) | ATTR.mmio, mapPhys),
  dma_map_resource: mapOneResource,
  dma_map_sgtable: mapTable,
  defaults,
};

const POOL_START = 0x4000000;
const ERROR_WORD = "DMA_MAPPING_ERROR";
const ALL_ONES = "0xffffffffffffffff";

/** Addresses above what a Number holds exactly stay comparable: only the error value is told apart. */
function capable(given: Given, state: CaseState): Fields {
  const device = state.device({ dmaMask: given.maskBits(), busDmaLimit: given.number("bus_limit", 0) });
  const ok = given.list("cases").map((each) => {
    const [addr, bytes = 1] = Array.isArray(each) ? each : [each];
    if (String(addr) === ERROR_WORD || String(addr).toLowerCase() === ALL_ONES) return false;
    return dmaCapable(device, Number(addr), Number(bytes));
  });
  return { ok };
}

function rangeMap(given: Given): Fields {
  const ranges = rangesOf(given);
  const dma = given.numbers("phys").map((phys) => physToDma(ranges, phys));
  return { dma: dma.map((addr) => (addr === DMA_MAPPING_ERROR ? ERROR_WORD : addr)) };
}

function rangesOf(given: Given): DmaRange[] | null {
  if (!given.has("map")) return null;
  return given.records("map").map((range) => ({
    cpuStart: range.number(range.has("cpu") ? "cpu" : "cpu_start"),
    dmaStart: range.number(range.has("dma") ? "dma" : "dma_start"),
    bytes: range.number("size"),
  }));
}

/** `pfn_valid`: the address has struct pages; `debug`: the kernel has dma-debug, which looks at that. */
function mapOneResource(given: Given, state: CaseState): Fields {
  const pages = { hasPage: () => given.flag("pfn_valid") };
  if (given.flag("debug")) startDebug(state.arena);
  const map: typeof mapPhys = (ctx, device, phys, bytes, dir, attrs) =>
    mapResource(ctx, device, pages, phys, bytes, dir, attrs);
  return mapOne(given, state, attrsOf(given) | ATTR.mmio, map);
}

/** One map for each value of `swiotlb_active` (a list or one flag). */
function mapOne(given: Given, state: CaseState, attrs: number, map: typeof mapPhys): Fields {
  const ctx = state.context();
  const pool = state.pool(given.number("pool_start", POOL_START), given.number("nslabs", 32768));
  const device = (active: boolean) => ({ ...reachOf(given, state), pool: active ? pool : null });
  const [phys, bytes] = [given.number("phys"), given.number("size")];
  const dir = dirOf(given, DIR.toDevice);
  const results = given.list("swiotlb_active", [false]).map((active) => {
    const status = map(ctx, device(active === true || active === 1), phys, bytes, dir, attrs);
    return status < 0 ? ERROR_WORD : status;
  });
  const bare = map(ctx, device(false), phys, bytes, dir, attrs);
  const lines = bare < 0 ? refusalLines(ctx, device(false), { phys, bytes, attrs }, -bare) : [];
  const warning = lines[0] ?? null;
  return { results, result: results[0], dma: results[0], warning_when_no_swiotlb: warning, warning };
}

function reachOf(given: Given, state: CaseState): DmaDevice {
  return state.device({
    dmaMask: Math.min(given.maskBits(), ADDR_LIMIT - 1),
    busDmaLimit: given.number("bus_limit", 0),
    dmaRanges: rangesOf(given),
    minAlignMask: given.number("min_align_mask", 0),
    segBoundaryMask: given.address("seg_boundary", DMA_MAPPING_ERROR),
    forceBounce: given.flag("force", given.flag("swiotlb_force")),
  });
}

const ENTRY_BYTES = 4096;
const FAR = 2 ** 33;
const LINE_BYTES = 64;

/** A list whose entry `fail_at_index` cannot be mapped, for a device that does not snoop: cache work tells what the undo did. */
function mapTable(given: Given, state: CaseState): Fields {
  const count = given.count("entries");
  const failing = given.number("fail_at_index", -1);
  const failure = failureOf(given.text("reason", "unreachable and no swiotlb"));
  const phys = (i: number) => (i === failing && failure === "mask" ? FAR : 0) + i * 2 * ENTRY_BYTES;
  const ctx = state.context(0, failure === "peer" ? peerAt(phys(failing)) : undefined);
  const pages = Array.from({ length: count }, (_, i) => ({
    pfn: phys(i) / ENTRY_BYTES,
    offset: 0,
    length: ENTRY_BYTES,
    hasPage: true,
  }));
  const sg = listOf(state.arena, pages);
  const device = state.device({ dmaMask: maskOfBits(32), coherent: false, ...shortage(state, failure, failing) });
  const status = mapSg(ctx, device, sg, count, DIR.fromDevice, 0);
  const mappedFirst = failing < 0 ? count : failing;
  return {
    ret: status < 0 ? sgtableErrno(state.era, -status) : 0,
    nents: Math.max(status, 0),
    entry0_unmapped: dmaSide(state.arena, sg, 1)[0]?.len === 0,
    unmap_attrs_has: undoSyncs(ctx, mappedFirst) ? "" : "SKIP_CPU_SYNC",
    dma_map_sg_returns: Math.max(status, 0),
  };
}

/** True when more lines were maintained than mapping the first `mapped` entries takes. */
function undoSyncs(ctx: CheckContext, mapped: number): boolean {
  return ctx.cost.linesFlushed > (mapped * ENTRY_BYTES) / LINE_BYTES;
}

/** Which of the ways to fail a reason in words means. */
function failureOf(reason: string): "mask" | "peer" | "pool" | "iova" {
  if (/iova|memory/i.test(reason)) return "iova";
  if (/p2p|peer|remote/i.test(reason)) return "peer";
  if (/full|no slot|exhaust/i.test(reason)) return "pool";
  if (/unreach|mask|swiotlb|limit|range/i.test(reason)) return "mask";
  throw new Unsupported(`reason "${reason}"`);
}

function peerAt(phys: number): PeerRoutes {
  const inside = (at: number) => at >= phys && at < phys + ENTRY_BYTES;
  return { regionAt: (at) => (inside(at) ? 0 : -1), route: () => PEER_ROUTE.notSupported, busOffset: () => 0 };
}

/** A pool that holds the entries before the failing one and no more, or an IOMMU without a reachable IOVA. */
function shortage(state: CaseState, failure: string, failing: number): Partial<DmaDevice> {
  if (failure === "iova") return { domain: state.domain(), dmaMask: ENTRY_BYTES - 1 };
  if (failure !== "pool" || failing < 0) return {};
  const slots = Math.max(1, failing * (ENTRY_BYTES / SLOT_BYTES));
  return { pool: state.pool(POOL_START, slots), forceBounce: true };
}

/** Limits of a device with or without dma_parms. */
function defaults(given: Given): Fields {
  const parms = given.record("dma_parms");
  const segBytes = parms?.number("max_segment_size", parms.number("max_seg_size", 0)) ?? 0;
  const boundary = parms?.address("segment_boundary_mask", parms.address("seg_boundary", 0)) ?? 0;
  const boundaryOf = (era: "4.1" | "6.1") => (boundary === 0 ? segBoundaryMaskDefault(era) : boundary);
  return {
    max_seg_size: segBytes === 0 ? MAX_SEG_BYTES_DEFAULT : segBytes,
    seg_boundary_4_1: boundaryOf("4.1"),
    seg_boundary_6_1_and_later: boundaryOf("6.1"),
    min_align_mask: parms?.number("min_align_mask", 0) ?? 0,
  };
}
