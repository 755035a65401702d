/**
 * Rows of NICs that receive through an IOMMU: goodput, misses of IOTLB and page-structure caches, table reads.
 *
 * `timing/iommu` says how packets arrive and what limits goodput; `net/receive_run.ts` counts misses on production code.
 */
import { CPUS_MAX } from "../../shm/capacities.ts";
import type { Constants } from "../../timing/calibration/constant.ts";
import { acksPerPacket, mergedPackets } from "../../timing/iommu/receive_batch.ts";
import { coreGoodput, lineGoodput, payloadBytes, translatedGoodput } from "../../timing/iommu/receive_rate.ts";
import { type ReceiveCounts, ReceiveRun, type ReceiveTraffic } from "./net/receive_run.ts";
import { partsOf } from "./predict_driver.ts";
import { type Prediction, predicted, type RowKeys, type RowQuestion, rowNumber, rowText, unsupported } from "./row.ts";

const TOPICS: readonly string[] = ["iommu-net", "iommu-virt"];
const VARIANTS: readonly string[] = ["", "before", "fast_and_safe", "hugepage_buffers"];
/** Programs that only move bytes. */
const APPS: readonly string[] = ["iperf", "netperf", "network"];
const PAGE_BYTES = 4096;
const SUPERPAGE_BYTES = 2 ** 21;
const GBIT_BYTES = 1e9 / 8;
const MTU_BYTES = 4096;
const RING_ENTRIES = 256;
const DESCRIPTOR_PAGES = 64;
const FLUSH_ENTRIES = 256;
const LEVELS: readonly string[] = ["ptcache_l1", "ptcache_l2", "ptcache_l3"];
/** The other side of a ratio: what its baseline changes in the workload. */
const BASELINES: Readonly<Record<string, RowKeys>> = {
  iommu_off: { path: "direct", iommu_mode: "off", variant: "" },
  iommu_strict: { path: "iommu", iommu_mode: "strict", variant: "" },
};

/** Undefined when the row is of another kind. */
export function predictNet(question: RowQuestion, constants: Constants): Prediction | undefined {
  const { topic, system, workload, quantity } = question;
  if (!TOPICS.includes(topic)) return undefined;
  const variant = rowText(workload, "variant", "");
  if (!VARIANTS.includes(variant))
    return unsupported("software-outside-model", `the change ${variant} is not modelled`);
  const app = rowText(workload, "app", "iperf");
  if (!APPS.includes(app))
    return unsupported("software-outside-model", `the work of ${app} on each packet is not modelled`);
  if (quantity === "misses_per_page" || quantity === "reads_per_page") return predictMisses(question, constants);
  if (workload.flows === undefined && workload.cores === undefined) {
    return unsupported("software-outside-model", "neither flows nor cores of the load are known");
  }
  if (system.nic_gbit_per_s === undefined) return unsupported("system-not-described", "nic_gbit_per_s");
  return predictGoodput(question, constants);
}

function predictGoodput(question: RowQuestion, constants: Constants): Prediction {
  const { system, workload, quantity } = question;
  const bytesPerS = goodput(question, constants);
  if (quantity === "bandwidth") return predicted(bytesPerS);
  if (quantity === "line_rate_share") return predicted(bytesPerS / lineBytesPerS(system));
  const named = rowText(workload, "baseline", "iommu_off");
  const baseline = BASELINES[named];
  if (baseline === undefined) return unsupported("software-outside-model", `no model of the baseline ${named}`);
  const base = goodput({ ...question, workload: { ...workload, ...baseline } }, constants);
  if (quantity === "bandwidth_loss") return predicted(1 - bytesPerS / base);
  if (quantity === "bandwidth_ratio") return predicted(bytesPerS / base);
  if (quantity !== "loss_recovered") return unsupported("quantity-not-simulated", `${quantity} of a transport`);
  const off = goodput({ ...question, workload: { ...workload, ...BASELINES.iommu_off } }, constants);
  return predicted((bytesPerS - base) / off);
}

function predictMisses(question: RowQuestion, constants: Constants): Prediction {
  const structure = rowText(question.workload, "structure", "walk");
  const counts = countsOf(question, constants);
  if (question.quantity === "reads_per_page") return predicted(counts.reads);
  if (structure === "iotlb") return predicted(counts.iotlb);
  const level = counts.levels[LEVELS.indexOf(structure)];
  return level === undefined ? unsupported("quantity-not-simulated", `misses of ${structure}`) : predicted(level);
}

/** Application bytes a second. */
function goodput(question: RowQuestion, constants: Constants): number {
  const { system } = question;
  const mtu = mtuOf(question);
  const mhz = rowNumber(system, "cpu_mhz", constants.get("net.coreMhz"));
  const slower = constants.get("net.coreMhz") / mhz;
  const cores = coreGoodput(
    loadOf(question).cores,
    constants.get("net.corePageNs") * slower,
    constants.get("net.coreBufferNs") * slower,
    merged(question, constants) * payloadBytes(mtu),
  );
  const { reads } = countsOf(question, constants);
  const translated = translatedGoodput(constants.get("net.fixedNs"), constants.get("net.readNs"), reads);
  const untranslated = Math.min(lineGoodput(lineBytesPerS(system), mtu), cores);
  return reads === 0 ? untranslated : Math.min(untranslated, translated);
}

