import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { DIR, type DmaDevice } from "#dmasim/host/dma/device.js";
import { swiotlbMap, swiotlbUnmap } from "#dmasim/host/swiotlb/bounce.js";
import { classifyFull } from "#dmasim/host/swiotlb/classify.js";
import {
  initPool,
  limitNareas,
  maxMappingBytes,
  planPool,
  roundUpNslabs,
  SET_SLOTS,
  SLOT_BYTES,
  slotsUsed,
} from "#dmasim/host/swiotlb/pool.js";
import { fillPhys, findOtherPhys } from "#dmasim/memory/copy.js";
import { Arena } from "#dmasim/shm/arena.js";
import { makeContext, makeDevice } from "../../../support/host.ts";

/** Linux example cases (id, area, given, expect); they live beside the project and are not part of it. */
const FILE = fileURLToPath(new URL("../../../../../shared/linux/examples.json", import.meta.url));

type Fields = Readonly<Record<string, unknown>>;
interface Case {
  readonly id: string;
  readonly area: string;
  readonly given: Fields & { readonly op: string };
  readonly expect: Fields;
}
interface Step {
  readonly map_phys?: string;
  readonly unmap?: string;
  readonly size?: number;
  readonly alloc_align_mask?: string;
  readonly cpu?: number;
  readonly name?: string;
}

const present = existsSync(FILE);
const cases = present
  ? (JSON.parse(readFileSync(FILE, "utf8")) as Case[]).filter((entry) => entry.area === "swiotlb")
  : [];
const arena = Arena.create();

/** Hex strings as numbers, so that results compare by value. */
function plain(value: unknown): unknown {
  if (typeof value === "string" && /^0x[0-9a-f]+$/i.test(value)) return Number(value);
  if (Array.isArray(value)) return value.map(plain);
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(Object.entries(value).map(([key, field]) => [key, plain(field)]));
}

function sequence(given: Fields): Fields {
  const g = plain(given) as Fields;
  const pool = initPool(arena, 0, 0, 0, g.nslabs as number, g.areas as number, g.pool_start as number);
  const device = makeDevice({
    pool,
    minAlignMask: g.min_align_mask as number,
    segBoundaryMask: g.seg_boundary as number,
  });
  const named = new Map<string, { tlb: number; bytes: number }>();
  const warnings: string[] = [];
  const results = (given.steps as Step[]).map((step) => runStep(device, step, named, warnings));
  return warnings.length > 0 ? { results, warning: warnings[0] } : { results };
}

function runStep(
  device: DmaDevice,
  step: Step,
  named: Map<string, { tlb: number; bytes: number }>,
  warnings: string[],
): unknown {
  const ctx = makeContext({ arena, era: "7.x", cpu: step.cpu ?? 0 });
  const used = () => (device.pool === null ? 0 : slotsUsed(arena, device.pool));
  if (step.unmap !== undefined) {
    const mapping = named.get(step.unmap);
    if (mapping !== undefined) swiotlbUnmap(ctx, device, mapping.tlb, mapping.bytes, DIR.bidirectional, 0);
    return { used: used() };
  }
  const orig = Number(step.map_phys);
  const bytes = step.size ?? 0;
  const allocAlignMask = Number(step.alloc_align_mask ?? 0);
  const tlb = swiotlbMap(ctx, device, orig, bytes, allocAlignMask, DIR.bidirectional, 0);
  if (tlb < 0) {
    warnings.push(...classifyFull(ctx, device, { orig, mappingBytes: bytes, allocAlignMask }, () => 0).kernelLines);
    return "DMA_MAPPING_ERROR";
  }
  if (step.name !== undefined) named.set(step.name, { tlb, bytes });
  return { tlb, used: used() };
}

function copies(given: Fields): Fields {
  const bytes = given.size as number;
  const [writesFrom, writesTo] = given.device_writes as [number, number];
  const orig = 0x10000000;
  const result: Record<string, unknown> = {};
  for (const [name, dir] of [
    ["TO_DEVICE", DIR.toDevice],
    ["FROM_DEVICE", DIR.fromDevice],
    ["BIDIRECTIONAL", DIR.bidirectional],
  ] as const) {
    const ctx = makeContext({ arena, era: "7.x" });
    const device = makeDevice({ pool: initPool(arena, 0, 0, 0, 512, 1, 0x4000000) });
    fillPhys(arena, orig, 0x11, bytes);
    const tlb = swiotlbMap(ctx, device, orig, bytes, 0, dir, 0);
    const copyIn = ctx.cost.bytesBounced;
    fillPhys(arena, tlb + writesFrom, 0x77, writesTo - writesFrom);
    swiotlbUnmap(ctx, device, tlb, bytes, dir, 0);
    result[name] = { map_copy_in: copyIn, unmap_copy_out: ctx.cost.bytesBounced - copyIn };
    if (dir === DIR.fromDevice) {
      const kept = findOtherPhys(arena, orig + writesTo, 0x11, bytes - writesTo) === -1;
      result[`original_bytes_${writesTo}_${bytes - 1}_after_from_device_unmap`] = kept ? "unchanged" : "changed";
    }
  }
  return result;
}

function defaultPool(): Fields {
  const plan = planPool({ era: "7.x", cpus: 1, confidential: false, ramBytes: 2 ** 34 });
  return {
    bytes: plan.bytes,
    slots: plan.nslabs,
    segments: plan.nslabs / SET_SLOTS,
    slot_bytes: SLOT_BYTES,
    slots_per_segment: SET_SLOTS,
  };
}

const OPS: Readonly<Record<string, (given: Fields) => Fields>> = {
  swiotlb_sequence: sequence,
  bounce_copies_on_a_coherent_device: copies,
  default_pool: defaultPool,
  limit_nareas: (given) => ({
    areas: (given.nareas as number[]).map((nareas) => limitNareas(nareas, given.nslots as number)),
  }),
  swiotlb_max_mapping_size: (given) => ({
    bytes: (given.min_align_mask as string[]).map((mask) => maxMappingBytes(Number(mask))),
  }),
  round_up_default_nslabs: (given) => ({
    nslabs: (given.cases as { nslabs: number; nareas: number }[]).map((c) => roundUpNslabs(c.nslabs, c.nareas)),
  }),
};

describe("Linux swiotlb cases", () => {
  if (!present) it.skip(`no case file at ${FILE}`, () => {});
  for (const entry of cases) {
    it(`${entry.id} ${entry.given.op}`, () => {
      const run = OPS[entry.given.op];
      expect(run, `op ${entry.given.op} is known`).toBeDefined();
      const { note: _note, ...expected } = plain(entry.expect) as Record<string, unknown>;
      expect(plain(run?.(entry.given))).toMatchObject(expected);
    });
  }
});
