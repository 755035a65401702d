/**
 * What the driver of a peer does with private device memory: resolve, map, hand to its device; unmap and release.
 *
 * ```
 * payload list (fictitious addresses) ─ resolvePeerPage ─► shown: BAR address ─ dma_map_phys ─► device list (slot, generation)
 *                                                       └► in RAM: copied there, mapped, and back afterwards
 * ```
 */
import { lowBits, type Phys, pfnOf } from "../base/addr.ts";
import { defined } from "../base/assert.ts";
import type { HostContext } from "../host/context.ts";
import { DIR, type DmaDevice } from "../host/dma/device.ts";
import { sgSetDma, sgSetPhys, sgSetWindow } from "../host/dma/scatterlist.ts";
import { allocSg, freeSg } from "../host/dma/sg_table.ts";
import { flushDeviceTlb } from "../host/iommu/device_tlb.ts";
import { type WindowClient, type WindowSet, windowFailure, windowSlotWord } from "../host/p2p/window_set.ts";
import {
  beginRevoke,
  PeerPage,
  RESOLVED,
  releasePeerPage,
  releaseRam,
  resolvePeerPage,
  revokeDone,
} from "../host/p2p/windows.ts";
import { MAP_FAILURES } from "../host/status.ts";
import { SG } from "../shm/layout.ts";
import { sgNext } from "../shm/sg_entry.ts";
import type { DriverDma } from "./driver_dma.ts";
import { entryAddr } from "./list_mapping.ts";
import type { CloneSpec } from "./load/clones.ts";
import { type RoamPlan, roamEntries, roamPhys } from "./load/roam.ts";
import type { DeviceMemory } from "./machine/description.ts";
import type { System } from "./system.ts";
import { windowClientOf } from "./window_sets.ts";

/** Importer state of one clone. Arrays are indexed by tag and entry. */
export class WindowIo {
  readonly #ctx: HostContext;
  readonly #dma: DriverDma;
  readonly #set: WindowSet;
  readonly #client: WindowClient;
  readonly #plan: RoamPlan;
  readonly #importer: DeviceMemory["importer"];
  readonly #revokeEvery: number;
  readonly #entries: number;
  readonly #page = new PeerPage();
  /** RESOLVED of every entry, 0 = mapped by its fictitious address; slot or RAM page, and generation. */
  readonly #kind: Uint8Array;
  readonly #slot: Int32Array;
  readonly #generation: Int32Array;
  readonly #turn: Int32Array;
  /** Mappings so far; first page of the one before, and the slot whose revoke is not over. */
  #maps = 0;
  #before: Phys = -1;
  #revoking = -1;

  constructor(
    ctx: HostContext,
    dma: DriverDma,
    set: WindowSet,
    client: WindowClient,
    plan: RoamPlan,
    memory: DeviceMemory,
    tags: number,
  ) {
    this.#ctx = ctx;
    this.#dma = dma;
    this.#set = set;
    this.#client = client;
    this.#plan = plan;
    this.#importer = memory.importer;
    this.#revokeEvery = memory.revokeEvery;
    this.#entries = roamEntries(plan);
    this.#kind = new Uint8Array(tags * this.#entries);
    this.#slot = new Int32Array(tags * this.#entries);
    this.#generation = new Int32Array(tags * this.#entries);
    this.#turn = new Int32Array(tags);
  }

