/** Cases of the area `swiotlb`: slots, areas, copies and sizes of the bounce pool. */
import { roundUpPow2 } from "../../base/addr.ts";
import { DIR, type DmaDevice } from "../../host/dma/device.ts";
import { swiotlbMap, swiotlbSyncForCpu, swiotlbSyncForDevice, swiotlbUnmap } from "../../host/swiotlb/bounce.ts";
import { classifyFull } from "../../host/swiotlb/classify.ts";
import {
  limitNareas,
  maxMappingBytes,
  planPool,
  resetHiwater,
  roundUpNslabs,
  SET_SLOTS,
  SLOT_BYTES,
  slotsUsed,
  slotsUsedHiwater,
} from "../../host/swiotlb/pool.ts";
import { fillPhys, findOtherPhys } from "../../memory/copy.ts";
import { attrsOf, dirOf } from "./attributes.ts";
import { AnyOf } from "./compare.ts";
import { type Fields, type Given, UnreadableCase, Unsupported } from "./given.ts";
import type { CaseOp, OpTable } from "./runner.ts";
import type { CaseState } from "./state.ts";

/** Adapters of the area. */
export const SWIOTLB_OPS: OpTable = {
  swiotlb_sequence: sequence,
  bounce_copies_on_a_coherent_device: copies,
  default_pool: defaultPool,
  limit_nareas: (given) => ({
    areas: given.numbers("nareas").map((nareas) => limitNareas(nareas, given.number("nslots"))),
  }),
  swiotlb_max_mapping_size: (given) => ({ bytes: given.numbers("min_align_mask").map(maxMappingBytes) }),
  round_up_default_nslabs: (given) => ({
    nslabs: given.records("cases").map((each) => roundUpNslabs(each.number("nslabs"), each.number("nareas", 1))),
  }),
};

const POOL_START = 0x4000000;
const POOL_SLOTS = 32768;

interface Mapping {
  readonly tlb: number;
  readonly bytes: number;
  readonly dir: number;
}

interface Run {
  readonly state: CaseState;
  readonly device: DmaDevice;
  readonly named: Map<string, Mapping>;
  readonly warnings: string[];
}

function sequence(given: Given, state: CaseState): Fields {
  const areas = roundUpPow2(given.number("areas", 1));
  const pool = state.pool(given.number("pool_start", POOL_START), given.number("nslabs", POOL_SLOTS), areas);
  const device = state.device({
    pool,
    minAlignMask: given.number("min_align_mask", 0),
    segBoundaryMask: given.address("seg_boundary", 0xffffffff),
  });
  const run: Run = { state, device, named: new Map(), warnings: [] };
  const results = given.records("steps").map((step) => sequenceStep(run, step));
  const warning = run.warnings.length === 0 ? null : new AnyOf(run.warnings);
  return { results, warning, warnings: run.warnings, ...counters(run) };
}

/** io_tlb_used and its high-water mark, under the names that a case may use. */
function counters({ state, device }: Run): { readonly used: number; readonly [name: string]: number } {
  const { pool } = device;
  const used = pool === null ? 0 : slotsUsed(state.arena, pool);
  const hiwater = pool === null ? 0 : slotsUsedHiwater(state.arena, pool);
  return { used, hiwater, used_hiwater: hiwater, io_tlb_used: used, io_tlb_used_hiwater: hiwater };
}

function sequenceStep(run: Run, step: Given): unknown {
  if (step.has("map_phys") || step.has("map")) return mapStep(run, step);
  const ctx = run.state.context(step.count("cpu", 0));
  const { device } = run;
  if (step.has("unmap")) {
    const { tlb, bytes, dir } = mappingOf(run, step.text("unmap"));
    swiotlbUnmap(ctx, device, tlb, bytes, dir, attrsOf(step));
    return counters(run);
  }
  for (const [field, sync] of [
    ["sync_for_cpu", swiotlbSyncForCpu],
    ["sync_for_device", swiotlbSyncForDevice],
  ] as const) {
    if (!step.has(field)) continue;
    const mapping = mappingOf(run, step.text(field));
    const offset = step.number("offset", 0);
    const copied = sync(ctx, device, mapping.tlb + offset, step.number("size", mapping.bytes - offset), mapping.dir);
    return { copied, ...counters(run) };
  }
  if (Object.keys(step.fields).some((name) => /hiwater/.test(name))) {
    if (device.pool !== null) resetHiwater(run.state.arena, device.pool);
    return counters(run);
  }
  throw new Unsupported(`step with ${Object.keys(step.fields).join(", ")}`);
}

