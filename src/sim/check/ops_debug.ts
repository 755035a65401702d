/** Cases of the area `dma-debug`: what the checker says to a sequence of calls. */
import { DMA_MAPPING_ERROR } from "../../base/addr.ts";
import { DEBUG_KIND } from "../../host/dma/debug/entry.ts";
import type { DebugError } from "../../host/dma/debug/errors.ts";
import { type DebugSource, segmentFindings } from "../../host/dma/debug/segments.ts";
import { type DmaDebug, startDebug } from "../../host/dma/debug/session.ts";
import {
  type DebugCall,
  debugMapPhys,
  debugMappingError,
  debugRelease,
  debugUnmapPhys,
} from "../../host/dma/debug/shadow.ts";
import { debugSyncSingle } from "../../host/dma/debug/sync.ts";
import { DIR, type DmaDevice } from "../../host/dma/device.ts";
import { attrsOf, dirOf } from "./attributes.ts";
import { Phrase } from "./compare.ts";
import { type Fields, Given, isFields, Unsupported } from "./given.ts";
import type { OpTable } from "./runner.ts";
import type { CaseState } from "./state.ts";

/** Adapters of the area. */
export const DEBUG_OPS: OpTable = { dma_debug_sequence: sequence, sg_segment_checks: segmentChecks };

const ERRORS_PRINTED = 1e9;

interface Run {
  readonly debug: DmaDebug;
  readonly device: DmaDevice;
}

/** Fields of `given` in order (`map`, `sync_for_cpu`, `unmap`, `second_map`, ...), or a list `steps` of such fields. */
function sequence(given: Given, state: CaseState): Fields {
  const errors: DebugError[] = [];
  startDebug(state.arena, ERRORS_PRINTED);
  const debug = {
    arena: state.arena,
    lockOwner: 0,
    report: (error: DebugError) => void errors.push(error),
    job: 0,
    io: 0,
  };
  const run: Run = { debug, device: deviceOf(given, state) };
  for (const step of given.has("steps") ? given.records("steps") : [given]) runFields(run, step);
  return { errors: errors.map(({ text }) => new Phrase(text)), count: errors.length, error_count: errors.length };
}

function deviceOf(given: Given, state: CaseState): DmaDevice {
  return state.device({
    maxSegBytes: given.number("max_seg", 65536),
    segBoundaryMask: given.address("seg_boundary", DMA_MAPPING_ERROR),
  });
}

/** A step is `{map: {...}}`, or `{op: "map", ...}` with the call's fields beside it. */
function runFields(run: Run, step: Given): void {
  const named = step.has("op") && !step.path.endsWith("given") ? "op" : "call";
  if (step.has(named)) {
    runCall(run, step.text(named), step);
    return;
  }
  for (const [name, value] of Object.entries(step.fields)) {
    const values = Array.isArray(value) ? value : [value];
    for (const each of values) {
      if (isFields(each)) runCall(run, name, new Given(each, `${step.path}.${name}`));
      else if (each === true && /unbind|release|remove/.test(name)) debugRelease(run.debug, run.device);
    }
  }
}

function runCall(run: Run, name: string, call: Given): void {
  const { debug, device } = run;
  if (/unmap|free/.test(name)) debugUnmapPhys(debug, device, callOf(name, call));
  else if (/sync/.test(name)) debugSyncSingle(debug, device, callOf(name, call), isForCpu(name, call));
  else if (/map|alloc/.test(name) && !/mapping_error/.test(name)) mapAndCheck(run, name, call);
  else if (/check|mapping_error/.test(name)) debugMappingError(debug, device, call.address("dma"));
  else if (/unbind|release|remove/.test(name)) debugRelease(debug, device);
  else throw new Unsupported(`call ${name}`);
}

/** `checked` (default true): the driver calls dma_mapping_error. */
function mapAndCheck({ debug, device }: Run, name: string, call: Given): void {
  const mapped = callOf(name, call);
  debugMapPhys(debug, device, mapped);
  if (call.flag("checked", true)) debugMappingError(debug, device, mapped.dmaAddr);
}

/** `sync_for_cpu`, or `sync` with a field that names the side; a sync that names none is for the CPU. */
function isForCpu(name: string, call: Given): boolean {
  const fields = ["for", "to", "call", "op", "kind", "type", "function"].filter((field) => call.has(field));
  const words = [name, ...fields.map((field) => call.text(field))].join(" ");
  return !/device/.test(words) || /cpu/.test(words);
}

const SOURCES: readonly (readonly [RegExp, DebugSource])[] = [
  [/stack/i, "stack"],
  [/text|rodata/i, "kernel text"],
  [/vmalloc/i, "vmalloc"],
  [/invalid/i, "invalid area"],
];

function callOf(name: string, call: Given): DebugCall {
  const kind = kindOf(call.text("kind", call.text("type", call.text("function", name))), call);
  const memory = call.text("memory", call.text("source", call.text("area", "")));
  const source = SOURCES.find(([pattern]) => pattern.test(memory))?.[1];
  const physField = ["phys", "cpu_addr", "cpu_address", "virt"].find((field) => call.has(field));
  return {
    dmaAddr: call.address("dma"),
    bytes: call.number("size", 0),
    dir: dirOf(call, DIR.bidirectional),
    attrs: attrsOf(call),
    kind,
    nents: kind === DEBUG_KIND.sg ? call.number("nents", 1) : 0,
    mappedNents: kind === DEBUG_KIND.sg ? call.number("mapped_nents", call.number("nents", 1)) : 0,
    ...(physField === undefined ? {} : { phys: call.number(physField) }),
    ...(source === undefined ? {} : { source }),
  };
}

/** Pages, single buffers and resources are one kind since they are mapped by physical address. */
function kindOf(words: string, call: Given): number {
  if (/noncoherent/i.test(words)) return DEBUG_KIND.noncoherent;
  if (/coherent|alloc/i.test(words)) return DEBUG_KIND.coherent;
  return /sg|scatter/i.test(words) || call.has("nents") ? DEBUG_KIND.sg : DEBUG_KIND.phys;
}

/** `len` is the DMA side, `sg_length` the CPU side. */
function segmentChecks(given: Given, state: CaseState): Fields {
  const length = given.number("len", given.number("sg_length", 0));
  const cpuLength = given.number("sg_length", length);
  const findings = segmentFindings(deviceOf(given, state), cpuLength, given.number("dma"), length);
  return { errors: findings.map(({ text }) => new Phrase(text)) };
}
