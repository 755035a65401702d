/** Private device memory that cannot be mapped, in words: what was compared, with both numbers. */
import { hex, pfnOf } from "../../base/addr.ts";
import { defined } from "../../base/assert.ts";
import { formatBytes } from "../../base/units.ts";
import { PEER_ROUTE } from "../../host/context.ts";
import type { DmaDevice } from "../../host/dma/device.ts";
import type { WindowSet } from "../../host/p2p/window_set.ts";
import { MAP_FAILURES } from "../../host/status.ts";
import type { System } from "../system.ts";
import { windowClientOf } from "../window_sets.ts";
import type { MapEntry } from "./entry.ts";
import { windowSetOf } from "./private_pages.ts";
import type { EntryView } from "./view.ts";

/** The comparison behind failure `code` of a private entry. */
export function comparePrivate(system: System, device: DmaDevice, entry: MapEntry, code: number): string {
  const set = defined(windowSetOf(system, entry.region), "private memory has a window set");
  const phys = entry.privatePage?.phys ?? entry.phys;
  switch (code) {
    case MAP_FAILURES.privatePage.code:
      return `pfn ${hex(pfnOf(phys))} of ${set.name} is made up: nothing decodes ${hex(phys)}`;
    case MAP_FAILURES.windowRange.code:
      return `${hex(phys - set.memoryStart)} + ${entry.bytes} > exposable ${hex(set.exposableBytes)}`;
    case MAP_FAILURES.windowAperture.code:
      return `${set.name} has no BAR with P2PDMA pages for its memory`;
    case MAP_FAILURES.windowBar32.code:
      return `slots at ${hex(set.barStart)} > 0xffffffff, all that a 32-bit BAR names`;
    case MAP_FAILURES.windowBridge.code:
      return `slots at ${hex(set.barStart)} lie in no window of the bridges above ${set.name}`;
    case MAP_FAILURES.windowClient.code:
      return clientText(system, set, device);
    default:
      return `${set.slots} slots of ${formatBytes(set.pageBytes)}, all in use by this list`;
  }
}

function clientText(system: System, set: WindowSet, device: DmaDevice): string {
  const { addressLast: last, route } = windowClientOf(set, device, system.peerRegions, system.peers);
  const start = set.barStart + (route === PEER_ROUTE.busAddr ? set.busOffset : 0);
  return `slot 0 at ${hex(start)} + ${hex(set.pageBytes)} - 1 > ${hex(last)}, the client's last address`;
}

/** What a reader should know about the private entries of a list: how long their addresses hold, and what nobody refused. */
export function privateNotes(entries: readonly EntryView[]): readonly string[] {
  const notes: string[] = [];
  const mapped = entries.filter(({ state }) => state === "mapped");
  const shown = mapped.filter(({ privatePage }) => privatePage?.outcome === "shown");
  if (shown.length > 0)
    notes.push(
      `${listed(shown)} reached through ${slotsText(shown)} of the owner's BAR: the address holds for that generation, until the owner revokes it (move_notify)`,
    );
  const lost = mapped.find(({ privatePage }) => privatePage?.outcome === "unresolved");
  if (lost !== undefined)
    notes.push(
      `entry ${lost.index} is mapped by a made-up frame: whatever the device does there ends in a master abort (bus error); a device that ignores it reads 0xFF, and its writes are lost`,
    );
  return notes;
}

function listed(views: readonly EntryView[]): string {
  const first = views[0]?.index ?? 0;
  return views.length === 1 ? `entry ${first} is` : `${views.length} private entries from ${first} on are`;
}

function slotsText(views: readonly EntryView[]): string {
  const slots = new Set(views.map(({ privatePage }) => privatePage?.slot));
  return slots.size === 1 ? `slot ${[...slots][0]}` : `${slots.size} slots`;
}