function mapStep(run: Run, step: Given): unknown {
  const { state, device } = run;
  const ctx = state.context(step.count("cpu", 0));
  const orig = step.number(step.has("map_phys") ? "map_phys" : "map");
  const bytes = step.number("size");
  const allocAlignMask = step.number("alloc_align_mask", 0);
  const dir = dirOf(step, DIR.bidirectional);
  const tlb = swiotlbMap(ctx, device, orig, bytes, allocAlignMask, dir, attrsOf(step));
  if (tlb < 0) {
    const full = classifyFull(ctx, device, { orig, mappingBytes: bytes, allocAlignMask }, () => 0);
    run.warnings.push(...full.kernelLines);
    return new AnyOf(["DMA_MAPPING_ERROR", null, { tlb: "DMA_MAPPING_ERROR", ...counters(run) }]);
  }
  if (step.has("name")) run.named.set(step.text("name"), { tlb, bytes, dir });
  return { tlb, ...counters(run) };
}

function mappingOf(run: Run, name: string): Mapping {
  const mapping = run.named.get(name);
  if (mapping === undefined) throw new UnreadableCase(`no earlier step is named ${name}`);
  return mapping;
}

const ORIG = 0x10000000;
const ORIG_BYTE = 0x11;
const DEVICE_BYTE = 0x77;
const STALE_BYTE = 0x99;
const KEPT_FIELD = /^original_bytes_(\d+)_(\d+)_after_from_device_unmap$/;

/** What is copied at map and unmap in each direction, and which bytes of the original a device's write left alone. */
function copies(given: Given, state: CaseState, expect: Fields): Fields {
  const answer: Record<string, unknown> = {};
  for (const [name, dir] of [
    ["TO_DEVICE", DIR.toDevice],
    ["FROM_DEVICE", DIR.fromDevice],
    ["BIDIRECTIONAL", DIR.bidirectional],
  ] as const) {
    state.renew();
    answer[name] = copiesOf(given, state, dir);
    if (dir !== DIR.fromDevice) continue;
    for (const field of Object.keys(expect)) {
      const [, first, last] = KEPT_FIELD.exec(field) ?? [];
      if (first === undefined || last === undefined) continue;
      const bytes = Number(last) - Number(first) + 1;
      const kept = findOtherPhys(state.arena, ORIG + Number(first), ORIG_BYTE, bytes) === -1;
      answer[field] = kept ? "unchanged" : "changed";
    }
  }
  return answer;
}

/** Bytes copied by every call on one mapping; the pool holds stale bytes before. */
function copiesOf(given: Given, state: CaseState, dir: number): Fields {
  const bytes = given.number("size");
  const [from = 0, to = bytes] = given.numbers("device_writes", [0, bytes]);
  const ctx = state.context();
  const device = state.device({ pool: state.pool(POOL_START, 512) });
  fillPhys(state.arena, ORIG, ORIG_BYTE, bytes);
  fillPhys(state.arena, POOL_START, STALE_BYTE, 512 * SLOT_BYTES);
  const tlb = swiotlbMap(ctx, device, ORIG, bytes, 0, dir, attrsOf(given));
  if (tlb < 0) throw new UnreadableCase(`a bounce of ${bytes} bytes does not fit`);
  const mapCopyIn = ctx.cost.bytesBounced;
  fillPhys(state.arena, tlb + from, DEVICE_BYTE, Math.min(to, bytes) - from);
  swiotlbUnmap(ctx, device, tlb, bytes, dir, attrsOf(given));
  return { map_copy_in: mapCopyIn, unmap_copy_out: ctx.cost.bytesBounced - mapCopyIn };
}

/** The pool that boot makes: `param_none`, or `param` as in `swiotlb=SLOTS,AREAS`. */
function defaultPool(...[given, state]: Parameters<CaseOp>): Fields {
  const [slots, areas] = given.text("param", "").split(",");
  const plan = planPool({
    era: state.era,
    cpus: given.number("cpus", 1),
    confidential: given.flag("confidential"),
    ramBytes: given.number("ram_bytes", 2 ** 34),
    bytes: slots === undefined || slots === "" ? undefined : Number(slots) * SLOT_BYTES,
    areas: areas === undefined || !/^\d+$/.test(areas) ? undefined : Number(areas),
  });
  return {
    bytes: plan.bytes,
    slots: plan.nslabs,
    areas: plan.nareas,
    segments: plan.nslabs / SET_SLOTS,
    slot_bytes: SLOT_BYTES,
    slots_per_segment: SET_SLOTS,
  };
}
