/** Cross-checks of what ports forward: their windows lie in those of the root complex, BARs in both. */
import type { AddressRange, Bar, Bridge, Device, Machine } from "./description.ts";
import { firstFault, formatRange, type MachineFault } from "./fault.ts";

/** First port with a window that its root complex does not decode. */
export function strayPortWindow(machine: Machine): MachineFault | undefined {
  return firstFault(machine.bridges, (bridge, index) => {
    const root = bridgesAbove(machine, bridge.parent).at(-1);
    if (root === undefined || root.windows.length === 0) return undefined;
    return firstFault(bridge.windows, (window, at) => {
      if (root.windows.some((outer) => holds(outer, window))) return undefined;
      return {
        code: "DMASIM_MACHINE_PORT_WINDOW",
        path: ["pcie", index, "windows", at],
        what: `${root.name} above ${bridge.name} does not decode this window`,
        value: formatRange(window.start, window.bytes),
        limit: rangesText(root.windows),
        remedy: "move it into one of these, or leave windows out: a port without them forwards everything",
      };
    });
  });
}

/**
 * A BAR that a bridge above the device does not forward. That through which windows show private memory may stick out: its
 * slots out there are not used.
 */
export function barNotForwarded(machine: Machine, device: Device, index: number): MachineFault | undefined {
  const above = bridgesAbove(machine, device.parent).filter(({ windows }) => windows.length > 0);
  return firstFault(device.bars, (bar, at) => {
    const closed = above.find(({ windows }) => !windows.some((window) => holds(window, bar)));
    if (closed === undefined || (closed.kind !== "root-complex" && showsWindows(device, bar))) return undefined;
    return {
      code: "DMASIM_MACHINE_BAR_WINDOW",
      path: ["devices", index, "bars", at, "start"],
      what: `this BAR is outside the windows of ${closed.name}`,
      value: formatRange(bar.start, bar.bytes),
      limit: rangesText(closed.windows),
      remedy: "move the BAR into a window, or add a window",
    };
  });
}

function showsWindows({ memory }: Device, bar: Bar): boolean {
  return memory?.memmap === "private" && memory.bar === bar.index;
}

function holds(outer: AddressRange, { start, bytes }: AddressRange): boolean {
  return start >= outer.start && start + bytes <= outer.start + outer.bytes;
}

function rangesText(windows: readonly AddressRange[]): string {
  return windows.map((window) => formatRange(window.start, window.bytes)).join(", ");
}

/** The port of that name and everything above it, the root complex last. */
function bridgesAbove({ bridges }: Machine, name: string | null): readonly Bridge[] {
  const above: Bridge[] = [];
  for (let at = bridges.find((bridge) => bridge.name === name); at !== undefined; ) {
    above.push(at);
    const parent: string | null = at.parent;
    at = bridges.find((bridge) => bridge.name === parent);
  }
  return above;
}
