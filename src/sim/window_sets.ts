/** The moving windows of a machine: fictitious addresses of private device memory, and the BARs that show it. */
import { alignUpWide, maskOfBits } from "../base/addr.ts";
import { PEER_ROUTE } from "../host/context.ts";
import type { DmaDevice } from "../host/dma/device.ts";
import type { PeerRegion, PeerTable } from "../host/p2p/route.ts";
import type { WindowClient, WindowSet } from "../host/p2p/window_set.ts";
import type { PhysRegion } from "../memory/physmap.ts";
import type { Bar, Device, DeviceMemory, Machine } from "./machine/description.ts";

/** Fictitious addresses begin here, or above everything the machine has (request_free_mem_region takes free addresses). */
const PRIVATE_BASE = 2 ** 46;
const PRIVATE_ALIGN = 2 ** 32;
/** RAM pages that pages which no window can show may migrate to. */
const RAM_PAGES = 64;

/** Private device memory as regions of the physical map, `vram:DEVICE`; nothing decodes their addresses. */
export function privateRegions(machine: Machine): PhysRegion[] {
  const ends = [
    ...machine.memory.map(({ start, bytes }) => start + bytes),
    ...machine.devices.flatMap(({ bars }) => bars.map(({ start, bytes }) => start + bytes)),
  ];
  let next = alignUpWide(Math.max(PRIVATE_BASE, ...ends), PRIVATE_ALIGN);
  const regions: PhysRegion[] = [];
  for (const [deviceIndex, device] of machine.devices.entries()) {
    const { memory } = device;
    if (memory === null || memory.memmap !== "private") continue;
    const { node } = device;
    const at = { start: next, bytes: memory.bytes };
    regions.push({ name: `vram:${device.name}`, kind: "device", ...at, memmap: "private", node, deviceIndex });
    next = alignUpWide(next + memory.bytes, PRIVATE_ALIGN);
  }
  return regions;
}

/** One set for each region of {@link privateRegions}, in the same order. */
export function windowSetsOf(
  machine: Machine,
  regions: readonly PhysRegion[],
  peers: readonly PeerRegion[],
): WindowSet[] {
  let slotBase = 0;
  let pageBase = 0;
  return regions.map((region, index) => {
    const device = machine.devices[region.deviceIndex] as Device;
    const memory = device.memory as DeviceMemory;
    const bar = device.bars.find((each) => each.index === memory.bar && each.memmap === "p2pdma");
    const pageBytes = memory.windowPageBytes;
    const slots = bar === undefined ? 0 : Math.floor(memory.windowBytes / pageBytes);
    const set: WindowSet = {
      index,
      device: region.deviceIndex,
      name: device.name,
      barStart: bar?.start ?? 0,
      busOffset: peers.find(({ start }) => start === bar?.start)?.busOffset ?? 0,
      pageBytes,
      slots,
      slotsBar: bar === undefined || bar.bits === 64 ? slots : slotsBelow(bar.start, 2 ** 32, pageBytes, slots),
      slotsBridge: bar === undefined ? 0 : slotsForwarded(machine, device, bar, pageBytes, slots),
      slotBase,
      pageBase,
      pages: Math.floor(memory.bytes / pageBytes),
      memoryStart: region.start,
      exposableBytes: memory.exposableBytes,
      isFixed: !memory.moves,
      migrates: memory.migrates,
      ...migrationPool(machine, index, pageBytes, memory.migrates),
    };
    slotBase += slots;
    pageBase += set.pages;
    return set;
  });
}

/** How `device` reaches the pages of `set`. */
export function windowClientOf(
  set: WindowSet,
  device: DmaDevice,
  regions: readonly PeerRegion[],
  peers: PeerTable,
): WindowClient {
  const region = regions.findIndex(({ start }) => start === set.barStart);
  const route = region < 0 ? PEER_ROUTE.notSupported : peers.route(region, device.index);
  const last = Math.min(device.dmaMask, maskOfBits(52));
  const isIova = route === PEER_ROUTE.throughHostBridge && device.domain !== null;
  const limit = device.busDmaLimit === 0 ? last : Math.min(last, device.busDmaLimit);
  return { device: device.index, route, addressLast: isIova ? Number.MAX_SAFE_INTEGER : limit };
}

function slotsBelow(start: number, end: number, pageBytes: number, slots: number): number {
  return Math.max(0, Math.min(slots, Math.floor((end - start) / pageBytes)));
}

/** Bridges without windows of their own forward everything; the others what lies in one of them. */
function slotsForwarded(machine: Machine, device: Device, bar: Bar, pageBytes: number, slots: number): number {
  let forwarded = slots;
  let at = machine.bridges.find((bridge) => bridge.name === device.parent);
  while (at !== undefined) {
    const { windows, parent } = at;
    const window = windows.find(({ start, bytes }) => bar.start >= start && bar.start < start + bytes);
    if (windows.length > 0) {
      const end = window === undefined ? bar.start : window.start + window.bytes;
      forwarded = Math.min(forwarded, slotsBelow(bar.start, end, pageBytes, slots));
    }
    at = machine.bridges.find((bridge) => bridge.name === parent);
  }
  return forwarded;
}

/** The last pages of the highest RAM region, where no buffer of a load comes. */
function migrationPool(machine: Machine, index: number, pageBytes: number, migrates: boolean) {
  const ram = machine.memory.findLast(({ kind }) => kind === "ram");
  const poolBytes = RAM_PAGES * pageBytes;
  if (!migrates || ram === undefined || ram.bytes < 4 * (index + 1) * poolBytes) return { ramStart: 0, ramPages: 0 };
  const end = Math.floor((ram.start + ram.bytes) / pageBytes) * pageBytes;
  return { ramStart: end - (index + 1) * poolBytes, ramPages: RAM_PAGES };
}
