/** Rows of applications that read and write blocks or packets, limited by mapping, locks, bounce copies or their device. */
import { DIR } from "../../host/dma/device.ts";
import type { Constants } from "../../timing/calibration/constant.ts";
import type { HostPrices } from "../../timing/host_cost/prices.ts";
import { HostLab, type HostParts } from "./host/host_lab.ts";
import { cpusOf, rowPrices } from "./host/host_parts.ts";
import { IovaPath, MappedPath, PooledPath, RetryingPath } from "./host/host_paths.ts";
import { type HostPath, type IoLoad, ioRate } from "./host/io_loop.ts";
import { dirOf, partsOf, predictDriver } from "./predict_driver.ts";
import { type Prediction, predicted, type RowKeys, type RowQuestion, rowNumber, rowText, unsupported } from "./row.ts";

const TOPICS: readonly string[] = ["iova-allocator", "swiotlb", "iommu-storage", "bounce"];
/** Cores of computers that have client drives. */
const CLIENT_CORES: readonly string[] = ["comet-lake", "haswell-client", "zen5"];
const PAGE_BYTES = 4096;
const PACKET_BYTES = 1500;
/** Software that this model knows: the stock one, and what these change. */
const VARIANTS: readonly string[] = [
  "",
  "before",
  "after",
  "split_lock_bitmap_lifo",
  "lifo_slots",
  "iova_retry_from_last_node",
  "pooled_bounce",
];

/** The other side of a ratio: what its baseline changes in the workload. */
const BASELINES: Readonly<Record<string, RowKeys>> = {
  map_unmap_per_io: { path: "iommu", iommu_mode: "strict", variant: "" },
  iommu_off: { path: "direct", iommu_mode: "off", variant: "" },
  iommu_strict: { path: "iommu", iommu_mode: "strict", variant: "" },
  slots_in_order: { variant: "" },
};

/** Undefined when the row is of another kind. */
export function predictStorage(question: RowQuestion, constants: Constants): Prediction | undefined {
  const { topic, workload, quantity } = question;
  if (!TOPICS.includes(topic)) return undefined;
  const variant = rowText(workload, "variant", "");
  if (!VARIANTS.includes(variant))
    return unsupported("software-outside-model", `the change ${variant} is not modelled`);
  if (quantity === "map_latency" || quantity === "unmap_latency") return predictCallOf(question, constants);
  const devices = rowText(workload, "aggregate", "sum") === "sum" ? 1 : rowNumber(question.system, "device_count", 1);
  if (quantity === "io_rate") return predicted(rateOf(question, constants) / devices);
  const bytes = bytesOf(question);
  if (quantity === "bandwidth") return predicted((rateOf(question, constants) / devices) * bytes);
  const baseline = BASELINES[rowText(workload, "baseline", "")];
  if (baseline === undefined) return unsupported("software-outside-model", `no model of the baseline of ${quantity}`);
  const base = rateOf({ ...question, workload: { ...workload, ...baseline } }, constants);
  return ratioOf(quantity, rateOf(question, constants) / base);
}

/** A call that the application's driver makes while all its CPUs do. */
function predictCallOf(question: RowQuestion, constants: Constants): Prediction {
  const { workload, quantity } = question;
  const threads = rowNumber(workload, "threads", rowNumber(workload, "cores", 1));
  const op = quantity === "map_latency" ? "map" : "unmap";
  return predictDriver({ ...question, workload: { ...workload, op, threads } }, constants);
}

function ratioOf(quantity: string, ratio: number): Prediction {
  if (quantity === "bandwidth_ratio") return predicted(ratio);
  if (quantity === "bandwidth_gain") return predicted(ratio - 1);
  if (quantity === "bandwidth_loss") return predicted(1 - ratio);
  if (quantity === "duration_ratio") return predicted(1 / ratio);
  return quantity === "duration_increase"
    ? predicted(1 / ratio - 1)
    : unsupported("quantity-not-simulated", `a closed loop of I/Os has no ${quantity}`);
}

/** Bytes of one I/O; of networks one packet. */
function bytesOf({ workload }: RowQuestion): number {
  return rowNumber(workload, "access_bytes", workload["transport"] === undefined ? PAGE_BYTES : PACKET_BYTES);
}

