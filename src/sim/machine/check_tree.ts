/** Cross-checks of names and of the PCIe tree, on the document: `resolve.ts` walks the tree and relies on them. */
import type { BridgeKind } from "./description.ts";
import { firstFault, type MachineFault, nameList } from "./fault.ts";
import type { MachineDocument } from "./schema.ts";
import type { BridgeDocument } from "./schema_pcie.ts";

/** What may stand above a port of each kind; a device accepts `DEVICE_PARENTS`. */
const PARENTS: Readonly<Record<BridgeKind, readonly BridgeKind[]>> = {
  "root-complex": [],
  "root-port": ["root-complex"],
  "switch-upstream": ["root-port", "switch-downstream"],
  "switch-downstream": ["switch-upstream"],
};
const DEVICE_PARENTS: readonly BridgeKind[] = ["root-port", "switch-downstream", "root-complex"];

/** First fault of names and tree; undefined when `resolveMachine` may run. */
export function checkTree(document: MachineDocument): MachineFault | undefined {
  return (
    duplicateNames(document) ??
    firstFault(document.pcie, (bridge, index) => unknownParent(document, bridge.parent ?? null, ["pcie", index])) ??
    firstFault(document.devices, (device, index) => unknownParent(document, device.parent, ["devices", index])) ??
    firstFault(document.pcie, (bridge, index) => cycle(document, bridge, index)) ??
    firstFault(document.pcie, (bridge, index) => bridgeParentKind(document, bridge, index)) ??
    firstFault(document.devices, (device, index) => deviceParentKind(document, device, index)) ??
    firstFault(document.pcie, (bridge, index) => rootOnlyKeys(bridge, index)) ??
    crowdedPort(document)
  );
}

interface Named {
  readonly name: string;
  readonly path: readonly (string | number)[];
}

function duplicateNames(document: MachineDocument): MachineFault | undefined {
  const named = (items: readonly { readonly name: string }[], path: readonly string[]): Named[] =>
    items.map((item, index) => ({ name: item.name, path: [...path, index, "name"] }));
  return (
    duplicate(named(document.memory, ["memory"])) ??
    duplicate(named(document.iommu.units ?? [], ["iommu", "units"])) ??
    duplicate([...named(document.pcie, ["pcie"]), ...named(document.devices, ["devices"])])
  );
}

function duplicate(items: readonly Named[]): MachineFault | undefined {
  return firstFault(items, (item, index) => {
    const first = items.findIndex((other) => other.name === item.name);
    if (first === index) return undefined;
    return {
      code: "DMASIM_MACHINE_DUPLICATE_NAME",
      path: item.path,
      what: "this name is taken already",
      value: item.name,
      limit: `each of ${nameList(items)} must be different`,
      remedy: "rename one of them",
    };
  });
}

function unknownParent(
  document: MachineDocument,
  parent: string | null,
  path: readonly (string | number)[],
): MachineFault | undefined {
  if (parent === null || document.pcie.some((bridge) => bridge.name === parent)) return undefined;
  return {
    code: "DMASIM_MACHINE_UNKNOWN_PARENT",
    path: [...path, "parent"],
    what: "no port or root complex has this name",
    value: parent,
    limit: `known: ${nameList(document.pcie)}`,
    remedy: "add it under pcie, or name one that is there",
  };
}

function cycle(document: MachineDocument, bridge: BridgeDocument, index: number): MachineFault | undefined {
  const walked = [bridge.name];
  let at: BridgeDocument | undefined = bridge;
  while (at?.parent !== undefined) {
    const parent: string = at.parent;
    if (walked.includes(parent)) {
      return {
        code: "DMASIM_MACHINE_CYCLE",
        path: ["pcie", index, "parent"],
        what: "the parents run in a circle",
        value: [...walked, parent].join(" -> "),
        limit: "every port must lead to a root complex",
        remedy: "give the topmost of them a root complex as parent",
      };
    }
    walked.push(parent);
    at = document.pcie.find((other) => other.name === parent);
  }
  return undefined;
}

function bridgeParentKind(document: MachineDocument, bridge: BridgeDocument, index: number): MachineFault | undefined {
  const allowed = PARENTS[bridge.kind];
  const parent = document.pcie.find((other) => other.name === bridge.parent);
  if (parent === undefined ? allowed.length === 0 : allowed.includes(parent.kind)) return undefined;
  return {
    code: "DMASIM_MACHINE_PARENT_KIND",
    path: ["pcie", index, "parent"],
    what: `a ${bridge.kind} cannot be here`,
    value: parent === undefined ? null : `${parent.name} (${parent.kind})`,
    limit: allowed.length === 0 ? "a root-complex has no parent" : `parent must be a ${allowed.join(" or ")}`,
    remedy: allowed.length === 0 ? "remove parent" : "name such a parent, or change kind",
  };
}

function deviceParentKind(
  document: MachineDocument,
  device: MachineDocument["devices"][number],
  index: number,
): MachineFault | undefined {
  const parent = document.pcie.find((bridge) => bridge.name === device.parent);
  if (parent !== undefined && !DEVICE_PARENTS.includes(parent.kind)) {
    return {
      code: "DMASIM_MACHINE_PARENT_KIND",
      path: ["devices", index, "parent"],
      what: "a device cannot sit here",
      value: `${parent.name} (${parent.kind})`,
      limit: `parent must be a ${DEVICE_PARENTS.join(" or ")}`,
      remedy: "name a downstream port of that switch",
    };
  }
  if (device.link === undefined || (parent !== undefined && parent.kind !== "root-complex")) return undefined;
  return {
    code: "DMASIM_MACHINE_LINK_WITHOUT_PORT",
    path: ["devices", index, "link"],
    what: "an on-chip or integrated device has no PCIe link",
    value: device.link,
    limit: "a link needs a root-port or switch-downstream as parent",
    remedy: "remove link, or put the device below a port",
  };
}

function rootOnlyKeys(bridge: BridgeDocument, index: number): MachineFault | undefined {
  const key = "bus_offset";
  if (bridge.bus_offset === 0 || bridge.kind === "root-complex") return undefined;
  return {
    code: "DMASIM_MACHINE_ROOT_COMPLEX_ONLY",
    path: ["pcie", index, key],
    what: `${key} belongs to the root complex`,
    value: bridge.kind,
    limit: "only kind root-complex has it",
    remedy: `move ${key} to the root complex above ${bridge.name}`,
  };
}

/** A port has one link, so one switch or one device (whose functions share bus and device number) sits below it. */
function crowdedPort(document: MachineDocument): MachineFault | undefined {
  return firstFault(document.devices, (device, index) => {
    const port = document.pcie.find((bridge) => bridge.name === device.parent);
    if (port === undefined || port.kind === "root-complex") return undefined;
    const upstream = document.pcie.find((bridge) => bridge.parent === port.name);
    const earlier = document.devices.slice(0, index).find((other) => other.parent === port.name);
    const sibling = upstream ?? (earlier !== undefined && !sameSlot(earlier.bdf, device.bdf) ? earlier : undefined);
    if (sibling === undefined) return undefined;
    return {
      code: "DMASIM_MACHINE_PORT_TAKEN",
      path: ["devices", index, "parent"],
      what: "another device or switch is on this port's link already",
      value: `${device.name} beside ${sibling.name} on ${port.name}`,
      limit: "one link, one device; functions of one device share domain:bus:device of their bdf",
      remedy: "add a port, or give both the bdf of one device",
    };
  });
}

function sameSlot(one: string | undefined, other: string | undefined): boolean {
  return one !== undefined && other !== undefined && one.slice(0, -2) === other.slice(0, -2);
}
