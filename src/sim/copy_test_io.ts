/**
 * One thread of dmatest: both buffers are mapped whole for each transfer, and checked whole after it.
 *
 * ```
 * source       |  pattern  ....  pattern  |      unchanged afterwards
 * destination  | poison | copied | poison |      nothing outside the transfer is written
 * ```
 */
import type { Phys } from "../base/addr.ts";
import type { HostContext } from "../host/context.ts";
import { DIR } from "../host/dma/device.ts";
import { sgSetDma } from "../host/dma/scatterlist.ts";
import { MAP_OK } from "../host/status.ts";
import type { Memmap } from "../memory/memmap.ts";
import { POISON } from "../memory/pattern.ts";
import { type CommandCopies, CopyIo, type CopyLists } from "./copy_io.ts";
import type { DriverDma } from "./driver_dma.ts";
import type { ListMapping } from "./list_mapping.ts";
import type { CloneSpec } from "./load/clones.ts";
import { type CopyTest, CopyTestDraw } from "./load/copy_test.ts";
import type { CopyAreas } from "./load/memory.ts";
import type { CheckedTransfer } from "./mismatch.ts";
import type { Payload } from "./payload.ts";

/** What a clone with copy areas does around each command: dmatest's transfers, or those of a plain copy job. */
export function copyCommands(
  ctx: HostContext,
  dma: DriverDma,
  memmap: Memmap,
  { job, seed }: CloneSpec,
  areas: CopyAreas,
  lists: ListMapping,
  payload: Payload | null,
): CommandCopies {
  if (job.copyTest !== undefined) return new CopyTestIo(ctx, dma, areas, payload, job.copyTest, seed);
  return new CopyIo(ctx, dma, memmap, areas, lists, payload, job.map === "persistent");
}

/** Prepares and finishes the transfers of one thread, one at a time. */
export class CopyTestIo implements CommandCopies {
  readonly #ctx: HostContext;
  readonly #dma: DriverDma;
  readonly #areas: CopyAreas;
  readonly #payload: Payload | null;
  readonly #draw: CopyTestDraw;
  #sourceDma = 0;
  #destinationDma = 0;

  constructor(
    ctx: HostContext,
    dma: DriverDma,
    areas: CopyAreas,
    payload: Payload | null,
    test: CopyTest,
    seed: number,
  ) {
    this.#ctx = ctx;
    this.#dma = dma;
    this.#areas = areas;
    this.#payload = payload;
    this.#draw = new CopyTestDraw(test, seed);
  }

  open(what: CheckedTransfer, keyLo: number, keyHi: number): number {
    what.unit = 0;
    what.version = 0;
    this.#payload?.patternFill(what, this.#areas.source, this.#areas.bytes, keyLo, keyHi, 0);
    return MAP_OK;
  }

  close(): void {}

  prepare(what: CheckedTransfer, lists: CopyLists, _offset: number, bytes: number): number {
    const { source, destination, bytes: bufBytes } = this.#areas;
    const draw = this.#draw;
    draw.at(what.io);
    this.#payload?.fill(what, destination, POISON, bufBytes);
    this.#sourceDma = this.#dma.mapPhys(source, bufBytes, DIR.toDevice);
    if (this.#sourceDma < 0) return -this.#sourceDma;
    this.#destinationDma = this.#dma.mapPhys(destination, bufBytes, DIR.bidirectional);
    if (this.#destinationDma < 0) {
      this.#dma.unmapPhys(this.#sourceDma, bufBytes, DIR.toDevice);
      return -this.#destinationDma;
    }
    sgSetDma(this.#ctx.arena, lists.source, this.#sourceDma + draw.sourceOffset, bytes);
    sgSetDma(this.#ctx.arena, lists.destination, this.#destinationDma + draw.destinationOffset, bytes);
    return MAP_OK;
  }

  finish(
    what: CheckedTransfer,
    _lists: CopyLists,
    _offset: number,
    bytes: number,
    ok: boolean,
    key: readonly [number, number],
    flips: boolean,
  ): void {
    const { source, destination, bytes: bufBytes } = this.#areas;
    const draw = this.#draw;
    draw.at(what.io);
    this.#dma.unmapPhys(this.#sourceDma, bufBytes, DIR.toDevice);
    this.#dma.unmapPhys(this.#destinationDma, bufBytes, DIR.bidirectional);
    const at = destination + draw.destinationOffset;
    if (flips) this.#payload?.flip(what, at + (bytes >> 1));
    if (!ok) return;
    what.unit = 0;
    what.version = 0;
    const dmaAddr = this.#destinationDma;
    this.#guard(what, destination, draw.destinationOffset, dmaAddr);
    this.#payload?.patternCheck(what, at, bytes, key[0], key[1], draw.sourceOffset, dmaAddr + draw.destinationOffset);
    const end = draw.destinationOffset + bytes;
    this.#guard(what, destination + end, bufBytes - end, dmaAddr + end);
    this.#payload?.patternCheck(what, source, bufBytes, key[0], key[1], 0, this.#sourceDma);
  }

  /** Nothing but poison is left where the transfer does not reach. */
  #guard(what: CheckedTransfer, at: Phys, bytes: number, dmaAddr: number): void {
    if (bytes > 0) this.#payload?.guardCheck(what, at, POISON, bytes, dmaAddr);
  }
}
