/**
 * A load that a device starts by itself on memory mapped before the run: what a bench device or a copy engine does.
 *
 * One event a quantum; the servers of `timing/fabric` decide when it ends.
 */
import { Prng } from "../../base/prng.ts";
import { EventQueue } from "../../timing/event_queue.ts";
import { Egress } from "../../timing/fabric/egress.ts";
import type { DeviceFunction, Target } from "../../timing/fabric/function.ts";
import type { NodeMemory } from "../../timing/fabric/node_memory.ts";
import type { AddressSpace } from "./address_space.ts";

const EVENT = Object.freeze({ done: 0, second: 1, readTurn: 2, writeTurn: 3 });
const LINE_BYTES = 64;

/** `write_read`: a write, then a read of the same address. `read_write`: both at once, as many of each. */
export type DeviceOp = "read" | "write" | "read_write" | "write_read";

/** What the device does. */
export interface DeviceLoad {
  readonly op: DeviceOp;
  readonly accessBytes: number;
  readonly windowBytes: number;
  readonly random: boolean;
  /** Accesses at a time. */
  readonly outstanding: number;
  /** As many accesses the other way run beside a read or a write, and are not counted. */
  readonly opposed: boolean;
  /** Chance that a line is in the last-level cache. */
  readonly cachedShare: number;
  readonly remote: boolean;
  /** Accesses before measuring, and measured. */
  readonly warmup: number;
  readonly accesses: number;
}

/** What was measured. */
export interface DeviceLoadResult {
  /** Payload bytes a second, of one direction when the load has two. */
  readonly bytesPerS: number;
  /** Latency of each measured access, ns, sorted. */
  readonly latenciesNs: Float64Array;
}

/** One run; the same inputs give the same result. */
export class DeviceLoadRun {
  readonly #load: DeviceLoad;
  readonly #fn: DeviceFunction;
  readonly #memory: NodeMemory;
  readonly #space: AddressSpace;
  readonly #queue = new EventQueue(256);
  readonly #prng = new Prng(1);
  readonly #target: Target = { translatePs: 0, memoryPs: 0, peer: null, viaRoot: false, ownLinks: 0, peerLinks: 0 };
  readonly #reads: Egress;
  readonly #writes: Egress;
  /** By transfer: a slot's transfer, and behind those its second one when it reads and writes at once. */
  readonly #addr: Float64Array;
  readonly #left: Float64Array;
  readonly #endPs: Float64Array;
  readonly #startPs: Float64Array;
  /** Transfers of a slot that are not over. */
  readonly #open: Uint8Array;
  readonly #mrrsBytes: number;
  readonly #stride: number;
  readonly #slots: number;
  #next = 0;

  constructor(load: DeviceLoad, fn: DeviceFunction, memory: NodeMemory, space: AddressSpace) {
    this.#load = load;
    this.#fn = fn;
    this.#memory = memory;
    this.#space = space;
    this.#slots = load.outstanding * (load.opposed ? 2 : 1);
    this.#reads = new Egress(this.#slots);
    this.#writes = new Egress(this.#slots);
    this.#addr = new Float64Array(2 * this.#slots);
    this.#left = new Float64Array(2 * this.#slots);
    this.#endPs = new Float64Array(2 * this.#slots);
    this.#startPs = new Float64Array(this.#slots);
    this.#open = new Uint8Array(this.#slots);
    this.#mrrsBytes = fn.way.link.mrrsBytes;
    this.#stride = Math.ceil(load.accessBytes / LINE_BYTES) * LINE_BYTES;
  }

