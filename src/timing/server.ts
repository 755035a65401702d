/**
 * Servers: resources that serve one thing at a time (or `width` at a time) in arrival order.
 *
 * All times are integer picoseconds of virtual time. A server remembers only until when it is
 * busy, so serving costs O(1) and does not allocate.
 */

import { Timeline } from "./timeline.ts";

/** Utilisation and waiting of a resource, for the report. */
export interface ServerStats {
  /** The epoch moved by `shiftPs`. */
  rebase(shiftPs: number): void;
  readonly name: string;
  readonly kind: string;
  readonly busyPs: number;
  readonly waitPs: number;
  readonly width: number;
}

/** Serves in FIFO order at `width` parallel places with a service time given per request. */
export class Server implements ServerStats {
  readonly name: string;
  readonly kind: string;
  readonly width: number;
  busyPs = 0;
  waitPs = 0;
  /** Start of the service granted last. */
  startPs = 0;
  readonly #freeAtPs: Float64Array;
  #next = 0;

  constructor(name: string, kind: string, width = 1) {
    this.name = name;
    this.kind = kind;
    this.width = width;
    this.#freeAtPs = new Float64Array(width);
  }

  /** Serves a request that arrives at `nowPs`; returns when it is done. */
  serve(nowPs: number, servicePs: number): number {
    const place = this.#next;
    const freeAt = this.#freeAtPs[place] as number;
    const start = Math.max(freeAt, nowPs);
    const end = start + servicePs;
    this.#freeAtPs[place] = end;
    this.#next = place + 1 === this.width ? 0 : place + 1;
    this.startPs = start;
    this.busyPs += servicePs;
    this.waitPs += start - nowPs;
    return end;
  }

  rebase(shiftPs: number): void {
    for (let i = 0; i < this.width; i += 1) this.#freeAtPs[i] = (this.#freeAtPs[i] as number) - shiftPs;
  }
}

/** Pieces that follow one another through several servers: TLPs of one transfer. Reused from burst to burst. */
export interface Burst {
  /** All pieces together. */
  bytes: number;
  pieces: number;
  /** By how much the first piece is ahead of the last. */
  leadPs: number;
}

/** Makes `burst` one of `pieces` that start all at once, and returns it. */
export function startBurst(burst: Burst, bytes: number, pieces: number): Burst {
  burst.bytes = bytes;
  burst.pieces = pieces;
  burst.leadPs = 0;
  return burst;
}

/** Serves bytes at a constant rate; the fraction of a picosecond that integer times lose is carried on. */
export class RateServer implements ServerStats {
  readonly name: string;
  readonly kind: string;
  readonly width = 1;
  busyPs = 0;
  waitPs = 0;
  /** Start of the service granted last. */
  startPs = 0;
  readonly #psPerByte: number;
  #freeAtPs = 0;
  #carryPs = 0;
  /** Null as long as calls come in order of arrival. */
  #shared: Timeline | null = null;

  constructor(name: string, kind: string, bytesPerS: number) {
    this.name = name;
    this.kind = kind;
    this.#psPerByte = 1e12 / bytesPerS;
  }

  /** From now on several users reserve it, in any order of arrival. */
  share(): void {
    this.#shared ??= new Timeline(this.#freeAtPs);
  }

  serve(nowPs: number, bytes: number): number {
    const exact = bytes * this.#psPerByte + this.#carryPs;
    const servicePs = Math.floor(exact);
    this.#carryPs = exact - servicePs;
    const start = this.#shared === null ? Math.max(this.#freeAtPs, nowPs) : this.#shared.reserve(nowPs, servicePs);
    this.#freeAtPs = start + servicePs;
    this.startPs = start;
    this.busyPs += servicePs;
    this.waitPs += start - nowPs;
    return this.#freeAtPs;
  }

  /**
   * Serves a burst whose last piece arrives at `nowPs`: the first goes on while others still arrive. Returns when the last is
   * through; the burst then leads by what it does behind this server.
   */
  serveBurst(nowPs: number, burst: Burst): number {
    const servedPs = this.serve(nowPs - burst.leadPs, burst.bytes);
    const servicePs = servedPs - this.startPs;
    const piecePs = Math.floor(servicePs / burst.pieces);
    burst.leadPs = servicePs - piecePs;
    const endPs = Math.max(servedPs, nowPs + piecePs);
    this.#freeAtPs = endPs;
    return endPs;
  }

  rebase(shiftPs: number): void {
    this.#freeAtPs -= shiftPs;
    this.#shared?.rebase(shiftPs);
  }
}
