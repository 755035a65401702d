/**
 * The link between two sockets (UPI): hop latency, wire rate, directory work.
 *
 * A remote write also writes the line's directory state; a remote nt store holds its buffer for a request, a grant, the data and the
 * completion; remote reads and writes of several threads on the same lines' home conflict in the directory (Yang et al.,
 * FAST 2020, section 5.4). Times ns, rates bytes per ns.
 */
import type { Constants } from "../calibration/constant.ts";

/** Link between the socket of the core and that of the memory. */
export class SocketLink {
  readonly hopNs: number;
  readonly rate: number;
  /** Time that a remote nt store's buffer is held longer. */
  readonly ntHoldNs: number;
  readonly directoryWrites: number;
  readonly #conflictNsPerByte: number;

  constructor(constants: Constants) {
    this.hopNs = constants.get("upi.hop_ns");
    this.rate = constants.get("upi.links") * constants.get("upi.link_bytes_per_ns") * constants.get("upi.efficiency");
    this.ntHoldNs = constants.get("upi.nt_crossings") * this.hopNs;
    this.directoryWrites = constants.get("upi.directory_writes");
    this.#conflictNsPerByte = constants.get("upi.mixed_conflict_ns_per_byte");
  }

  /** Time lost per byte of a remote read-write mix: the next request is another thread's with probability 1 - 1/threads. */
  conflictNsPerByte(threads: number): number {
    return this.#conflictNsPerByte * (1 - 1 / threads);
  }
}
