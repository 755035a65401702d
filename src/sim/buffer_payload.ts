/**
 * The data of one command's buffer: produced before a job's write, poisoned and guarded before a read, checked after it.
 */
import { lowBits, PAGE_BYTES, type Phys } from "../base/addr.ts";
import { GUARD, POISON, UNIT_BYTES } from "../memory/pattern.ts";
import type { Arena } from "../shm/arena.ts";
import { SG } from "../shm/layout.ts";
import { sgNext } from "../shm/sg_entry.ts";
import { entryAddr } from "./list_mapping.ts";
import type { BufferPlan } from "./load/buffers.ts";
import { type CheckedTransfer, MISMATCH_KIND, recordMismatch } from "./mismatch.ts";
import type { Payload } from "./payload.ts";

const GUARD_BYTES = 64;

/**
 * Walks a command's list and hands each entry to the payload port; a byte that fails its check becomes a MISMATCH
 * record.
 */
export class BufferPayload {
  readonly #arena: Arena;
  readonly #payload: Payload;
  readonly #plan: BufferPlan;
  readonly #keyLo: number;
  readonly #keyHi: number;
  /** Distance from the list's memory to where the data are looked at. */
  readonly #delta: number;

  /** `delta`: the data lie that many bytes away from the list's memory (a staged buffer's BAR area). */
  constructor(arena: Arena, payload: Payload, plan: BufferPlan, keyLo: number, keyHi: number, delta = 0) {
    this.#delta = delta;
    this.#arena = arena;
    this.#payload = payload;
    this.#plan = plan;
    this.#keyLo = keyLo;
    this.#keyHi = keyHi;
  }

  /** Writes the stream of a job's write into the list's memory. */
  produce(what: CheckedTransfer, sg: number, bytes: number): void {
    let streamOff = 0;
    let entry = sg;
    while (streamOff < bytes) {
      const length = Math.min(bytes - streamOff, this.#arena.u32[entry + SG.length] as number);
      const phys = entryAddr(this.#arena, entry) + this.#delta;
      this.#payload.patternFill(what, phys, length, this.#keyLo, this.#keyHi, streamOff);
      streamOff += length;
      entry = sgNext(this.#arena, entry);
    }
  }

  /** Poisons the bytes that a device must write and guards those after them. */
  poison(what: CheckedTransfer, sg: number, bytes: number): void {
    let left = bytes;
    let entry = sg;
    while (left > 0) {
      const length = Math.min(left, this.#arena.u32[entry + SG.length] as number);
      const phys = entryAddr(this.#arena, entry) + this.#delta;
      this.#payload.fill(what, phys, POISON, length);
      left -= length;
      if (left === 0 && this.#hasGuard(phys + length)) this.#payload.fill(what, phys + length, GUARD, GUARD_BYTES);
      entry = sgNext(this.#arena, entry);
    }
  }

  /** Checks what a device wrote, and the guard behind it. */
  check(what: CheckedTransfer, sg: number, bytes: number): void {
    const arena = this.#arena;
    let streamOff = 0;
    let entry = sg;
    // Two cursors: the CPU side gives the bytes, the DMA side the address that the device used for them.
    let dmaEntry = sg;
    let dmaOff = 0;
    while (streamOff < bytes) {
      const length = Math.min(bytes - streamOff, arena.u32[entry + SG.length] as number);
      const phys = entryAddr(arena, entry) + this.#delta;
      const dmaAddr = (arena.f64[(dmaEntry + SG.dmaAddress) >>> 1] as number) + dmaOff;
      this.#payload.patternCheck(what, phys, length, this.#keyLo, this.#keyHi, streamOff, dmaAddr);
      streamOff += length;
      if (streamOff === bytes && this.#hasGuard(phys + length)) {
        this.#payload.guardCheck(what, phys + length, GUARD, GUARD_BYTES, dmaAddr + length);
      }
      dmaOff += length;
      while (dmaOff >= (arena.u32[dmaEntry + SG.dmaLength] as number) && streamOff < bytes) {
        dmaOff -= arena.u32[dmaEntry + SG.dmaLength] as number;
        dmaEntry = sgNext(arena, dmaEntry);
      }
      entry = sgNext(arena, entry);
    }
  }

  /**
   * The medium never took the write whose sector at byte `offset` was read: records the first byte that differs from
   * version `what.version`, or, when that is not known (`isKnown` false), the sector's first byte.
   */
  lost(what: CheckedTransfer, sg: number, offset: number, isKnown: boolean): void {
    const arena = this.#arena;
    const entry = entryAt(arena, sg, SG.length, offset);
    const into = offset - entry.start;
    const phys = entryAddr(arena, entry.sg) + this.#delta + into;
    const dma = entryAt(arena, sg, SG.dmaLength, offset);
    const dmaAddr = (arena.f64[(dma.sg + SG.dmaAddress) >>> 1] as number) + offset - dma.start;
    if (!isKnown) {
      recordMismatch(arena, what, MISMATCH_KIND.stale, 0, phys, dmaAddr, offset);
      return;
    }
    const length = Math.min(UNIT_BYTES, (arena.u32[entry.sg + SG.length] as number) - into);
    this.#payload.patternCheck(what, phys, length, this.#keyLo, this.#keyHi, offset, dmaAddr);
  }

  /** Memory after the last byte belongs to the same command (its cell or its guard page). */
  #hasGuard(end: Phys): boolean {
    const plan = this.#plan;
    return !plan.scatter || lowBits(end, PAGE_BYTES) !== 0 || plan.cellBytes > plan.entryBytes;
  }
}

/** The entry that holds byte `offset` of a list, by its CPU or DMA lengths (`lengthField`), and where in the list it starts. */
function entryAt(arena: Arena, sg: number, lengthField: number, offset: number): { sg: number; start: number } {
  let entry = sg;
  let start = 0;
  while (offset - start >= (arena.u32[entry + lengthField] as number)) {
    start += arena.u32[entry + lengthField] as number;
    entry = sgNext(arena, entry);
  }
  return { sg: entry, start };
}
