/**
 * Memory of a NUMA node as device reads and writes meet it: last-level cache, DRAM latency, channel bandwidth.
 *
 * Sources: SIGCOMM 2018 (DRAM adds 40 ns median and 51 ns mean to a 64 B read), SIGCOMM 2024 (bank cycle of 45 ns).
 */
import { mix32 } from "../../base/prng.ts";
import { RateServer, type ServerStats } from "../server.ts";
import type { MemoryShape } from "./shape.ts";

const UINT32 = 2 ** 32;
/** What is read as one; a longer read's first data come when so much is there. */
const REQUEST_BYTES = 512;

/** Memory of one kind on one node. */
export class NodeMemory {
  readonly #shape: MemoryShape;
  readonly #reads: RateServer;
  readonly #writes: RateServer;
  readonly #bytePs: number;
  #draws = 0;

  constructor(name: string, shape: MemoryShape) {
    this.#shape = shape;
    this.#bytePs = 1e12 / shape.readBytesPerS;
    this.#reads = new RateServer(shape.shared ? name : `${name} read`, "memory", shape.readBytesPerS);
    this.#writes = shape.shared ? this.#reads : new RateServer(`${name} write`, "memory", shape.writeBytesPerS);
  }

  /** Latency that a read adds at `nowPs`; `cachedShare` = chance that the last-level cache has it. */
  readPs(nowPs: number, bytes: number, cachedShare: number, remote: boolean): number {
    const shape = this.#shape;
    const wayPs = remote ? shape.remotePs : 0;
    if (cachedShare >= 1 || (cachedShare > 0 && this.#unit() < cachedShare)) return wayPs;
    const firstBytes = Math.min(bytes, REQUEST_BYTES);
    const waitPs = this.#reads.serve(nowPs, bytes) - nowPs - Math.floor((bytes - firstBytes) * this.#bytePs);
    const conflictPs = this.#unit() < conflictShare(shape, bytes) ? shape.conflictPs : 0;
    return wayPs + waitPs + shape.missPs + conflictPs;
  }

  /** Time that a write adds before the controller has it; `cachedShare` = chance that it allocates in the last-level cache. */
  writePs(nowPs: number, bytes: number, cachedShare: number, remote: boolean): number {
    const wayPs = remote ? this.#shape.remotePs : 0;
    if (cachedShare >= 1 || (cachedShare > 0 && this.#unit() < cachedShare)) return wayPs;
    return wayPs + this.#writes.serve(nowPs, bytes) - nowPs;
  }

  servers(): readonly ServerStats[] {
    return this.#shape.shared ? [this.#reads] : [this.#reads, this.#writes];
  }

  rebase(shiftPs: number): void {
    this.#reads.rebase(shiftPs);
    if (!this.#shape.shared) this.#writes.rebase(shiftPs);
  }

  /** Uniform in [0, 1), the same sequence in every run. */
  #unit(): number {
    this.#draws = (this.#draws + 1) >>> 0;
    return mix32(this.#draws) / UINT32;
  }
}

/** Chance that one of the requests of a read meets a row conflict. */
function conflictShare(shape: MemoryShape, bytes: number): number {
  return bytes <= REQUEST_BYTES
    ? shape.conflictShare
    : 1 - (1 - shape.conflictShare) ** Math.ceil(bytes / REQUEST_BYTES);
}