function rateOf(question: RowQuestion, constants: Constants): number {
  const parts = machineOf(question);
  const lab = new HostLab(parts);
  const load = loadOf(question, parts, constants);
  return ioRate(lab, pricesOf(question, constants), pathOf(question, lab, load), load);
}

/** Software devices keep IOVAs of a domain without an IOMMU: the machine gets one, its page tables stay unused. */
function machineOf(question: RowQuestion): HostParts {
  const parts = partsOf(question);
  const isSoftware = rowText(question.workload, "driver", "") === "vduse";
  return isSoftware ? { ...parts, iommuKind: "vtd", iommuMode: "strict", bounceAreas: 0 } : parts;
}

/** Slots taken in LIFO order stay in the caches: copies run at their speed. */
function pricesOf(question: RowQuestion, constants: Constants): HostPrices {
  const prices = rowPrices(question, constants);
  const variant = rowText(question.workload, "variant", "");
  const isHot = variant === "split_lock_bitmap_lifo" || variant === "lifo_slots";
  return isHot ? { ...prices, copyBytePs: 1000 / constants.get("copy.hotBytesPerNs") } : prices;
}

function loadOf(question: RowQuestion, parts: HostParts, constants: Constants): IoLoad {
  const { workload } = question;
  // Without a number of jobs as many as keep every CPU busy.
  const jobs = rowNumber(workload, "jobs", 0) || rowNumber(workload, "threads", 0) || rowNumber(workload, "cores", 0);
  return {
    jobs: jobs > 0 ? jobs : defaultJobs(question, parts),
    iodepth: rowNumber(workload, "iodepth", constants.get("app.iodepth")),
    softwarePs: Math.round(softwareNs(question, constants) * 1000),
    devicePs: Math.round(deviceNs(question, constants) * 1000),
  };
}

function defaultJobs(question: RowQuestion, parts: HostParts): number {
  return question.topic === "iommu-storage" ? Math.min(parts.cpus, cpusOf(question)) : 1;
}

function softwareNs({ system }: RowQuestion, constants: Constants): number {
  if (rowText(system, "device", "") === "vduse-ram") return constants.get("app.vduse.ioNs");
  if (rowText(system, "virt", "bare") !== "bare") return constants.get("app.vm.ioNs");
  return constants.get("host.submitNs") + constants.get("host.completeNs");
}

/** Time that one I/O occupies the devices. */
function deviceNs(question: RowQuestion, constants: Constants): number {
  const { system } = question;
  const device = rowText(system, "device", "");
  const count = rowNumber(system, "device_count", 1);
  const bytes = bytesOf(question);
  if (device === "vduse-ram") return constants.get("app.vduse.deviceNs");
  if (device === "ssd-sas") return constants.get("app.ssd-sas.deviceNs") / count;
  if (device.startsWith("wifi")) return bytes / constants.get("app.wifi.bytesPerNs");
  if (device === "" && rowText(system, "virt", "bare") !== "bare") return constants.get("app.vm.deviceNs");
  const isClient = rowText(system, "virt", "bare") !== "bare" || CLIENT_CORES.includes(rowText(system, "uarch", ""));
  const drive = isClient ? "app.ssd-nvme.client" : "app.ssd-nvme.server";
  const commandNs = constants.first(`app.${device}.deviceNs`, `${drive}Ns`);
  const bytesPerNs = constants.first(`app.${device}.bytesPerNs`, `${drive}BytesPerNs`);
  return Math.max(commandNs, bytes / bytesPerNs) / count;
}

function pathOf(question: RowQuestion, lab: HostLab, load: IoLoad): HostPath {
  const { workload } = question;
  const bytes = bytesOf(question);
  if (rowText(workload, "driver", "") === "vduse") {
    return new IovaPath(lab, rowText(workload, "iova_allocator", "magazine") === "magazine");
  }
  const variant = rowText(workload, "variant", "");
  const dir = workload["direction"] === undefined ? DIR.fromDevice : dirOf(question);
  if (variant === "pooled_bounce") return new PooledPath(lab, bytes, dir === DIR.toDevice);
  // Pages of a buffered I/O lie apart; a single packet is one range.
  const nents = workload["transport"] === undefined ? Math.ceil(bytes / PAGE_BYTES) : 1;
  const mapped = new MappedPath(lab, nents, Math.ceil(bytes / nents), dir);
  return variant === "iova_retry_from_last_node" ? new RetryingPath(mapped, lab, load.jobs) : mapped;
}
