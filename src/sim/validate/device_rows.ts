/**
 * The fabric that a device-initiated row describes, and the load on it.
 */
import type { LinkShape } from "../../pcie/link.ts";
import type { Constants } from "../../timing/calibration/constant.ts";
import { DeviceFunction } from "../../timing/fabric/function.ts";
import { HostPort } from "../../timing/fabric/host_port.ts";
import { NodeMemory } from "../../timing/fabric/node_memory.ts";
import {
  commandSlots,
  deviceFamily,
  functionShape,
  memoryShape,
  rootComplexShape,
  translationShape,
  wayShape,
} from "../../timing/fabric/presets.ts";
import type { FunctionShape } from "../../timing/fabric/shape.ts";
import { TranslationUnit } from "../../timing/fabric/translation_unit.ts";
import { type AddressSpace, MappedWindow, PHYSICAL_ADDRESSES } from "../device_load/address_space.ts";
import { type DeviceLoad, type DeviceLoadResult, DeviceLoadRun, type DeviceOp } from "../device_load/load.ts";
import { System } from "../system.ts";
import { dramOf, extTagsOf, llcBytesOf, translatedMachine, uarchOf } from "./machine_parts.ts";
import { type RowQuestion, rowFlag, rowNumber, rowText } from "./row.ts";

const ACCESSES = 8_000;
const WARMUP = 2_000;
/** Longer transfers are streams: their quanta are what matters. */
const STREAM_BYTES = 16384;
const STREAM_ACCESS_BYTES = 4096;
const SUPERPAGE_BYTES = 2 * 1024 ** 2;
const LINE_RATE_UNIT = 1e9 / 8;

/** Runs the load of a row over `link`. */
export function runDeviceRow(
  question: RowQuestion,
  op: DeviceOp,
  link: LinkShape,
  constants: Constants,
): DeviceLoadResult {
  const { system, workload } = question;
  const uarch = uarchOf(system);
  const port = new HostPort("rc", rootComplexShape(constants, uarch, link.gen));
  const hops = rowText(workload, "topology", "") === "same_switch" ? 1 : 0;
  const shape = limitedByLine(functionOf(question, link, constants), question, constants);
  const fn = new DeviceFunction("device", shape, wayShape(constants, uarch, link, hops), port);
  const dram = dramOf(system);
  const memory = new NodeMemory("dram", memoryShape(constants, dram.channels, dram.mts));
  const load = loadOf(question, op, constants);
  return new DeviceLoadRun(load, fn, memory, addressesOf(question, load.windowBytes, constants)).run();
}

function functionOf({ system }: RowQuestion, link: LinkShape, constants: Constants): FunctionShape {
  const device = deviceFamily(rowText(system, "device", "default"));
  const shape = functionShape(constants, device, link, extTagsOf(system));
  const tags = `engine.${rowText(system, "engine", "")}.tags`;
  return constants.has(tags) ? { ...shape, tags: constants.get(tags) } : shape;
}

/** A NIC takes no more than its line brings. */
function limitedByLine(shape: FunctionShape, { system }: RowQuestion, constants: Constants): FunctionShape {
  const gbit = rowNumber(system, "nic_gbit_per_s", 0);
  if (gbit === 0) return shape;
  const bytePs = 1e12 / (gbit * LINE_RATE_UNIT * constants.get("net.payloadShare"));
  const issue = { commandPs: 0, chunkBytes: 0, chunkPs: 0, bytePs };
  return { ...shape, read: issue, write: issue };
}

function loadOf({ system, workload }: RowQuestion, op: DeviceOp, constants: Constants): DeviceLoad {
  const device = deviceFamily(rowText(system, "device", "default"));
  const bytes = rowNumber(workload, "access_bytes", STREAM_BYTES + 1);
  const accessBytes = bytes > STREAM_BYTES ? STREAM_ACCESS_BYTES : bytes;
  const windowBytes = rowNumber(workload, "window_bytes", Math.max(bytes, 8192));
  const warm = rowText(workload, "cache", "cold") === "warm";
  const stream = bytes > STREAM_BYTES;
  return {
    op,
    accessBytes,
    windowBytes,
    random: rowText(workload, "pattern", "random") === "random" && !stream,
    outstanding: stream
      ? commandSlots(constants, device)
      : rowNumber(workload, "outstanding", commandSlots(constants, device)),
    opposed: rowText(workload, "background", "") === "opposite_dma",
    cachedShare: warm ? Math.min(1, llcBytesOf(system) / windowBytes) : 0,
    remote: rowText(system, "numa", "local") === "remote",
    warmup: WARMUP,
    accesses: ACCESSES,
  };
}

function addressesOf({ system, workload }: RowQuestion, windowBytes: number, constants: Constants): AddressSpace {
  if (rowText(workload, "path", "direct") !== "iommu") return PHYSICAL_ADDRESSES;
  const kind = rowText(system, "iommu_kind", "vtd");
  const largest = rowFlag(system, "superpages", true) ? SUPERPAGE_BYTES : 4096;
  const pageBytes = rowNumber(workload, "mapping_page_bytes", largest);
  const figure = (name: string) => constants.first(`iommu.${kind}.${name}`, `iommu.vtd.${name}`);
  const entries = figure("entries");
  const walkers = figure("walkers");
  const unit = new TranslationUnit("unit0", translationShape(constants, kind, entries, walkers));
  return new MappedWindow(new System(translatedMachine(system, entries, walkers, pageBytes)), windowBytes, unit);
}
