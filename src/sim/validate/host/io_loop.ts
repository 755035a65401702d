/**
 * Jobs of an application in a closed loop: each job's CPU submits and completes, its I/O maps and unmaps by production code, and
 * one device serves all.
 *
 * ```
 * CPU: software ─► map ─► device (one server) ─► CPU: unmap ─► software of the next
 * ```
 */
import { CPUS_MAX } from "../../../shm/capacities.ts";
import { Charger } from "../../../timing/charge.ts";
import { EventQueue } from "../../../timing/event_queue.ts";
import type { HostPrices } from "../../../timing/host_cost/prices.ts";
import { Server } from "../../../timing/server.ts";
import type { HostLab } from "./host_lab.ts";

/** What one I/O does on the host. Both leave their work in the lab's cost record. */
export interface HostPath {
  /** Before the device works; the tag of the I/O. */
  begin(cpu: number): number;
  /** After it has. */
  end(cpu: number, tag: number): void;
}

/** The load and its ceilings. */
export interface IoLoad {
  readonly jobs: number;
  /** Commands that each job keeps in flight. */
  readonly iodepth: number;
  /** CPU work of one I/O beside its mapping. */
  readonly softwarePs: number;
  /** Time that one I/O occupies the device. */
  readonly devicePs: number;
}

const STEP = Object.freeze({ arrive: 0, begin: 1, issued: 2, start: 3 });
/** I/Os in flight at most: beyond that a longer queue changes nothing but the time this takes. */
const IN_FLIGHT_MAX = 2048;
const IOS_MIN = 2000;
/** Times that everything in flight is replaced before counting begins: then the slowest resource has its queue. */
const FILLS = 10;
/** In a scrambled order of completion, as devices with many units have: any number without a common factor. */
const SCRAMBLE = 7919;

/** I/Os per second, once queues have filled. */
export function ioRate(lab: HostLab, prices: HostPrices, path: HostPath, load: IoLoad): number {
  return new IoLoop(lab, prices, path, load).run();
}

class IoLoop {
  readonly #lab: HostLab;
  readonly #path: HostPath;
  readonly #load: IoLoad;
  readonly #charger: Charger;
  readonly #device = new Server("device", "device");
  readonly #events: EventQueue;
  readonly #cpus: number;
  readonly #depth: number;
  /** Of each CPU: completions that wait, I/Os that may start without one, commands in flight, whether it works. */
  readonly #waiting: Int32Array;
  readonly #fresh: Int32Array;
  readonly #started: Int32Array;
  readonly #busy: Uint8Array;
  readonly #inFlight: number[][];
  #done = 0;

  constructor(lab: HostLab, prices: HostPrices, path: HostPath, load: IoLoad) {
    this.#lab = lab;
    this.#path = path;
    this.#load = load;
    this.#charger = new Charger(prices);
    this.#cpus = Math.max(1, Math.min(load.jobs, CPUS_MAX));
    this.#depth = Math.max(1, Math.min(load.iodepth, Math.floor(IN_FLIGHT_MAX / this.#cpus)));
    this.#events = new EventQueue(this.#cpus * (this.#depth + 2));
    this.#waiting = new Int32Array(this.#cpus);
    this.#fresh = new Int32Array(this.#cpus).fill(1);
    this.#started = new Int32Array(this.#cpus).fill(1);
    this.#busy = new Uint8Array(this.#cpus);
    this.#inFlight = Array.from({ length: this.#cpus }, () => []);
  }

  run(): number {
    const warm = Math.max(IOS_MIN, FILLS * this.#cpus * this.#depth);
    for (let cpu = 0; cpu < this.#cpus; cpu += 1) this.#fillCaches(cpu);
    // One after the other, as the device takes them: a burst would begin with a jam that lasts.
    for (let cpu = 0; cpu < this.#cpus; cpu += 1) this.#events.push(cpu * this.#load.devicePs, 0, STEP.start, cpu, 0);
    let startPs = 0;
    for (let end = warm; this.#done < end && this.#events.pop(); ) {
      const { timePs, kind, subject: cpu } = this.#events;
      this.#handle(timePs, kind, cpu);
      if (this.#done === warm && startPs === 0) {
        startPs = timePs;
        end = 2 * warm;
      }
    }
    return (warm / (this.#events.timePs - startPs)) * 1e12;
  }

  /** What a long run leaves behind: magazines that hold as many ranges as the job has in flight. */
  #fillCaches(cpu: number): void {
    const tags: number[] = [];
    for (let i = 0; i < this.#depth; i += 1) {
      this.#lab.enter(cpu);
      tags.push(this.#path.begin(cpu));
    }
    for (const tag of tags) {
      this.#lab.enter(cpu);
      this.#path.end(cpu, tag);
    }
  }

  #handle(nowPs: number, kind: number, cpu: number): void {
    if (kind === STEP.arrive) {
      this.#waiting[cpu] = (this.#waiting[cpu] as number) + 1;
      if (this.#busy[cpu] === 0) this.#next(nowPs, cpu);
    } else if (kind === STEP.begin) this.#begin(nowPs, cpu);
    else if (kind === STEP.start) this.#next(nowPs, cpu);
    else {
      // Served at its own instant: the device takes commands in the order in which they are issued.
      this.#events.push(this.#device.serve(nowPs, this.#load.devicePs), 1, STEP.arrive, cpu, 0);
      this.#next(nowPs, cpu);
    }
  }

  /** Ends what has completed and goes on to the software of the next I/O. */
  #next(nowPs: number, cpu: number): void {
    this.#busy[cpu] = 0;
    let at = nowPs;
    if ((this.#fresh[cpu] as number) > 0) this.#fresh[cpu] = (this.#fresh[cpu] as number) - 1;
    else if ((this.#waiting[cpu] as number) > 0) at = this.#end(nowPs, cpu);
    else return;
    this.#busy[cpu] = 1;
    this.#events.push(at + this.#load.softwarePs, 0, STEP.begin, cpu, 0);
  }

  /** One completion; returns when its mapping is gone. Until the job has its depth, each lets one more I/O start. */
  #end(nowPs: number, cpu: number): number {
    const held = this.#inFlight[cpu] as number[];
    const which = (this.#done * SCRAMBLE) % held.length;
    const tag = held[which] as number;
    held[which] = held[held.length - 1] as number;
    held.pop();
    this.#waiting[cpu] = (this.#waiting[cpu] as number) - 1;
    this.#done += 1;
    if ((this.#started[cpu] as number) < this.#depth) {
      this.#started[cpu] = (this.#started[cpu] as number) + 1;
      this.#fresh[cpu] = (this.#fresh[cpu] as number) + 1;
    }
    this.#lab.enter(cpu);
    this.#path.end(cpu, tag);
    return this.#charger.charge(nowPs, this.#lab.ctx.cost, cpu);
  }

  #begin(nowPs: number, cpu: number): void {
    this.#lab.enter(cpu);
    (this.#inFlight[cpu] as number[]).push(this.#path.begin(cpu));
    const endPs = this.#charger.charge(nowPs, this.#lab.ctx.cost, cpu);
    this.#events.push(endPs, 0, STEP.issued, cpu, 0);
  }
}
