/**
 * A lock whose holders take its data from each other's caches.
 *
 * Of n CPUs that use it, the last one to write a line was another with probability 1 - 1/n; each such line costs a transfer.
 * Who finds it taken spins, and hands over later than an idle lock would: the contended price.
 */
import type { ServerStats } from "../server.ts";

const CPUS = 256;

/** One lock, served in the order of the calls; times in picoseconds. */
export class SharedLock implements ServerStats {
  readonly name: string;
  readonly kind: string;
  readonly width = 1;
  busyPs = 0;
  waitPs = 0;
  /** When who took it last got it. */
  startPs = 0;
  /** CPUs that have taken it. */
  sharers = 0;
  readonly #linePs: number;
  readonly #contendedPs: number;
  readonly #seen = new Uint8Array(CPUS);
  #freeAtPs = 0;

  constructor(name: string, kind: string, linePs: number, contendedPs: number) {
    this.name = name;
    this.kind = kind;
    this.#linePs = linePs;
    this.#contendedPs = contendedPs;
  }

  /** `cpu` holds the lock for `holdPs` and touches `lines` shared lines; returns when it lets go. */
  serve(nowPs: number, holdPs: number, lines: number, cpu: number): number {
    const seat = cpu & (CPUS - 1);
    if (this.#seen[seat] === 0) {
      this.#seen[seat] = 1;
      this.sharers += 1;
    }
    const startPs = Math.max(nowPs, this.#freeAtPs);
    const foreign = 1 - 1 / this.sharers;
    const contendedPs = startPs > nowPs ? this.#contendedPs : 0;
    const servicePs = holdPs + Math.round(foreign * (lines * this.#linePs + contendedPs));
    this.startPs = startPs;
    this.#freeAtPs = startPs + servicePs;
    this.busyPs += servicePs;
    this.waitPs += startPs - nowPs;
    return this.#freeAtPs;
  }

  rebase(shiftPs: number): void {
    this.#freeAtPs -= shiftPs;
  }
}
