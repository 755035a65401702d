/**
 * Who uses a function's DMA block next: reads and writes of every device in turn, one quantum each.
 *
 * A turn happens when the block is free. As long as nothing else happens before, turns follow one another without events.
 */
import { assert } from "../../base/assert.ts";
import type { EventQueue } from "../../timing/event_queue.ts";
import { Egress } from "../../timing/fabric/egress.ts";
import type { DeviceModel } from "./device_model.ts";
import type { DeviceStage } from "./device_stage.ts";
import type { Lane } from "./lane.ts";
import { makeStream, type Stream } from "./stream.ts";

/** What the loop calls its events of this kind, and their priority among events of one time. */
export interface TurnEvents {
  readonly readTurn: number;
  readonly writeTurn: number;
  /** The transfer of a lane (subject) and tag (detail) is over. */
  readonly over: number;
  /** A copy of a lane (subject) and tag (detail) has read its source. */
  readonly copyRead: number;
  readonly priority: number;
}

/** Turns of all devices. Nothing here allocates after construction. */
export class Turns {
  readonly #queue: EventQueue;
  readonly #stage: DeviceStage;
  readonly #events: TurnEvents;
  readonly #streams: readonly Stream[];
  readonly #models: readonly (DeviceModel | undefined)[];
  readonly #reads: readonly Egress[];
  readonly #writes: readonly Egress[];

  constructor(queue: EventQueue, stage: DeviceStage, lanes: readonly Lane[], events: TurnEvents) {
    this.#queue = queue;
    this.#stage = stage;
    this.#events = events;
    this.#streams = lanes.flatMap((lane) => Array.from({ length: lane.io.tags }, (_, tag) => makeStream(lane, tag)));
    const models: (DeviceModel | undefined)[] = [];
    const waiting: number[] = [];
    for (const lane of lanes) {
      const { index } = lane.device;
      models[index] = lane.device;
      waiting[index] = (waiting[index] ?? 0) + lane.io.tags;
      assert(this.#streams[lane.firstStream]?.lane === lane, "streams are numbered lane by lane");
    }
    this.#models = models;
    this.#reads = Array.from(models, (_, index) => new Egress(waiting[index] ?? 0));
    this.#writes = Array.from(models, (_, index) => new Egress(waiting[index] ?? 0));
  }

  /** A command's accesses may start. */
  join(lane: Lane, tag: number, nowPs: number): void {
    const number = lane.firstStream + tag;
    const stream = this.#streams[number] as Stream;
    this.#stage.begin(stream, nowPs);
    this.#wait(stream, number, nowPs);
  }

  /** The data of a copy are in the engine: its writes may start. */
  writeOn(lane: Lane, tag: number, nowPs: number): void {
    const number = lane.firstStream + tag;
    this.#wait(this.#streams[number] as Stream, number, nowPs);
  }

  /** The turn event of a device and direction. */
  turn(device: number, write: boolean, nowPs: number): void {
    const egress = (write ? this.#writes : this.#reads)[device] as Egress;
    egress.armed = false;
    this.#serve(egress, device, write, nowPs);
  }

  #wait(stream: Stream, number: number, nowPs: number): void {
    const { index } = stream.lane.device;
    const egress = (stream.writing ? this.#writes : this.#reads)[index] as Egress;
    egress.push(number);
    if (!egress.armed && egress.size === 1) this.#serve(egress, index, stream.writing, nowPs);
  }

  #serve(egress: Egress, device: number, write: boolean, nowPs: number): void {
    const { fn } = this.#models[device] as DeviceModel;
    let atPs = nowPs;
    while (egress.size > 0) {
      const freePs = write ? fn.writeFreePs : fn.readFreePs;
      if (freePs > atPs) {
        if (freePs > this.#queue.nextPs) {
          egress.armed = true;
          this.#queue.push(
            freePs,
            this.#events.priority,
            write ? this.#events.writeTurn : this.#events.readTurn,
            device,
            0,
          );
          return;
        }
        atPs = freePs;
      }
      this.#quantum(egress, atPs);
    }
  }

  #quantum(egress: Egress, atPs: number): void {
    const number = egress.shift();
    const stream = this.#streams[number] as Stream;
    if (!this.#stage.turn(stream, atPs, egress.size === 0)) {
      egress.push(number);
      return;
    }
    const overPs = this.#stage.end(stream);
    const { index } = stream.lane.spec;
    if (overPs >= 0) this.#queue.push(overPs, this.#events.priority, this.#events.over, index, stream.tag);
    // The second half of a copy waits until its data are in the engine.
    else this.#queue.push(stream.endPs, this.#events.priority, this.#events.copyRead, index, stream.tag);
  }
}
