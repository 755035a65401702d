/**
 * Packet buffers of one core: mapped pieces that a device uses in order, unmapped some time after it has used them.
 */
import { assert } from "../../../base/assert.ts";
import type { HostLab, LabMapping } from "../host/host_lab.ts";

/** Buffers that are mapped in pieces of `pieceBytes` from `cpu`. */
export class PacketBuffers {
  readonly #lab: HostLab;
  readonly #cpu: number;
  readonly #pieceBytes: number;
  readonly #dir: number;
  /** Mapped pieces that the device has not finished, oldest first. */
  readonly #ready: LabMapping[];
  readonly #used: LabMapping[] = [];
  #usedBytes = 0;

  /** Begins with the mapped pieces `ready` (DIR `dir`). */
  constructor(lab: HostLab, cpu: number, ready: readonly LabMapping[], pieceBytes: number, dir: number) {
    this.#lab = lab;
    this.#cpu = cpu;
    this.#pieceBytes = pieceBytes;
    this.#dir = dir;
    this.#ready = [...ready];
  }

  /** Takes the next `bytes` for the device and returns their first IOVA; they lie in one piece. */
  take(bytes: number): number {
    if (this.#ready.length === 0) this.#map();
    const piece = this.#ready[0] as LabMapping;
    const iova = piece.dmaAddr + this.#usedBytes;
    this.#usedBytes += bytes;
    if (this.#usedBytes >= this.#pieceBytes) {
      this.#used.push(piece);
      this.#ready.shift();
      this.#usedBytes = 0;
    }
    return iova;
  }

  /** Unmaps the pieces that the device has finished but for the last `kept` ones, then maps as many when `refill` is set. */
  release(kept: number, refill: boolean): void {
    const done = this.#used.splice(0, Math.max(0, this.#used.length - kept));
    for (const piece of done) this.#lab.unmap(this.#cpu, piece, 1, this.#pieceBytes, this.#dir);
    for (let i = 0; refill && i < done.length; i += 1) this.#map();
  }

  #map(): void {
    const piece = this.#lab.map(this.#cpu, 1, this.#pieceBytes, this.#dir);
    assert(piece !== null, "the arena has room for the buffers of a ring");
    this.#ready.push(piece);
  }
}
