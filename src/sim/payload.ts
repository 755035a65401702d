/**
 * Producing and checking bytes: the port through which the I/O path touches payload, and its immediate form.
 *
 * Under `wall` the calling thread does the work at once; under `virtual` the loop queues the same
 * operations for the worker that owns the engine, which executes them with {@link DirectPayload}.
 */
import { lowBits, type Phys } from "../base/addr.ts";
import { copyPhys, fillPhys, findDifference, findOtherPhys, readByte, writeByte } from "../memory/copy.ts";
import { checkPattern, fillPattern, UNIT_BYTES } from "../memory/pattern.ts";
import type { Arena } from "../shm/arena.ts";
import { WORKER } from "../shm/layout.ts";
import { type CheckedTransfer, classifyMismatch, HEADER_BYTES, MISMATCH_KIND, recordMismatch } from "./mismatch.ts";

/** Operations on simulated memory in program order; `what` names the transfer in reports and is read at the call. */
export interface Payload {
  copy(what: CheckedTransfer, dst: Phys, src: Phys, bytes: number): boolean;
  fill(what: CheckedTransfer, dst: Phys, byte: number, bytes: number): boolean;
  /** Writes stream bytes [streamOff, +bytes) of (key, unit, version). */
  patternFill(
    what: CheckedTransfer,
    dst: Phys,
    bytes: number,
    keyLo: number,
    keyHi: number,
    streamOff: number,
  ): boolean;
  /** Compares with the stream; a difference is recorded and counted. */
  patternCheck(
    what: CheckedTransfer,
    at: Phys,
    bytes: number,
    keyLo: number,
    keyHi: number,
    streamOff: number,
    dmaAddr: number,
  ): void;
  /** Every byte must still be `byte`: guards against over-copy. */
  guardCheck(what: CheckedTransfer, at: Phys, byte: number, bytes: number, dmaAddr: number): void;
  /** [at, +bytes) must equal [against, +bytes). */
  compare(what: CheckedTransfer, at: Phys, against: Phys, bytes: number): void;
  /** Test hook: inverts one byte. */
  flip(what: CheckedTransfer, at: Phys): void;
}

/** Does everything at once on the calling thread and counts into the thread's WORKER record. */
export class DirectPayload implements Payload {
  readonly #arena: Arena;
  readonly #worker: number;

  /** `worker` is the word index of the WORKER record that the calling thread owns. */
  constructor(arena: Arena, worker: number) {
    this.#arena = arena;
    this.#worker = worker;
  }

  copy(_what: CheckedTransfer, dst: Phys, src: Phys, bytes: number): boolean {
    this.#add(WORKER.copied, bytes);
    return copyPhys(this.#arena, dst, src, bytes);
  }

  fill(_what: CheckedTransfer, dst: Phys, byte: number, bytes: number): boolean {
    return fillPhys(this.#arena, dst, byte, bytes);
  }

  patternFill(
    what: CheckedTransfer,
    dst: Phys,
    bytes: number,
    keyLo: number,
    keyHi: number,
    streamOff: number,
  ): boolean {
    return fillPattern(this.#arena, dst, bytes, keyLo, keyHi, what.unit, what.version, streamOff);
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
    this.#add(WORKER.verified, bytes);
    const bad = checkPattern(this.#arena, at, bytes, keyLo, keyHi, what.unit, what.version, streamOff);
    if (bad < 0) return;
    const expected = this.#arena.ops.lastExpected();
    const version = this.#arena.ops.lastVersion();
    const right = isBodyRight(this.#arena, what.unit, version, at + bad, bytes - bad, keyLo, keyHi, streamOff + bad);
    const kind = classifyMismatch(this.#arena, at + bad, streamOff + bad, right);
    this.#mismatch(what, kind, expected, at + bad, dmaAddr + bad, streamOff + bad);
  }

  guardCheck(what: CheckedTransfer, at: Phys, byte: number, bytes: number, dmaAddr: number): void {
    const bad = findOtherPhys(this.#arena, at, byte, bytes);
    if (bad >= 0) this.#mismatch(what, MISMATCH_KIND.overCopy, byte, at + bad, dmaAddr + bad, bad);
  }

  compare(what: CheckedTransfer, at: Phys, against: Phys, bytes: number): void {
    this.#add(WORKER.verified, bytes);
    const bad = findDifference(this.#arena, at, against, bytes);
    if (bad < 0) return;
    this.#mismatch(what, MISMATCH_KIND.corrupt, readByte(this.#arena, against + bad), at + bad, against + bad, bad);
  }

  flip(_what: CheckedTransfer, at: Phys): void {
    writeByte(this.#arena, at, readByte(this.#arena, at) ^ 0xff);
  }

  #mismatch(what: CheckedTransfer, kind: number, expected: number, phys: Phys, dmaAddr: number, offset: number): void {
    recordMismatch(this.#arena, what, kind, expected, phys, dmaAddr, offset);
  }

  #add(field: number, bytes: number): void {
    const word = (this.#worker + field) >>> 1;
    this.#arena.f64[word] = (this.#arena.f64[word] as number) + bytes;
  }
}

/** True when [at, at + left) starts inside a unit's header and what follows the header in that unit is as expected. */
function isBodyRight(
  arena: Arena,
  unit: number,
  version: number,
  at: Phys,
  left: number,
  keyLo: number,
  keyHi: number,
  streamOff: number,
): boolean {
  const inUnit = lowBits(streamOff, UNIT_BYTES);
  const body = Math.min(left, UNIT_BYTES - inUnit) - (HEADER_BYTES - inUnit);
  if (inUnit >= HEADER_BYTES || body <= 0) return false;
  const skip = HEADER_BYTES - inUnit;
  return checkPattern(arena, at + skip, body, keyLo, keyHi, unit, version >>> 0, streamOff + skip) < 0;
}
