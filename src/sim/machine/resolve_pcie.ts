/** Resolves the PCIe tree of a machine: nodes, IOMMU units, access control defaults and trained links. */
import type { AcsBit, Bridge, BridgeKind, Link } from "./description.ts";
import { DEVICE_CLASSES } from "./device_classes.ts";
import type { MachineDocument } from "./schema.ts";
import type { DeviceDocument } from "./schema_device.ts";
import type { BridgeDocument, LinkDocument } from "./schema_pcie.ts";

/** pci_enable_acs: what Linux turns on in every port that has the capability once an IOMMU is in use. */
const ACS_WITH_IOMMU: readonly AcsBit[] = ["request-redirect", "completion-redirect"];
const ACS_PORTS: readonly BridgeKind[] = ["root-port", "switch-downstream"];

/** Port or root complex of that name; the tree check has made sure that every parent is known. */
export function findBridge(document: MachineDocument, name: string | null | undefined): BridgeDocument | undefined {
  return document.pcie.find((bridge) => bridge.name === name);
}

/** Node of a port: its own, else the nearest one above it, else 0. */
export function nodeOfBridge(document: MachineDocument, bridge: BridgeDocument | undefined): number {
  for (let at = bridge; at !== undefined; at = findBridge(document, at.parent)) {
    if (at.node !== undefined) return at.node;
  }
  return 0;
}

/** IOMMU unit of the root complex above `bridge`; null without IOMMU or when the machine has several and it names none. */
export function unitOfBridge(document: MachineDocument, bridge: BridgeDocument | undefined): string | null {
  let root = bridge;
  while (root?.parent !== undefined) root = findBridge(document, root.parent);
  return root?.iommu_unit === undefined ? onlyUnit(document) : root.iommu_unit;
}

/** The machine's unit when it has exactly one. */
export function onlyUnit(document: MachineDocument): string | null {
  if (document.iommu.kind === "none") return null;
  const units = document.iommu.units ?? [{ name: DEFAULT_UNIT[document.iommu.kind] }];
  return units.length === 1 ? (units[0]?.name ?? null) : null;
}

/** Name of the unit of a machine that lists none. */
export const DEFAULT_UNIT = Object.freeze({
  "intel-vtd": "dmar0",
  "amd-vi": "ivhd0",
  smmuv3: "smmu0",
  "virtio-iommu": "viommu0",
});

/** Bridges in file order. The tree check must have passed: parents exist and every path ends at a root complex. */
export function resolveBridges(document: MachineDocument): Bridge[] {
  return document.pcie.map((bridge) => ({
    name: bridge.name,
    kind: bridge.kind,
    parent: bridge.parent ?? null,
    node: nodeOfBridge(document, bridge),
    acs: bridge.acs ?? defaultAcs(document, bridge),
    id: bridge.id,
    busOffset: bridge.bus_offset,
    iommuUnit: bridge.kind === "root-complex" ? unitOfBridge(document, bridge) : null,
    windows: bridge.windows.map((window) => ({ start: window.start, bytes: window.size })),
    link: linkOfBridge(document, bridge),
  }));
}

function defaultAcs(document: MachineDocument, bridge: BridgeDocument): readonly AcsBit[] {
  const translated = document.iommu.kind !== "none" && document.iommu.mode !== "off";
  return translated && ACS_PORTS.includes(bridge.kind) ? ACS_WITH_IOMMU : [];
}

function linkOfBridge(document: MachineDocument, bridge: BridgeDocument): Link | null {
  if (bridge.kind === "root-complex") return null;
  if (bridge.kind === "switch-upstream") {
    const port = findBridge(document, bridge.parent);
    return train(toLink(bridge.link), toLink(port?.link));
  }
  const below = document.pcie.find((other) => other.parent === bridge.name);
  if (below !== undefined) return train(toLink(bridge.link), toLink(below.link));
  const device = document.devices.find((other) => other.parent === bridge.name);
  return device === undefined ? toLink(bridge.link) : linkOfDevice(document, device);
}

/** Link a device trains with its port; null for on-chip and integrated devices. */
export function linkOfDevice(document: MachineDocument, device: DeviceDocument): Link | null {
  const port = findBridge(document, device.parent);
  if (port === undefined || port.kind === "root-complex") return null;
  return train(toLink(device.link) ?? (port.link ? null : DEVICE_CLASSES[device.class].link), toLink(port.link));
}

function toLink(link: LinkDocument | undefined): Link | null {
  if (link === undefined) return null;
  return {
    gen: link.gen,
    lanes: link.lanes,
    mpsBytes: link.mps,
    mrrsBytes: link.mrrs,
    rcbBytes: link.rcb,
    extTags: link.ext_tags,
  };
}

/** Both ends agree on the lower generation, width and payload; requests and tags are the lower end's, RCB the upper end's. */
function train(below: Link | null, above: Link | null): Link | null {
  if (below === null || above === null) return below ?? above;
  return {
    gen: Math.min(below.gen, above.gen) as Link["gen"],
    lanes: Math.min(below.lanes, above.lanes) as Link["lanes"],
    mpsBytes: Math.min(below.mpsBytes, above.mpsBytes),
    mrrsBytes: below.mrrsBytes,
    rcbBytes: above.rcbBytes,
    extTags: below.extTags,
  };
}
