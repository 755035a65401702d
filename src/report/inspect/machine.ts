/** A resolved machine for people: kernel, CPUs, IOMMU, bounce pool, PCIe tree, physical address space. */
import { hex } from "../../base/addr.ts";
import { formatBytes } from "../../base/units.ts";
import type { Bridge, Device, Link, Machine } from "../../sim/machine/description.ts";
import { plural } from "../figures.ts";
import { rangesText } from "../map/address.ts";
import { labelled, type Screen } from "../style.ts";
import { renderIomem } from "./iomem.ts";
import { renderForest, type TreeNode } from "./tree.ts";

const PAGE_SIZES_LISTED = 4;
const SERVICE_TEXT = { class: "class figures", machine: "own figures", none: "no service model" } as const;

/** The machine with every default resolved, as text of several lines. */
export function renderMachine(screen: Screen, machine: Machine): string {
  const { colors } = screen;
  return [
    `${colors.bold(machine.name)} ${colors.dim(machine.title)}`,
    "",
    ...labelled(screen, "kernel", `Linux ${machine.era}, defects ${machine.defects}, ${machine.arch}`),
    ...labelled(screen, "CPUs", cpusText(machine)),
    ...labelled(screen, "memory", dramText(machine)),
    ...labelled(screen, "IOMMU", iommuText(machine)),
    ...labelled(screen, "swiotlb", swiotlbText(machine)),
    ...labelled(screen, "block device", machine.defaultBlockDevice ?? "none"),
    "",
    colors.dim(" PCIe and on-chip devices"),
    ...renderForest(machineForest(machine)).map((line) => ` ${line}`),
    "",
    colors.dim(" /proc/iomem"),
    ...renderIomem(machine).map((line) => ` ${line}`),
    "",
  ].join("\n");
}

function cpusText({ cpus }: Machine): string {
  const parts = [
    plural(cpus.sockets, "socket"),
    plural(cpus.coresPerSocket, "core"),
    plural(cpus.threadsPerCore, "thread"),
  ];
  const cache = `last-level cache ${formatBytes(cpus.llcBytes)}`;
  return `${cpus.count} = ${parts.join(" × ")}, ${cpus.vendor} family ${cpus.family}, ${cpus.uarch}, ${cache}`;
}

function dramText({ dram, memory }: Machine): string {
  const pmem = memory.some(({ kind }) => kind === "pmem")
    ? `, ${dram.pmemDimms} persistent memory modules a region`
    : "";
  return `${plural(dram.channels, "channel")} of ${dram.mts} MT/s a socket${pmem}`;
}

function iommuText({ iommu }: Machine): string {
  if (iommu.kind === "none") return "none";
  const units = iommu.units.map(
    (unit) => `${unit.name} (IOTLB ${unit.iotlbEntries} in ${unit.iotlbWays} ways, ${plural(unit.walkers, "walker")})`,
  );
  const pages = pagesText(iommu.pageBytes);
  const dac = iommu.forcedac ? ", forcedac" : "";
  return `${iommu.kind} ${iommu.mode}${queueText(iommu)}${dac}, ${iommu.addressBits}-bit IOVA, pages ${pages}, ${units.join(", ")}`;
}

/** The flush queue of lazy mode, when it is not a CPU's of 256 slots. */
function queueText({ mode, flushQueue }: Machine["iommu"]): string {
  if (mode !== "lazy" || !flushQueue.shared) return "";
  return ` (one flush queue of ${flushQueue.entries} slots, ${flushQueue.timeoutNs / 1e6} ms)`;
}

/** A format with a size for nearly every power of two is named by its ends. */
function pagesText(pageBytes: readonly number[]): string {
  const few = pageBytes.length <= PAGE_SIZES_LISTED;
  const sizes = few ? pageBytes : [pageBytes[0] ?? 0, pageBytes.at(-1) ?? 0];
  return sizes.map(formatBytes).join(few ? ", " : " to ");
}

function swiotlbText({ swiotlb, confidential }: Machine): string {
  if (swiotlb.bytes === 0) return "none";
  const force = swiotlb.force || confidential ? ", every DMA bounces" : "";
  const grows = swiotlb.dynamic ? ", grows" : "";
  return `${formatBytes(swiotlb.bytes)} at ${hex(swiotlb.start)}, ${plural(swiotlb.areas, "area")}${grows}${force}`;
}

/** The PCIe tree and the on-chip devices, one line each. */
export function machineForest(machine: Machine): TreeNode[] {
  const childrenOf = (parent: string | null): TreeNode[] => [
    ...machine.bridges
      .filter((bridge) => bridge.parent === parent)
      .map((bridge) => ({ text: bridgeText(bridge), children: childrenOf(bridge.name) })),
    ...machine.devices
      .filter((device) => device.parent === parent)
      .map((device) => ({ text: deviceText(machine, device), children: [] })),
  ];
  return childrenOf(null);
}

function joined(parts: readonly (string | null)[]): string {
  return parts.filter((part) => part !== null && part !== "").join("  ");
}

function bridgeText(bridge: Bridge): string {
  const root = bridge.kind === "root-complex";
  return joined([
    bridge.name,
    bridge.kind,
    bridge.id,
    root ? `node ${bridge.node}` : null,
    root ? (bridge.iommuUnit === null ? "no IOMMU unit" : `unit ${bridge.iommuUnit}`) : null,
    linkText(bridge.link),
    bridge.acs.length > 0 ? `ACS ${bridge.acs.join(" ")}` : null,
    bridge.busOffset === 0 ? null : `bus offset ${bridge.busOffset}`,
  ]);
}

function linkText(link: Link | null): string | null {
  if (link === null) return null;
  return `Gen${link.gen} x${link.lanes} MPS ${link.mpsBytes} MRRS ${link.mrrsBytes}`;
}

function deviceText(machine: Machine, device: Device): string {
  const mode = device.iommuUnit === null ? null : `IOMMU ${device.iommuMode ?? machine.iommu.mode}`;
  const limit = device.busDmaLimit === 0 ? null : `bus limit ${hex(device.busDmaLimit)}`;
  return joined([
    device.name,
    device.class,
    device.bdf,
    linkText(device.link),
    `${plural(device.queues, "queue")} × ${device.queueDepth}`,
    `mask ${device.dmaMaskBits}`,
    limit,
    device.dmaRanges === null ? null : `dma-ranges ${rangesText(device.dmaRanges)}`,
    mode,
    device.coherent ? null : "not coherent",
    device.untrusted ? "untrusted" : null,
    device.ats ? "ATS" : null,
    ...device.unassigned.map(({ kernelLine }) => kernelLine),
    device.preset === null ? null : `as ${device.preset}`,
    SERVICE_TEXT[device.serviceFrom],
  ]);
}
