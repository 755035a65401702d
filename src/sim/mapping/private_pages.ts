/**
 * Private device memory in a list: its page frames are made up, so the driver resolves every page before it maps the list,
 * or maps a number that nothing decodes.
 *
 * ```
 * resolve     peer address (slot of the owner's BAR) · RAM (migrated) · refused, with the reason
 * refuse      the DMA layer looks at the page and refuses it
 * unchecked   nobody looks: the fictitious address is mapped
 * ```
 */
import { lowBits, type Phys, pfnOf } from "../../base/addr.ts";
import { CostRecord } from "../../base/cost.ts";
import { DmasimError } from "../../base/errors.ts";
import type { HostContext } from "../../host/context.ts";
import type { DmaDevice } from "../../host/dma/device.ts";
import { initWindowSet, type WindowSet, windowFailure } from "../../host/p2p/window_set.ts";
import { PeerPage, RESOLVED, resolvePeerPage } from "../../host/p2p/windows.ts";
import { MAP_FAILURES } from "../../host/status.ts";
import { Arena } from "../../shm/arena.ts";
import { MAIN_OWNER } from "../host_ports.ts";
import type { DeviceMemory } from "../machine/description.ts";
import type { System } from "../system.ts";
import { windowClientOf } from "../window_sets.ts";
import type { MapEntry, PrivatePlace } from "./entry.ts";

/** What a driver does with private pages. */
export type Importer = DeviceMemory["importer"];

const IMPORTERS: readonly Importer[] = ["resolve", "refuse", "unchecked"];

/** The importer of that name. Throws one DmasimError. */
export function parseImporter(text: string): Importer {
  const found = IMPORTERS.find((each) => each === text.trim());
  if (found !== undefined) return found;
  throw new DmasimError({
    code: "DMASIM_IMPORTER_UNKNOWN",
    what: "a driver does none of this with private device memory",
    value: text,
    limit: `allowed: ${IMPORTERS.join(", ")}`,
    remedy: "resolve: by a window of the owner's BAR; refuse: the DMA layer looks at the page; unchecked: nobody looks",
  });
}

/** The list with every private entry resolved, cut at window pages; `importer` null = the owner's `memory.importer`. */
export function resolvePrivate(
  system: System,
  device: DmaDevice,
  entries: readonly MapEntry[],
  importer: Importer | null,
): readonly MapEntry[] {
  if (entries.every(({ kind }) => kind !== "private")) return entries;
  const resolver = new Resolver(system, device);
  return entries.flatMap((entry) => (entry.kind === "private" ? resolver.resolve(entry, importer) : [entry]));
}

/** Failure code of the first of `nents` entries that cannot be mapped as it is, 0 = none. */
export function privateFailure(entries: readonly MapEntry[], nents: number): number {
  return (
    entries.slice(0, nents).find(({ privatePage }) => (privatePage?.failure ?? 0) !== 0)?.privatePage?.failure ?? 0
  );
}

/** The set of windows that shows the private memory of an entry's region. */
export function windowSetOf(system: System, region: string): WindowSet | undefined {
  return system.windowSets.find(({ name }) => region === `vram:${name}`);
}

/** Resolves on an idle machine: slots are handed out from the first on. */
class Resolver {
  readonly #system: System;
  readonly #device: DmaDevice;
  readonly #ctx: HostContext;
  readonly #page = new PeerPage();

  constructor(system: System, device: DmaDevice) {
    this.#system = system;
    this.#device = device;
    const arena = Arena.create();
    for (const set of system.windowSets) initWindowSet(arena, set);
    this.#ctx = {
      arena,
      era: system.machine.era,
      defects: system.machine.defects,
      lockOwner: MAIN_OWNER,
      copyPort: { copy: () => true, fill: () => true },
      invalidation: { invalidatePages: () => {}, invalidateDomain: () => {} },
      peers: system.peers,
      cost: new CostRecord(),
      cpu: 0,
      nowNs: 0,
    };
  }

  resolve(entry: MapEntry, importer: Importer | null): MapEntry[] {
    const set = windowSetOf(this.#system, entry.region) as WindowSet;
    const how = importer ?? this.#system.machine.devices[set.device]?.memory?.importer ?? "resolve";
    if (how === "unchecked") return [at(entry, entry.phys, place(entry.phys, "unresolved", 0))];
    if (how === "refuse") return [at(entry, entry.phys, place(entry.phys, "refused", MAP_FAILURES.privatePage.code))];
    return pieces(entry, set.pageBytes).map((piece) => this.#piece(piece, set));
  }

  #piece(piece: MapEntry, set: WindowSet): MapEntry {
    const page = this.#page;
    const client = windowClientOf(set, this.#device, this.#system.peerRegions, this.#system.peers);
    const kind = resolvePeerPage(this.#ctx, set, pfnOf(piece.phys), client, page);
    if (kind === RESOLVED.refused)
      return at(piece, piece.phys, place(piece.phys, "refused", windowFailure(page.reason)));
    const { slot, generation } = page;
    const outcome = kind === RESOLVED.mapped ? "shown" : "migrated";
    const phys = page.phys + lowBits(piece.phys, set.pageBytes);
    return at(piece, phys, { phys: piece.phys, outcome, slot, generation, failure: 0 });
  }
}

function at(entry: MapEntry, phys: Phys, privatePage: PrivatePlace): MapEntry {
  return { ...entry, phys, privatePage };
}

function place(phys: Phys, outcome: PrivatePlace["outcome"], failure: number): PrivatePlace {
  return { phys, outcome, slot: 0, generation: 0, failure };
}

/** Window pages are shown one by one. */
function pieces(entry: MapEntry, pageBytes: number): MapEntry[] {
  const cut: MapEntry[] = [];
  let { phys, bytes: left } = entry;
  while (left > 0) {
    const bytes = Math.min(left, pageBytes - lowBits(phys, pageBytes));
    cut.push({ ...entry, phys, bytes });
    phys += bytes;
    left -= bytes;
  }
  return cut;
}
