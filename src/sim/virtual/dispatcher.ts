/**
 * Sends copies from the virtual loop to the workers, in an order whose result does not depend on them.
 *
 * Everything of one engine goes to one worker, in order. A command that touches a page on which
 * another worker has an unfinished command is held back, and with it all later ones, so that the
 * dispatch order is the only order that memory sees. Page conflicts are tracked by hash slot:
 * a collision delays, it never lets a conflict pass.
 */
import type { Phys } from "../../base/addr.ts";
import { assert } from "../../base/assert.ts";
import type { CopyPort } from "../../host/context.ts";
import { workerWord } from "../../host/coordinator.ts";
import type { Arena } from "../../shm/arena.ts";
import { COPY_RING_DEPTH } from "../../shm/capacities.ts";
import { COPY_OP } from "../../shm/dma_status.ts";
import { ringBell } from "../../shm/doorbell.ts";
import { COPY_CMD, REGIONS } from "../../shm/layout.ts";
import { ringConsumed, ringPublish, ringReserve, ringUsed } from "../../shm/ring.ts";
import type { CheckedTransfer } from "../mismatch.ts";
import type { Payload } from "../payload.ts";

const PENDING_MAX = 65536;
/** The loop stops taking events above this backlog: one event never queues as many commands. */
const BACKLOG_MAX = 16384;
const SLOTS = 2 ** 18;
const WORDS = COPY_CMD.WORDS;
const NOBODY = 255;

/** The one producer of every copy ring, on the main thread. A call queues; {@link pump} publishes what may run. */
export class CopyDispatcher implements Payload, CopyPort {
  /** Engine on whose behalf CopyPort copies are made. */
  readonly current: CheckedTransfer = { job: 0, engine: 0, io: 0, unit: 0, version: 0 };
  readonly #arena: Arena;
  readonly #workers: number;
  readonly #words = new Int32Array(PENDING_MAX * WORDS);
  readonly #numbers: Float64Array;
  #head = 0;
  #tail = 0;
  /** Last worker that reads or writes the pages of a slot, and the ring position of its command. */
  readonly #writer = new Uint8Array(SLOTS).fill(NOBODY);
  readonly #writeAt = new Int32Array(SLOTS);
  readonly #reader = new Uint8Array(SLOTS).fill(NOBODY);
  readonly #readAt = new Int32Array(SLOTS);
  readonly #published: Int32Array;

  constructor(arena: Arena, workers: number) {
    this.#arena = arena;
    this.#workers = workers;
    this.#numbers = new Float64Array(this.#words.buffer);
    this.#published = new Int32Array(workers);
  }

  /** Too many commands wait for workers: the loop should not take another event. */
  get congested(): boolean {
    return this.#tail - this.#head > BACKLOG_MAX;
  }

