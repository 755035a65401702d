/**
 * Rows of drivers: map, unmap, invalidate, sync and pin calls.
 *
 * Map and unmap run the production mapping code on a machine built from the row's parts; the prices turn what it did into
 * time. One step of a call (`page_table_update`, `cmdq_issue`, ...) is the same record's share.
 */

import { linesSpanned } from "../../host/dma/cache_sync.ts";
import { DIR } from "../../host/dma/device.ts";
import type { Constants } from "../../timing/calibration/constant.ts";
import { tableWorkPs } from "../../timing/charge.ts";
import type { HostPrices } from "../../timing/host_cost/prices.ts";
import { type CallFigures, type CallShape, runCalls } from "./host/call_loop.ts";
import { HostLab, type HostParts } from "./host/host_lab.ts";
import { cpusOf, hostSystemOf, isBefore, rowPrices } from "./host/host_parts.ts";
import { type Prediction, predicted, type RowQuestion, rowFlag, rowNumber, rowText, unsupported } from "./row.ts";

const PS = 1e-12;
const PAGE_BYTES = 4096;
/** Kernels by what their DMA layer does. */
const ERA_6_12: readonly [number, number] = [6, 8];

/** Time of a driver's call. */
export function predictDriver(question: RowQuestion, constants: Constants): Prediction {
  switch (rowText(question.workload, "op", "")) {
    case "map":
    case "unmap":
    case "map_unmap":
    case "invalidate":
      return predictCall(question, constants);
    case "sync":
      return predictSync(question, constants);
    case "pin":
      return predictPin(question, constants);
    default:
      return unsupported("software-outside-model", "translation by a hypervisor's software is not modelled");
  }
}

/** DIR of a row. */
export function dirOf({ workload }: RowQuestion): number {
  const word = rowText(workload, "direction", "bidirectional");
  if (word === "to_device") return DIR.toDevice;
  return word === "from_device" ? DIR.fromDevice : DIR.bidirectional;
}

/** Parts of the row's machine. */
export function partsOf(question: RowQuestion): HostParts {
  const { system, workload } = question;
  const path = rowText(workload, "path", "direct");
  const mode = rowText(workload, "iommu_mode", path === "iommu" ? "strict" : "off");
  const isBounced = path === "bounce" || rowFlag(system, "swiotlb_force", false);
  const { iommuKind } = hostSystemOf(question);
  const isTranslated = mode === "strict" || mode === "lazy";
  const cpus = Math.max(cpusOf(question), rowNumber(workload, "threads", 1), rowNumber(workload, "jobs", 1));
  return {
    era: isBefore(rowText(system, "kernel", "6.12"), ERA_6_12) ? "6.1" : "6.12",
    cpus,
    iommuKind: isTranslated ? iommuKind : "none",
    iommuMode: mode === "strict" || mode === "lazy" ? mode : "off",
    pageBytesMax: rowNumber(
      workload,
      "mapping_page_bytes",
      rowFlag(system, "superpages", false) ? 2 ** 30 : PAGE_BYTES,
    ),
    bounceAreas: isBounced ? areasOf(question, cpus) : 0,
    coherent: rowFlag(system, "coherent", true),
  };
}

function areasOf({ workload }: RowQuestion, cpus: number): number {
  return rowText(workload, "swiotlb_locks", "areas") === "single" ? 1 : 2 ** Math.ceil(Math.log2(cpus));
}

function shapeOf(question: RowQuestion): CallShape {
  const { workload } = question;
  const nents = rowNumber(workload, "nents", 1);
  const bytes = rowNumber(workload, "access_bytes", PAGE_BYTES);
  return { nents, entryBytes: rowNumber(workload, "entry_bytes", Math.ceil(bytes / nents)), dir: dirOf(question) };
}

