/** The CPU's copies of a staged command, between its buffer in memory and the peer's BAR. */
import { PATH } from "../base/cost.ts";
import type { HostContext } from "../host/context.ts";
import { SG } from "../shm/layout.ts";
import { sgNext } from "../shm/sg_entry.ts";
import { entryAddr } from "./list_mapping.ts";

/** Copies of one clone; the BAR area has the layout of the buffers, `delta` bytes away. */
export class StagedCopy {
  readonly delta: number;
  readonly #ctx: HostContext;

  constructor(ctx: HostContext, delta: number) {
    this.#ctx = ctx;
    this.delta = delta;
  }

  /** The device has written the list: stores into the BAR. */
  toPeer(sg: number, bytes: number): void {
    this.#ctx.cost.stagedStoreBytes += bytes;
    this.#each(sg, bytes, true);
  }

  /** The device is to read the list: loads from the BAR before. */
  fromPeer(sg: number, bytes: number): void {
    this.#ctx.cost.stagedLoadBytes += bytes;
    this.#each(sg, bytes, false);
  }

  /** Names the path of the mapping that was just made. */
  name(): void {
    this.#ctx.cost.path = PATH.staged;
  }

  #each(sg: number, bytes: number, toPeer: boolean): void {
    const { arena, copyPort } = this.#ctx;
    let left = bytes;
    for (let entry = sg; left > 0; entry = sgNext(arena, entry)) {
      const length = Math.min(left, arena.u32[entry + SG.length] as number);
      const phys = entryAddr(arena, entry);
      if (toPeer) copyPort.copy(phys + this.delta, phys, length);
      else copyPort.copy(phys, phys + this.delta, length);
      left -= length;
    }
  }
}
