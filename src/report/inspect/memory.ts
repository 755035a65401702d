/** Sections, padding and memmap cost of a machine for people. */
import { hex } from "../../base/addr.ts";
import { formatBytes } from "../../base/units.ts";
import type { MemoryView, NamespaceView, RegionView } from "../../sim/machine/memory_view.ts";
import type { Screen } from "../style.ts";
import { type Column, renderTable } from "../table.ts";

const REGIONS: readonly Column[] = [
  { head: "region", align: "left" },
  { head: "kind", align: "left" },
  { head: "start", align: "right" },
  { head: "size", align: "right" },
  { head: "sections", align: "right" },
  { head: "starts/ends in one at", align: "left" },
  { head: "shares one with", align: "left" },
  { head: "struct pages", align: "right" },
];

const NAMESPACES: readonly Column[] = [
  { head: "namespace on", align: "left" },
  { head: "kernel", align: "left" },
  { head: "map", align: "left" },
  { head: "pad", align: "right" },
  { head: "truncated", align: "right" },
  { head: "data at", align: "right" },
  { head: "size", align: "right" },
  { head: "memmap", align: "left" },
  { head: "kernel log", align: "left" },
];

const DEVICES: readonly Column[] = [
  { head: "device", align: "left" },
  { head: "last address", align: "right" },
  { head: "required mask", align: "right" },
  { head: "way to RAM", align: "left" },
];

/** Three tables: regions by section, each persistent region as one namespace under three kernels, devices by reach. */
export function renderMemory(screen: Screen, view: MemoryView): string {
  const { colors } = screen;
  const cost = `${formatBytes(view.memmapInRamBytes)} of ${formatBytes(view.ramBytes)} RAM hold struct pages`;
  const head = `${colors.bold(view.machine)} ${colors.dim(`Linux ${view.era}: sections of ${formatBytes(view.sectionBytes)}, hotplug blocks of ${formatBytes(view.blockBytes)}; ${cost}`)}`;
  const namespaces = view.namespaces.map(namespaceRow);
  return [
    head,
    "",
    ...renderTable(screen, REGIONS, view.regions.map(regionRow)),
    ...(namespaces.length === 0 ? [] : ["", ...renderTable(screen, NAMESPACES, namespaces)]),
    "",
    ...renderTable(
      screen,
      DEVICES,
      view.devices.map((each) => [each.device, hex(each.limit), hex(each.requiredMask), each.way]),
    ),
    "",
  ].join("\n");
}

function regionRow(region: RegionView): string[] {
  const { startInSection, endInSection } = region;
  const at =
    startInSection === 0 && endInSection === 0 ? "whole" : `${inside(startInSection)} / ${inside(endInSection)}`;
  return [
    region.name,
    `${region.kind} ${region.memmap}`,
    hex(region.start),
    formatBytes(region.bytes),
    String(region.sections),
    at,
    region.shares.join(", ") || "–",
    region.memmapBytes === 0 ? "none" : formatBytes(region.memmapBytes),
  ];
}

function inside(bytes: number): string {
  return bytes === 0 ? "border" : `+${formatBytes(bytes)}`;
}

function namespaceRow({ region, rule, map, plan }: NamespaceView): string[] {
  const log = plan.messages.join("; ");
  const first = [region, `${rule}+`, map];
  if (plan.ret !== 0) return [...first, "–", "–", "–", `refused (${plan.ret})`, "–", log];
  const where = map === "mem" ? "in RAM" : "in it";
  return [
    ...first,
    formatBytes(plan.startPadBytes),
    formatBytes(plan.endTruncBytes),
    `+${formatBytes(plan.dataOffsetBytes)}`,
    formatBytes(plan.dataBytes),
    `${formatBytes(plan.memmapBytes)} ${where}`,
    log,
  ];
}