  run(): DeviceLoadResult {
    const load = this.#load;
    const latencies = new Float64Array(load.accesses);
    let ended = 0;
    let beginPs = 0;
    for (let slot = 0; slot < this.#slots; slot += 1) this.#begin(slot, 0);
    while (ended < load.warmup + load.accesses && this.#queue.pop()) {
      const { timePs, kind, subject } = this.#queue;
      if (kind !== EVENT.done) this.#handle(kind, subject, timePs);
      else if (this.#ended(subject)) {
        if (subject < load.outstanding) {
          if (ended === load.warmup) beginPs = timePs;
          if (ended >= load.warmup)
            latencies[ended - load.warmup] = (timePs - (this.#startPs[subject] as number)) / 1000;
          ended += 1;
        }
        this.#begin(subject, timePs);
      }
    }
    const bytes = (load.accesses - 1) * load.accessBytes;
    return { bytesPerS: (bytes / (this.#queue.timePs - beginPs)) * 1e12, latenciesNs: latencies.sort() };
  }

  #handle(kind: number, slot: number, nowPs: number): void {
    if (kind === EVENT.readTurn) this.#turn(this.#reads, false, nowPs);
    else if (kind === EVENT.writeTurn) this.#turn(this.#writes, true, nowPs);
    else this.#start(slot, slot, false, nowPs);
  }

  #ended(slot: number): boolean {
    this.#open[slot] = (this.#open[slot] as number) - 1;
    return this.#open[slot] === 0;
  }

  #begin(slot: number, nowPs: number): void {
    const op = slot < this.#load.outstanding ? this.#load.op : this.#load.op === "read" ? "write" : "read";
    const addr = this.#place();
    this.#addr[slot] = addr;
    this.#startPs[slot] = nowPs;
    this.#open[slot] = op === "read_write" ? 2 : 1;
    this.#start(slot, slot, op === "write" || op === "write_read", nowPs);
    if (op !== "read_write") return;
    this.#addr[this.#slots + slot] = addr;
    this.#start(this.#slots + slot, slot, true, nowPs);
  }

  /** A transfer joins the queue of its direction. */
  #start(transfer: number, slot: number, write: boolean, nowPs: number): void {
    this.#left[transfer] = this.#load.accessBytes;
    this.#endPs[transfer] = nowPs;
    const egress = write ? this.#writes : this.#reads;
    egress.push(transfer);
    if (transfer === slot && write && this.#load.op === "write_read")
      this.#addr[this.#slots + slot] = this.#addr[slot] as number;
    this.#arm(egress, write, nowPs);
  }

  #arm(egress: Egress, write: boolean, nowPs: number): void {
    if (egress.armed || egress.size === 0) return;
    egress.armed = true;
    const freePs = write ? this.#fn.writeFreePs : this.#fn.readFreePs;
    this.#queue.push(Math.max(nowPs, freePs), 1, write ? EVENT.writeTurn : EVENT.readTurn, 0, 0);
  }

  /** One quantum of the transfer whose turn it is. */
  #turn(egress: Egress, write: boolean, nowPs: number): void {
    egress.armed = false;
    const transfer = egress.shift();
    const left = this.#left[transfer] as number;
    const addr = this.#addr[transfer] as number;
    const bytes = Math.min(left, this.#mrrsBytes);
    const first = left === this.#load.accessBytes;
    this.#endPs[transfer] = Math.max(this.#endPs[transfer] as number, this.#quantum(nowPs, addr, bytes, write, first));
    this.#addr[transfer] = addr + bytes;
    this.#left[transfer] = left - bytes;
    if (left > bytes) egress.push(transfer);
    else this.#finish(transfer, write);
    this.#arm(egress, write, nowPs);
  }

  #finish(transfer: number, write: boolean): void {
    const load = this.#load;
    const slot = transfer >= this.#slots ? transfer - this.#slots : transfer;
    const latencyPs = this.#fn.latencyPs(load.accessBytes);
    if (write && load.op === "write_read") {
      // The write is posted: the read follows it on the wire and pushes it into memory.
      this.#addr[slot] = this.#addr[this.#slots + slot] as number;
      this.#queue.push(this.#fn.sentPs + latencyPs + this.#fn.shape.turnPs, 0, EVENT.second, slot, 0);
    } else this.#queue.push((this.#endPs[transfer] as number) + latencyPs, 0, EVENT.done, slot, 0);
  }

  #quantum(nowPs: number, addr: number, bytes: number, write: boolean, first: boolean): number {
    const load = this.#load;
    const target = this.#target;
    target.translatePs = this.#space.translatePs(nowPs, addr, write, !first);
    target.memoryPs = write
      ? this.#memory.writePs(nowPs, bytes, 1, load.remote)
      : this.#memory.readPs(nowPs, bytes, load.cachedShare, load.remote);
    return write ? this.#fn.write(nowPs, addr, bytes, first, target) : this.#fn.read(nowPs, addr, bytes, first, target);
  }

  #place(): number {
    const places = Math.max(1, Math.floor(this.#load.windowBytes / this.#stride));
    if (this.#load.random) return this.#prng.below(places) * this.#stride;
    this.#next = this.#next + 1 >= places ? 0 : this.#next + 1;
    return this.#next * this.#stride;
  }
}
