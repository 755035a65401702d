/**
 * Moving resolved runs between memory and a device's medium, on the thread that owns the engine.
 *
 * A device write (a job's read) materialises medium content in the engine's device buffer and copies
 * it to memory; a device read copies memory into the device buffer and checks it there.
 */
import { lowBits, type Phys } from "../base/addr.ts";
import { commit, lookup, toChunkEnd } from "../memory/backing.ts";
import type { Arena } from "../shm/arena.ts";
import { WORKER } from "../shm/layout.ts";
import { commitDeviceBuffer, DEVICE_BUFFER_BYTES, deviceBufferPhys } from "./device_buffer.ts";
import type { CheckedTransfer } from "./mismatch.ts";
import type { Payload } from "./payload.ts";

/**
 * Medium side of one engine's runs. The thread must own the engine: the device buffer has no lock. A byte's place in the buffer follows from
 * its place in the stream, so that what is left there does not depend on how a transfer was cut into runs.
 */
export class MediumTransfer {
  readonly #arena: Arena;
  readonly #worker: number;
  readonly #buffer: number;
  readonly #bufferPhys: Phys;
  readonly #payload: Payload;

  /** `worker`: word index of the thread's WORKER record. */
  constructor(arena: Arena, engine: number, worker: number, payload: Payload) {
    this.#arena = arena;
    this.#worker = worker;
    this.#payload = payload;
    this.#buffer = commitDeviceBuffer(arena, engine);
    this.#bufferPhys = deviceBufferPhys(engine);
  }

  /** Device writes [phys, phys + bytes) with stream bytes from `streamOff`; `pattern` false moves whatever the buffer holds. */
  toMemory(
    what: CheckedTransfer,
    phys: Phys,
    bytes: number,
    keyLo: number,
    keyHi: number,
    streamOff: number,
    pattern: boolean,
  ): void {
    const arena = this.#arena;
    let done = 0;
    while (done < bytes) {
      const at = lowBits(streamOff + done, DEVICE_BUFFER_BYTES);
      const piece = Math.min(bytes - done, toChunkEnd(phys + done), DEVICE_BUFFER_BYTES - at);
      const to = commit(arena, phys + done);
      if (to < 0) return;
      const from = this.#buffer + at;
      if (pattern) arena.ops.patternFill(from, piece, keyLo, keyHi, what.unit, what.version, streamOff + done);
      arena.ops.copy(to, from, piece);
      done += piece;
    }
    this.#count(bytes);
  }

  /** Device reads [phys, phys + bytes) and, with `pattern`, checks that the stream arrived. */
  fromMemory(
    what: CheckedTransfer,
    phys: Phys,
    bytes: number,
    keyLo: number,
    keyHi: number,
    streamOff: number,
    dmaAddr: number,
    pattern: boolean,
  ): void {
    const arena = this.#arena;
    let done = 0;
    while (done < bytes) {
      const at = lowBits(streamOff + done, DEVICE_BUFFER_BYTES);
      const piece = Math.min(bytes - done, toChunkEnd(phys + done), DEVICE_BUFFER_BYTES - at);
      const from = lookup(arena, phys + done);
      if (from < 0) arena.ops.fill(this.#buffer + at, 0, piece);
      else arena.ops.copy(this.#buffer + at, from, piece);
      if (pattern)
        this.#payload.patternCheck(what, this.#bufferPhys + at, piece, keyLo, keyHi, streamOff + done, dmaAddr + done);
      done += piece;
    }
    this.#count(bytes);
  }

  #count(bytes: number): void {
    const word = (this.#worker + WORKER.copied) >>> 1;
    this.#arena.f64[word] = (this.#arena.f64[word] as number) + bytes;
  }
}
