/** A moving window is taken back while a peer's device uses an address in it. */
import { lowBits, pfnOf } from "../../../base/addr.ts";
import { defined } from "../../../base/assert.ts";
import { DIR } from "../../../host/dma/device.ts";
import { mapPhys, unmapPhys } from "../../../host/dma/map.ts";
import { sgSetDma, sgSetWindow } from "../../../host/dma/scatterlist.ts";
import { type WindowClient, type WindowSet, windowSlotWord } from "../../../host/p2p/window_set.ts";
import {
  beginRevoke,
  PeerPage,
  RESOLVED,
  releasePeerPage,
  resolvePeerPage,
  revokeDone,
} from "../../../host/p2p/windows.ts";
import { DMA_STATUS, DMA_STATUS_NAMES } from "../../../shm/dma_status.ts";
import { windowClientOf } from "../../window_sets.ts";
import type { Executor } from "../executor.ts";
import type { Live } from "../live.ts";
import { CELLS, type StressOp } from "../operation.ts";
import { REFUSED } from "./misuse.ts";

/** Reads a page of private memory through its window, before and behind the exporter's revoke, and through a new window. */
export function revokeWindow(executor: Executor, op: StressOp): string {
  const { system } = executor.parts;
  const set = system.windowSets[0];
  if (set === undefined || set.slots === 0 || set.device === op.device) return REFUSED;
  const device = defined(system.devices[op.device], "the operation's device");
  const user = new WindowUser(executor, op, set, windowClientOf(set, device, system.peerRegions, system.peers));
  const outcome = user.show() ? user.revoke() : REFUSED;
  user.end();
  return outcome;
}

class WindowUser {
  readonly #executor: Executor;
  readonly #set: WindowSet;
  readonly #client: WindowClient;
  readonly #page = new PeerPage();
  readonly #live: Live;
  readonly #private: number;
  #dmaAddr = -1;

  constructor(executor: Executor, op: StressOp, set: WindowSet, client: WindowClient) {
    const { worker } = executor.parts;
    this.#executor = executor;
    this.#set = set;
    this.#client = client;
    this.#live = executor.prepare(op);
    const page = worker * CELLS + (op.id & (CELLS - 1));
    this.#private = set.memoryStart + page * set.pageBytes;
  }

  /** Resolves and maps the page; false = refused. */
  show(): boolean {
    const { ctx } = this.#executor.parts;
    const live = this.#live;
    const page = this.#page;
    if (!this.#executor.fillAt(live, this.#private, live.bytes, 0)) return false;
    if (resolvePeerPage(ctx, this.#set, pfnOf(this.#private), this.#client, page) !== RESOLVED.mapped) return false;
    const phys = page.phys + lowBits(this.#private, this.#set.pageBytes);
    this.#dmaAddr = mapPhys(ctx, live.device, phys, live.bytes, DIR.toDevice, 0);
    if (this.#dmaAddr < 0) {
      releasePeerPage(ctx, this.#set, page.slot, page.generation);
      return false;
    }
    sgSetWindow(ctx.arena, live.sg, windowSlotWord(this.#set, page.slot), page.generation, live.bytes);
    sgSetDma(ctx.arena, live.sg, this.#dmaAddr, live.bytes);
    live.nents = 1;
    return true;
  }

  /** What the device and its driver see of the exporter's revoke. */
  revoke(): string {
    const { ctx } = this.#executor.parts;
    if (!this.#reads()) return "the window shows other data";
    const slot = beginRevoke(ctx, this.#set, pfnOf(this.#private));
    const status = this.#executor.touch(this.#live, false, 0);
    const drained = slot >= 0 && revokeDone(ctx, this.#set, slot);
    const told = !this.#hide();
    if (status !== DMA_STATUS.staleWindow) return `behind the revoke: ${DMA_STATUS_NAMES[status]}`;
    if (!drained || !told) return drained ? "the importer was not told" : "the slot does not drain";
    if (!this.show()) return "device: stale window";
    const again = this.#reads();
    this.#hide();
    return again ? "device: stale window, mapped anew" : "the new window shows other data";
  }

  end(): void {
    this.#executor.release(this.#live);
  }

  #reads(): boolean {
    return this.#executor.touch(this.#live, false, 0) === DMA_STATUS.ok && !this.#executor.readWrong;
  }

  /** Ends the mapping; false when the page was revoked meanwhile. */
  #hide(): boolean {
    const { ctx } = this.#executor.parts;
    const { slot, generation } = this.#page;
    unmapPhys(ctx, this.#live.device, this.#dmaAddr, this.#live.bytes, DIR.toDevice, 0);
    this.#live.nents = 0;
    return releasePeerPage(ctx, this.#set, slot, generation);
  }
}