  /** A list for the device; negative failure code when the pool is exhausted. */
  alloc(): number {
    return allocSg(this.#ctx.arena, this.#ctx.lockOwner, this.#entries);
  }

  /** Gives a list of {@link alloc} back, if there is one. */
  free(sg: number): void {
    if (sg > 0) freeSg(this.#ctx.arena, this.#ctx.lockOwner, sg);
  }

  /** Describes the next buffer of `tag` in its payload list, cut at window pages; number of entries. */
  describe(tag: number, sg: number, bytes: number): number {
    const { pageBytes } = this.#plan;
    let phys = roamPhys(this.#plan, tag, this.#turn[tag] as number);
    this.#turn[tag] = (this.#turn[tag] as number) + 1;
    let entry = sg;
    let left = bytes;
    for (let count = 1; ; count += 1) {
      const length = Math.min(left, pageBytes - lowBits(phys, pageBytes));
      sgSetPhys(this.#ctx.arena, entry, phys, length, true);
      phys += length;
      left -= length;
      if (left === 0) return count;
      entry = sgNext(this.#ctx.arena, entry);
    }
  }

  /** Maps the payload list for the device: entries of the device list, or -(failure code) with nothing left mapped. */
  map(tag: number, payloadSg: number, deviceSg: number, nents: number, dir: number): number {
    const arena = this.#ctx.arena;
    let from = payloadSg;
    let to = deviceSg;
    for (let i = 0; i < nents; i += 1) {
      const failure = this.#mapEntry(tag * this.#entries + i, from, to, dir);
      if (failure !== 0) {
        this.unmap(tag, payloadSg, deviceSg, i, dir);
        return -failure;
      }
      from = sgNext(arena, from);
      to = sgNext(arena, to);
    }
    if (this.#revokeEvery > 0) this.#revoke(entryAddr(arena, payloadSg));
    return nents;
  }

  /** Now and then the device takes back the page that was mapped before this one: its command is queued or in flight. */
  #revoke(phys: Phys): void {
    const before = this.#before;
    this.#before = phys;
    this.#maps += 1;
    if (this.#revoking >= 0 && revokeDone(this.#ctx, this.#set, this.#revoking)) this.#revoking = -1;
    if (this.#revoking >= 0 || before < 0 || this.#maps < this.#revokeEvery) return;
    this.#maps = 0;
    this.#revoking = beginRevoke(this.#ctx, this.#set, pfnOf(before));
    // The importer drops what it keeps about the address, its own TLB's entry too, before the slot shows another page.
    const { domain } = this.#dma.device;
    if (this.#revoking >= 0 && domain !== null) flushDeviceTlb(this.#ctx, domain);
  }

  /** Undoes {@link map}. */
  unmap(tag: number, payloadSg: number, deviceSg: number, nents: number, dir: number): void {
    const arena = this.#ctx.arena;
    let from = payloadSg;
    let to = deviceSg;
    for (let i = 0; i < nents; i += 1) {
      const bytes = arena.u32[to + SG.dmaLength] as number;
      this.#dma.unmapPhys(arena.f64[(to + SG.dmaAddress) >>> 1] as number, bytes, dir);
      this.#release(tag * this.#entries + i, entryAddr(arena, from), bytes, dir);
      from = sgNext(arena, from);
      to = sgNext(arena, to);
    }
  }

  /** MAP_OK or a failure code. */
  #mapEntry(at: number, from: number, to: number, dir: number): number {
    const arena = this.#ctx.arena;
    const phys = entryAddr(arena, from);
    const bytes = arena.u32[from + SG.length] as number;
    const target = this.#resolve(at, phys);
    if (target < 0) return -target;
    const kind = this.#kind[at] as number;
    if (kind === RESOLVED.migrated && dir !== DIR.fromDevice) this.#migrate(target, phys, bytes);
    const dmaAddr = this.#dma.mapPhys(target, bytes, dir);
    if (dmaAddr < 0) {
      this.#release(at, phys, 0, DIR.toDevice);
      return -dmaAddr;
    }
    if (kind === RESOLVED.mapped) {
      const slot = windowSlotWord(this.#set, this.#slot[at] as number);
      sgSetWindow(arena, to, slot, this.#generation[at] as number, bytes);
    } else sgSetPhys(arena, to, target, bytes, true);
    sgSetDma(arena, to, dmaAddr, bytes);
    sgSetDma(arena, from, dmaAddr, bytes);
    return 0;
  }

  /** Physical address to map instead of the fictitious one, or -(failure code). */
  #resolve(at: number, phys: Phys): number {
    const page = this.#page;
    this.#kind[at] = 0;
    if (this.#importer === "refuse") return -MAP_FAILURES.privatePage.code;
    if (this.#importer === "unchecked") return phys;
    const kind = resolvePeerPage(this.#ctx, this.#set, pfnOf(phys), this.#client, page);
    if (kind === RESOLVED.refused) return -windowFailure(page.reason);
    this.#kind[at] = kind;
    this.#slot[at] = page.slot;
    this.#generation[at] = page.generation;
    return page.phys + lowBits(phys, this.#plan.pageBytes);
  }

  #release(at: number, phys: Phys, bytes: number, dir: number): void {
    const kind = this.#kind[at] as number;
    const slot = this.#slot[at] as number;
    if (kind === RESOLVED.mapped) releasePeerPage(this.#ctx, this.#set, slot, this.#generation[at] as number);
    if (kind !== RESOLVED.migrated) return;
    const ram = this.#set.ramStart + slot * this.#plan.pageBytes + lowBits(phys, this.#plan.pageBytes);
    if (dir !== DIR.toDevice) this.#migrate(phys, ram, bytes);
    releaseRam(this.#ctx, this.#set, slot, bytes);
  }

  /** The device's engine moves the pages of a range between its memory and RAM. */
  #migrate(dst: Phys, src: Phys, bytes: number): void {
    this.#ctx.copyPort.copy(dst, src, bytes);
    this.#ctx.cost.bytesMigrated += bytes;
  }
}

/** Importer of one clone; null when its buffers lie in other memory. */
export function windowIoOf(
  system: System,
  ctx: HostContext,
  dma: DriverDma,
  spec: CloneSpec,
  tags: number,
): WindowIo | null {
  const roam = spec.buffers?.roam ?? null;
  if (roam === null) return null;
  const set = system.windowSets[roam.set] as WindowSet;
  const client = windowClientOf(set, system.devices[spec.device] as DmaDevice, system.peerRegions, system.peers);
  const memory = defined(system.machine.devices[set.device]?.memory ?? undefined, "windows show a device's memory");
  return new WindowIo(ctx, dma, set, client, roam, memory, tags);
}