  /** Everything dispatched has been executed. */
  get drained(): boolean {
    if (this.#tail !== this.#head) return false;
    for (let worker = 0; worker < this.#workers; worker += 1) {
      if (ringUsed(this.#arena.i32, ringWord(worker)) !== 0) return false;
    }
    return true;
  }

  /** Hands as many pending commands to the workers as order and room allow. */
  pump(): void {
    const before = this.#head;
    while (this.#head !== this.#tail && this.#dispatch()) this.#head += 1;
    if (before === this.#head) return;
    for (let worker = 0; worker < this.#workers; worker += 1) ringBell(this.#arena.i32, workerWord(worker));
    if (this.#head === this.#tail) {
      this.#head = 0;
      this.#tail = 0;
    }
  }

  copy(...args: [CheckedTransfer, Phys, Phys, number] | [Phys, Phys, number]): boolean {
    if (args.length === 4) this.#put(COPY_OP.copy, args[0], args[2], args[1], args[3], 0, 0, 0, 0);
    else this.#put(COPY_OP.copy, this.current, args[1], args[0], args[2], 0, 0, 0, 0);
    return true;
  }

  fill(...args: [CheckedTransfer, Phys, number, number] | [Phys, number, number]): boolean {
    if (args.length === 4) this.#put(COPY_OP.fill, args[0], 0, args[1], args[3], args[2], 0, 0, 0);
    else this.#put(COPY_OP.fill, this.current, 0, args[0], args[2], args[1], 0, 0, 0);
    return true;
  }

  patternFill(
    what: CheckedTransfer,
    dst: Phys,
    bytes: number,
    keyLo: number,
    keyHi: number,
    streamOff: number,
  ): boolean {
    this.#put(COPY_OP.patternFill, what, 0, dst, bytes, keyLo, keyHi, streamOff, 0);
    return true;
  }

  patternCheck(
    what: CheckedTransfer,
    at: Phys,
    bytes: number,
    keyLo: number,
    keyHi: number,
    streamOff: number,
    dmaAddr: number,
  ): void {
    this.#put(COPY_OP.patternCheck, what, at, 0, bytes, keyLo, keyHi, streamOff, dmaAddr);
  }

  guardCheck(what: CheckedTransfer, at: Phys, byte: number, bytes: number, dmaAddr: number): void {
    this.#put(COPY_OP.checkFill, what, at, 0, bytes, byte, 0, 0, dmaAddr);
  }

  compare(what: CheckedTransfer, at: Phys, against: Phys, bytes: number): void {
    this.#put(COPY_OP.compare, what, at, against, bytes, 0, 0, 0, at);
  }

  flip(what: CheckedTransfer, at: Phys): void {
    this.#put(COPY_OP.flip, what, 0, at, 1, 0, 0, 0, 0);
  }

  /** A device write of medium content, or with `pattern` false of whatever the device buffer holds. */
  toMemory(
    what: CheckedTransfer,
    dst: Phys,
    bytes: number,
    keyLo: number,
    keyHi: number,
    streamOff: number,
    pattern: boolean,
  ): void {
    this.#put(pattern ? COPY_OP.toMemory : COPY_OP.toMemoryRaw, what, 0, dst, bytes, keyLo, keyHi, streamOff, 0);
  }

  fromMemory(
    what: CheckedTransfer,
    src: Phys,
    bytes: number,
    keyLo: number,
    keyHi: number,
    streamOff: number,
    dmaAddr: number,
    pattern: boolean,
  ): void {
    const op = pattern ? COPY_OP.fromMemory : COPY_OP.fromMemoryRaw;
    this.#put(op, what, src, 0, bytes, keyLo, keyHi, streamOff, dmaAddr);
  }

  #put(
    op: number,
    what: CheckedTransfer,
    src: number,
    dst: number,
    bytes: number,
    keyLo: number,
    keyHi: number,
    streamOff: number,
    dmaAddr: number,
  ): void {
    if (this.#tail === PENDING_MAX) this.#compact();
    const at = this.#tail * WORDS;
    const words = this.#words;
    const numbers = this.#numbers;
    words[at + COPY_CMD.op] = op;
    words[at + COPY_CMD.engine] = what.engine;
    words[at + COPY_CMD.tag] = 0;
    words[at + COPY_CMD.version] = what.version;
    words[at + COPY_CMD.keyLo] = keyLo;
    words[at + COPY_CMD.keyHi] = keyHi;
    words[at + COPY_CMD.job] = what.job;
    numbers[(at + COPY_CMD.src) >>> 1] = src;
    numbers[(at + COPY_CMD.dst) >>> 1] = dst;
    numbers[(at + COPY_CMD.bytes) >>> 1] = bytes;
    numbers[(at + COPY_CMD.unit) >>> 1] = what.unit;
    numbers[(at + COPY_CMD.streamOff) >>> 1] = streamOff;
    numbers[(at + COPY_CMD.dmaAddr) >>> 1] = dmaAddr;
    numbers[(at + COPY_CMD.io) >>> 1] = what.io;
    this.#tail += 1;
  }

  #compact(): void {
    this.pump();
    this.#words.copyWithin(0, this.#head * WORDS, this.#tail * WORDS);
    this.#tail -= this.#head;
    this.#head = 0;
    assert(this.#tail < PENDING_MAX, "one event queues fewer copies than the backlog has room for");
  }

  /** Publishes the oldest pending command; false when it must wait. */
  #dispatch(): boolean {
    const at = this.#head * WORDS;
    const engine = this.#words[at + COPY_CMD.engine] as number;
    const worker = engine - Math.floor(engine / this.#workers) * this.#workers;
    if (this.#workers > 1 && !this.#claim(at, worker)) return false;
    const ring = ringWord(worker);
    const slots = REGIONS.copyCommands.word + worker * COPY_RING_DEPTH * WORDS;
    const slot = ringReserve(this.#arena.i32, ring, slots, WORDS, COPY_RING_DEPTH, 0);
    if (slot < 0) return false;
    const to = this.#arena.i32;
    for (let i = 0; i < WORDS; i += 1) to[slot + i] = this.#words[at + i] as number;
    ringPublish(to, ring, 1);
    this.#published[worker] = ((this.#published[worker] as number) + 1) | 0;
    return true;
  }

  /** Checks the command's pages against other workers' unfinished commands, then marks them as this worker's. */
  #claim(at: number, worker: number): boolean {
    const src = this.#numbers[(at + COPY_CMD.src) >>> 1] as number;
    const dst = this.#numbers[(at + COPY_CMD.dst) >>> 1] as number;
    const bytes = this.#numbers[(at + COPY_CMD.bytes) >>> 1] as number;
    const reads = src !== 0;
    const writes = dst !== 0;
    if (reads && !this.#free(src, bytes, worker)) return false;
    if (writes && !this.#free(dst, bytes, worker)) return false;
    const position = this.#published[worker] as number;
    if (reads) this.#mark(this.#reader, this.#readAt, src, bytes, worker, position);
    if (writes) this.#mark(this.#writer, this.#writeAt, dst, bytes, worker, position);
    return true;
  }

  #free(phys: number, bytes: number, worker: number): boolean {
    const last = Math.floor((phys + bytes - 1) / 4096);
    for (let page = Math.floor(phys / 4096); page <= last; page += 1) {
      const slot = slotOf(page);
      if (!this.#finished(this.#writer[slot] as number, this.#writeAt[slot] as number, worker)) return false;
      if (!this.#finished(this.#reader[slot] as number, this.#readAt[slot] as number, worker)) return false;
    }
    return true;
  }

  /** The command at `position` of `owner`'s ring is done, or is the same worker's and so ordered by the ring. */
  #finished(owner: number, position: number, worker: number): boolean {
    if (owner === NOBODY || owner === worker) return true;
    return ((ringConsumed(this.#arena.i32, ringWord(owner)) - position) | 0) > 0;
  }

  #mark(owner: Uint8Array, ownerAt: Int32Array, phys: number, bytes: number, worker: number, position: number): void {
    const last = Math.floor((phys + bytes - 1) / 4096);
    for (let page = Math.floor(phys / 4096); page <= last; page += 1) {
      const slot = slotOf(page);
      owner[slot] = worker;
      ownerAt[slot] = position;
    }
  }
}

function ringWord(worker: number): number {
  return REGIONS.copyRings.word + worker * REGIONS.copyRings.stride;
}

function slotOf(page: number): number {
  return Math.imul(page, 0x9e3779b1) >>> 14;
}