function predictCall(question: RowQuestion, constants: Constants): Prediction {
  const { system, workload } = question;
  const step = rowText(workload, "step", "whole");
  if (step === "vm_trap_write" || step === "vm_translate") {
    return unsupported("software-outside-model", "a hypervisor's emulation is software outside the model");
  }
  if (system["iommu_kind"] === undefined && workload["path"] === undefined) {
    return unsupported("system-not-described", "neither iommu_kind nor path says what a mapping does");
  }
  const parts = partsOf(question);
  const prices = rowPrices(question, constants);
  const figures = runCalls(new HostLab(parts), prices, rowNumber(workload, "threads", 1), shapeOf(question));
  if (figures === null)
    return unsupported("quantity-not-simulated", "the mapping is larger than this machine maps at once");
  return predicted(stepPs(question, step, figures, prices, constants) * PS);
}

function stepPs(
  { workload }: RowQuestion,
  step: string,
  figures: CallFigures,
  prices: HostPrices,
  constants: Constants,
): number {
  const remotePs = rowText(workload, "queue_numa", "local") === "remote" ? prices.nodeHopPs : 0;
  switch (step) {
    case "page_table_update":
      return tableWorkPs(prices, figures.ptes) + constants.get("host.probeNs") * 1000;
    case "sync_wait":
      return figures.syncPs + remotePs;
    case "cmdq_issue":
    case "submit_and_wait":
    case "tlb_sync":
      return figures.issuePs + remotePs;
    default:
      return wholePs(rowText(workload, "op", ""), figures) + remotePs;
  }
}

function wholePs(op: string, figures: CallFigures): number {
  if (op === "map") return figures.mapPs;
  if (op === "invalidate") return figures.issuePs;
  return op === "unmap" ? figures.unmapPs : figures.mapPs + figures.unmapPs;
}

/** Cache maintenance of a list: its lines, and a barrier after each entry or after the list. */
function predictSync(question: RowQuestion, constants: Constants): Prediction {
  const { quantity, workload } = question;
  const durationPs = syncPs(question, constants);
  if (quantity === "duration") return predicted(durationPs * PS);
  const basePs = syncPs({ ...question, workload: { ...workload, barriers: "per_entry" } }, constants);
  const isPerEntry = rowText(workload, "baseline", "barriers_per_entry") === "barriers_per_entry";
  if (!isPerEntry) return unsupported("quantity-not-simulated", "only barriers_per_entry is a baseline of a sync");
  if (quantity === "duration_reduction") return predicted(1 - durationPs / basePs);
  if (quantity === "duration_ratio") return predicted(durationPs / basePs);
  if (quantity === "duration_increase") return predicted(durationPs / basePs - 1);
  return unsupported("quantity-not-simulated", `a sync has no ${quantity}`);
}

function syncPs(question: RowQuestion, constants: Constants): number {
  const { system, workload } = question;
  const prices = rowPrices(question, constants);
  if (rowFlag(system, "coherent", true)) return prices.callPs;
  const { nents, entryBytes } = shapeOf(question);
  const barriers = rowText(workload, "barriers", "per_list") === "per_entry" ? nents : 1;
  const linesPs = nents * linesSpanned(0, entryBytes) * prices.cacheLinePs;
  return prices.callPs + nents * prices.sgEntryPs + linesPs + barriers * prices.barrierPs;
}

/** Pinning device memory: a fixed part and one per BAR page; without a size the ends are one page and the whole window. */
function predictPin({ workload, statistic }: RowQuestion, constants: Constants): Prediction {
  const pageBytes = constants.get("pin.pageBytes");
  const windowBytes = constants.get("pin.windowBytes");
  const fixedNs = constants.get("pin.fixedNs");
  const pageNs = ((constants.get("pin.windowNs") - fixedNs) * pageBytes) / windowBytes;
  const bytes = rowNumber(workload, "access_bytes", statistic === "range_high" ? windowBytes : pageBytes);
  return predicted((fixedNs + Math.ceil(bytes / pageBytes) * pageNs) * 1e-9);
}