/** Misses and reads for each 4 KiB of payload. */
function countsOf(question: RowQuestion, constants: Constants): ReceiveCounts {
  const traffic = trafficOf(question, constants);
  const parts = { ...partsOf(question), cpus: traffic.cores, pageBytesMax: traffic.pageBytes, bounceAreas: 0 };
  if (parts.iommuMode === "off" || parts.iommuKind === "none") return { iotlb: 0, levels: [0, 0, 0], reads: 0 };
  const keeps = rowText(question.workload, "variant", "") === "fast_and_safe";
  const unit = {
    iotlbEntries: constants.first(`iommu.${parts.iommuKind}.entries`, "iommu.vtd.entries"),
    walkCacheEntries: constants.get("iommu.walkCacheEntries"),
    keepsUpperLevels: keeps,
  };
  const each = PAGE_BYTES / payloadBytes(mtuOf(question));
  const { iotlb, levels, reads } = new ReceiveRun(parts, unit, traffic).run();
  const isNested = rowText(question.system, "virt", "bare") === "nested_vm";
  return {
    iotlb: iotlb * each,
    levels: [levels[0] * each, levels[1] * each, levels[2] * each],
    reads: (isNested ? iotlb * constants.get("iommu.nestedReads") : reads) * each,
  };
}

function trafficOf(question: RowQuestion, constants: Constants): ReceiveTraffic & { readonly pageBytes: number } {
  const { system, workload } = question;
  const variant = rowText(workload, "variant", "");
  const mtu = mtuOf(question);
  const strideBytes = mtu >= PAGE_BYTES ? Math.ceil(mtu / PAGE_BYTES) * PAGE_BYTES : 2 ** Math.ceil(Math.log2(mtu));
  const descriptorBytes = rowNumber(workload, "descriptor_pages", DESCRIPTOR_PAGES) * PAGE_BYTES;
  const mapped = rowNumber(workload, "mapping_page_bytes", PAGE_BYTES);
  const pageBytes = variant === "hugepage_buffers" ? Math.max(SUPERPAGE_BYTES, mapped) : mapped;
  const byDescriptor = variant === "fast_and_safe" ? descriptorBytes : PAGE_BYTES;
  const control = `net.${rowText(system, "device", "default")}.controlMissShare`;
  const { cores } = loadOf(question);
  const mergedOf = merged(question, constants);
  return {
    cores,
    ringBytes: Math.max(2 * descriptorBytes, rowNumber(workload, "ring_entries", RING_ENTRIES) * strideBytes),
    strideBytes,
    pageBytes,
    pieceBytes: Math.max(pageBytes, byDescriptor),
    ackPieceBytes: byDescriptor,
    merged: mergedOf,
    buffersPerRead: constants.get("net.buffersPerRead"),
    queuedPieces: Math.round(windowOf(question, constants) / cores / Math.max(pageBytes, byDescriptor)),
    acksPerPacket: rowText(workload, "transport", "tcp") === "udp" ? 0 : acksPerPacket(mergedOf),
    controlMissShare: constants.first(control, "net.default.controlMissShare") * invalidationShare(question),
    spareShare: constants.get("net.spareShare"),
  };
}

/** Invalidation commands for each page that is unmapped. */
function invalidationShare({ workload }: RowQuestion): number {
  if (rowText(workload, "iommu_mode", "strict") === "lazy")
    return 1 / rowNumber(workload, "flush_entries", FLUSH_ENTRIES);
  const isRange = rowText(workload, "variant", "") === "fast_and_safe";
  return isRange ? 1 / rowNumber(workload, "descriptor_pages", DESCRIPTOR_PAGES) : 1;
}

function merged(question: RowQuestion, constants: Constants): number {
  const windowBytes = windowOf(question, constants);
  return mergedPackets({ ...loadOf(question), mtuBytes: mtuOf(question), windowBytes });
}

/** Bytes in flight of all flows. */
function windowOf({ system }: RowQuestion, constants: Constants): number {
  return (lineBytesPerS(system) * constants.get("net.pathNs")) / 1e9;
}

/** Cores and flows; as many cores as flows where only these are given, up to a socket's. */
function loadOf({ system, workload }: RowQuestion): { readonly cores: number; readonly flows: number } {
  const socket = rowNumber(system, "cores_per_socket", 8);
  const given = rowNumber(workload, "cores", rowNumber(workload, "cores_per_direction", 0));
  const cores = given > 0 ? given : Math.min(socket, rowNumber(workload, "flows", 1));
  const flows = rowNumber(workload, "flows", cores * rowNumber(workload, "flows_per_core", 1));
  return { cores: Math.min(cores, flows, CPUS_MAX), flows };
}

function lineBytesPerS(system: RowKeys): number {
  return rowNumber(system, "nic_gbit_per_s", lineGbit(rowText(system, "device", ""))) * GBIT_BYTES;
}

/** Line rate that a device's name says. */
function lineGbit(device: string): number {
  const said = /(\d+)g$/.exec(device);
  return said === null ? 100 : Number(said[1]);
}

function mtuOf({ workload }: RowQuestion): number {
  return rowNumber(workload, "mtu_bytes", MTU_BYTES);
}
