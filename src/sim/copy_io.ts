/**
 * A `copy` job's commands: memory to memory by a DMA engine, from one area to the same offset of another.
 */
import type { Phys } from "../base/addr.ts";
import { PATH } from "../base/cost.ts";
import type { HostContext } from "../host/context.ts";
import { DIR } from "../host/dma/device.ts";
import { sgSetDma, sgSetPhys } from "../host/dma/scatterlist.ts";
import { MAP_OK } from "../host/status.ts";
import type { Memmap } from "../memory/memmap.ts";
import { POISON } from "../memory/pattern.ts";
import { SG } from "../shm/layout.ts";
import type { DriverDma } from "./driver_dma.ts";
import type { ListMapping } from "./list_mapping.ts";
import type { CopyAreas } from "./load/memory.ts";
import type { CheckedTransfer } from "./mismatch.ts";
import type { Payload } from "./payload.ts";

/** The two lists of one command, each of one entry. */
export interface CopyLists {
  readonly source: number;
  readonly destination: number;
}

/** What a clone does around each copy command; see {@link CopyIo} for the parameters. */
export interface CommandCopies {
  open(what: CheckedTransfer, keyLo: number, keyHi: number): number;
  close(): void;
  prepare(what: CheckedTransfer, lists: CopyLists, offset: number, bytes: number): number;
  finish(
    what: CheckedTransfer,
    lists: CopyLists,
    offset: number,
    bytes: number,
    ok: boolean,
    key: readonly [number, number],
    flips: boolean,
    wrongSize: boolean,
  ): void;
}

/** Prepares and finishes the copies of one clone; both lists are mapped for the same device. */
export class CopyIo implements CommandCopies {
  readonly #ctx: HostContext;
  readonly #dma: DriverDma;
  readonly #areas: CopyAreas;
  readonly #lists: ListMapping;
  readonly #payload: Payload | null;
  readonly #persistent: boolean;
  readonly #isStaged: boolean;
  readonly #sourceHasPage: boolean;
  readonly #destinationHasPage: boolean;
  /** DMA addresses of the areas while they are mapped as a whole. */
  #sourceDma = 0;
  #destinationDma = 0;

  constructor(
    ctx: HostContext,
    dma: DriverDma,
    memmap: Memmap,
    areas: CopyAreas,
    lists: ListMapping,
    payload: Payload | null,
    persistent: boolean,
  ) {
    this.#ctx = ctx;
    this.#dma = dma;
    this.#areas = areas;
    this.#lists = lists;
    this.#payload = payload;
    this.#persistent = persistent;
    this.#isStaged = areas.peerSource !== null || areas.peerDestination !== null;
    this.#sourceHasPage = memmap.hasPage(areas.source);
    this.#destinationHasPage = memmap.hasPage(areas.destination);
  }

  /** Fills the source with the stream of unit 0, version 0; maps both areas when mappings persist. */
  open(what: CheckedTransfer, keyLo: number, keyHi: number): number {
    const { source, destination, peerSource, bytes } = this.#areas;
    what.unit = 0;
    what.version = 0;
    this.#payload?.patternFill(what, peerSource ?? source, bytes, keyLo, keyHi, 0);
    if (!this.#persistent) return MAP_OK;
    this.#sourceDma = this.#dma.mapPhys(source, bytes, DIR.toDevice);
    if (this.#sourceDma < 0) return -this.#sourceDma;
    this.#destinationDma = this.#dma.mapPhys(destination, bytes, DIR.fromDevice);
    if (this.#isStaged) this.#ctx.cost.path = PATH.staged;
    if (this.#destinationDma >= 0) return MAP_OK;
    this.#dma.unmapPhys(this.#sourceDma, bytes, DIR.toDevice);
    this.#sourceDma = -1;
    return -this.#destinationDma;
  }

  close(): void {
    if (!this.#persistent || this.#sourceDma < 0) return;
    const { bytes } = this.#areas;
    this.#dma.unmapPhys(this.#sourceDma, bytes, DIR.toDevice);
    this.#dma.unmapPhys(this.#destinationDma, bytes, DIR.fromDevice);
  }

  /** Physical address that a command at `offset` writes. */
  destinationAt(offset: number): Phys {
    return this.#areas.destination + offset;
  }

  prepare(what: CheckedTransfer, lists: CopyLists, offset: number, bytes: number): number {
    const arena = this.#ctx.arena;
    const { source, destination, peerSource, peerDestination } = this.#areas;
    this.#payload?.fill(what, (peerDestination ?? destination) + offset, POISON, bytes);
    if (peerSource !== null) this.#load(peerSource + offset, source + offset, bytes);
    if (this.#persistent) {
      sgSetDma(arena, lists.source, this.#sourceDma + offset, bytes);
      sgSetDma(arena, lists.destination, this.#destinationDma + offset, bytes);
      return MAP_OK;
    }
    sgSetPhys(arena, lists.source, source + offset, bytes, this.#sourceHasPage);
    sgSetPhys(arena, lists.destination, destination + offset, bytes, this.#destinationHasPage);
    const read = this.#lists.map(lists.source, 1, DIR.toDevice);
    if (read < 0) return -read;
    const written = this.#lists.map(lists.destination, 1, DIR.fromDevice);
    if (this.#isStaged) this.#ctx.cost.path = PATH.staged;
    if (written > 0) return MAP_OK;
    this.#lists.unmap(lists.source, 1, DIR.toDevice);
    return -written;
  }

  finish(
    what: CheckedTransfer,
    lists: CopyLists,
    offset: number,
    bytes: number,
    ok: boolean,
    key: readonly [number, number],
    flips: boolean,
    wrongSize: boolean,
  ): void {
    const dmaAddr = this.#ctx.arena.f64[(lists.destination + SG.dmaAddress) >>> 1] as number;
    if (!this.#persistent) {
      this.#lists.unmap(lists.source, 1, DIR.toDevice, wrongSize);
      this.#lists.unmap(lists.destination, 1, DIR.fromDevice);
    }
    if (flips) this.#payload?.flip(what, this.destinationAt(offset + (bytes >> 1)));
    if (!ok) return;
    const { destination, peerDestination } = this.#areas;
    if (peerDestination !== null) this.#store(peerDestination + offset, destination + offset, bytes);
    what.unit = 0;
    what.version = 0;
    const checked = (peerDestination ?? destination) + offset;
    this.#payload?.patternCheck(what, checked, bytes, key[0], key[1], offset, dmaAddr);
  }

  /** Staged: the CPU loads from the peer's BAR before the engine reads. */
  #load(peer: Phys, staged: Phys, bytes: number): void {
    this.#ctx.cost.stagedLoadBytes += bytes;
    this.#ctx.copyPort.copy(staged, peer, bytes);
  }

  /** Staged: the CPU stores into the peer's BAR what the engine wrote. */
  #store(peer: Phys, staged: Phys, bytes: number): void {
    this.#ctx.cost.stagedStoreBytes += bytes;
    this.#ctx.copyPort.copy(peer, staged, bytes);
  }
}
