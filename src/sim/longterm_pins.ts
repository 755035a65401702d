/**
 * Memory that a program registers before its first I/O: every page stays pinned until the end (FOLL_LONGTERM; for private
 * device memory dma_buf_pin of the window that shows it).
 *
 * What cannot be pinned fails the job before it starts: a filesystem's DAX file, memory without struct pages, more of a
 * device's memory than its BAR has slots.
 */
import { pfnOf } from "../base/addr.ts";
import type { HostContext } from "../host/context.ts";
import type { DmaDevice } from "../host/dma/device.ts";
import { type WindowSet, windowFailure } from "../host/p2p/window_set.ts";
import {
  PeerPage,
  pinPeerPage,
  RESOLVED,
  releasePeerPage,
  releaseRam,
  resolvePeerPage,
  unpinPeerPage,
} from "../host/p2p/windows.ts";
import { MAP_FAILURES, MAP_OK } from "../host/status.ts";
import type { DaxFile } from "../memory/dax_file.ts";
import type { BufferPlan } from "./load/buffers.ts";
import type { System } from "./system.ts";
import { windowClientOf } from "./window_sets.ts";

/** A slot that is pinned. */
interface PinnedSlot {
  readonly slot: number;
  readonly generation: number;
}

/** The registered memory of one clone: `commands` buffers of `plan`. */
export class LongtermPins {
  readonly #system: System;
  readonly #ctx: HostContext;
  readonly #device: DmaDevice;
  readonly #plan: BufferPlan;
  readonly #bytes: number;
  readonly #file: DaxFile | null;
  readonly #slots: PinnedSlot[] = [];
  #held = false;

  /** `file`: the DAX file behind the buffers, if they are one. */
  constructor(
    system: System,
    ctx: HostContext,
    device: DmaDevice,
    plan: BufferPlan,
    commands: number,
    file: DaxFile | null,
  ) {
    this.#system = system;
    this.#ctx = ctx;
    this.#device = device;
    this.#plan = plan;
    this.#bytes = plan.stride * (plan.places ?? commands);
    this.#file = file;
  }

  /** Pins everything: MAP_OK, or a failure code with nothing pinned. */
  take(): number {
    const code = this.#plan.roam === null ? this.#takePages() : this.#takeSlots(this.#plan.roam.set);
    this.#held = code === MAP_OK;
    return code;
  }

  /** Undoes {@link take}. */
  release(): void {
    const { roam, base } = this.#plan;
    if (!this.#held) return;
    this.#held = false;
    if (roam !== null) this.#releaseSlots(this.#system.windowSets[roam.set] as WindowSet);
    else if (this.#file !== null) this.#file.unpin(0, this.#bytes);
    else this.#system.memmap.unpinPages(this.#ctx.arena, base, this.#bytes);
  }

  #takePages(): number {
    const { memmap } = this.#system;
    const { arena, lockOwner } = this.#ctx;
    if (!this.#plan.hasPages) return MAP_FAILURES.notPinnable.code;
    if (this.#file !== null) {
      return this.#file.pin(0, this.#bytes, true) === 0 ? MAP_OK : MAP_FAILURES.longtermFile.code;
    }
    return memmap.pinPages(arena, this.#plan.base, this.#bytes, lockOwner) ? MAP_OK : MAP_FAILURES.noBacking.code;
  }

  #takeSlots(index: number): number {
    const set = this.#system.windowSets[index] as WindowSet;
    const { peerRegions, peers } = this.#system;
    const client = windowClientOf(set, this.#device, peerRegions, peers);
    const page = new PeerPage();
    const end = this.#plan.base + this.#bytes;
    for (let phys = this.#plan.base; phys < end; phys += set.pageBytes) {
      const kind = resolvePeerPage(this.#ctx, set, pfnOf(phys), client, page);
      if (kind !== RESOLVED.mapped) {
        if (kind === RESOLVED.migrated) releaseRam(this.#ctx, set, page.slot, 0);
        this.#releaseSlots(set);
        return windowFailure(page.reason);
      }
      const { slot, generation } = page;
      pinPeerPage(this.#ctx, set, slot, generation);
      releasePeerPage(this.#ctx, set, slot, generation);
      this.#slots.push({ slot, generation });
    }
    return MAP_OK;
  }

  #releaseSlots(set: WindowSet): void {
    for (const { slot, generation } of this.#slots.splice(0)) unpinPeerPage(this.#ctx, set, slot, generation);
  }
}
