/** Cross-checks of moving windows: their page size, and the tables of the arena that hold them. */
import { isPow2 } from "../../base/addr.ts";
import { formatBytes } from "../../base/units.ts";
import { WINDOW_PAGES_MAX, WINDOW_SETS_MAX, WINDOW_SLOTS_MAX } from "../../shm/capacities.ts";
import type { Device, DeviceMemory, Machine } from "./description.ts";
import type { MachineFault } from "./fault.ts";

/** First fault of a device's windows; undefined when all are sound. */
export function unsoundWindows(machine: Machine): MachineFault | undefined {
  let sets = 0;
  let slots = 0;
  let pages = 0;
  for (const [index, device] of machine.devices.entries()) {
    const memory = device.memory;
    if (memory === null || memory.memmap !== "private") continue;
    sets += 1;
    slots += Math.floor(memory.windowBytes / memory.windowPageBytes);
    pages += Math.ceil(memory.bytes / memory.windowPageBytes);
    const fault = unsoundPage(device, memory, index) ?? tooMany(index, sets, slots, pages);
    if (fault !== undefined) return fault;
  }
  return undefined;
}

function unsoundPage(device: Device, memory: DeviceMemory, index: number): MachineFault | undefined {
  const { windowPageBytes } = memory;
  if (isPow2(windowPageBytes) && (memory.bar === null || windowPageBytes <= memory.windowBytes)) return undefined;
  return {
    code: "DMASIM_MACHINE_WINDOW_PAGE",
    path: ["devices", index, "memory", "window_page"],
    what: `a window slot of ${device.name} is a power of two and fits its window`,
    value: windowPageBytes,
    limit: `a power of two up to ${formatBytes(memory.windowBytes)}`,
    remedy: "use 64KiB or 2MiB, or a larger window",
  };
}

function tooMany(index: number, sets: number, slots: number, pages: number): MachineFault | undefined {
  if (sets <= WINDOW_SETS_MAX && slots <= WINDOW_SLOTS_MAX && pages <= WINDOW_PAGES_MAX) return undefined;
  return {
    code: "DMASIM_MACHINE_TOO_LARGE",
    path: ["devices", index, "memory"],
    what: "this machine has too many windows of device memory",
    value: `${sets} devices, ${slots} slots, ${pages} pages`,
    limit: `at most ${WINDOW_SETS_MAX} devices, ${WINDOW_SLOTS_MAX} slots, ${WINDOW_PAGES_MAX} pages`,
    remedy: "use a larger window_page, or a smaller window",
  };
}
