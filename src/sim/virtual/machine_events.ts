/** The events of a load's machine as events of the virtual clock: memory comes and goes, the power fails. */
import type { HostContext } from "../../host/context.ts";
import type { EventQueue } from "../../timing/event_queue.ts";
import type { MachineEvent } from "../profile/events.ts";
import type { MemoryEventResult } from "../result.ts";
import type { JobStats } from "../stats.ts";
import type { System } from "../system.ts";
import type { VirtualClock } from "./clock.ts";
import type { Lane } from "./lane.ts";
import { MemoryEvents } from "./memory_events.ts";

/** What the loop calls these events; `memory` has the event's number as subject. */
export interface MachineEventKinds {
  readonly memory: number;
  readonly powerCut: number;
  /** Before what the device does next, so that a cut ends everything of its instant. */
  readonly cutPriority: number;
  readonly priority: number;
}

/** Arms the events of one run, and carries them out. */
export class MachineEvents {
  /** The power has failed: nothing happens any more. */
  powerOff = false;
  readonly #clock: VirtualClock;
  readonly #queue: EventQueue;
  readonly #kinds: MachineEventKinds;
  readonly #memory: MemoryEvents;

  constructor(
    system: System,
    ctx: HostContext,
    clock: VirtualClock,
    queue: EventQueue,
    kinds: MachineEventKinds,
    events: readonly MachineEvent[],
    lanes: readonly Lane[],
    stats: readonly JobStats[],
  ) {
    this.#clock = clock;
    this.#queue = queue;
    this.#kinds = kinds;
    const hotplug = events.filter((event) => event.kind !== "power_cut");
    this.#memory = new MemoryEvents(ctx.arena, system.machine, hotplug, lanes, stats);
    for (const [number, { atNs }] of hotplug.entries()) this.#arm(atNs, number);
    const cut = events.find((event) => event.kind === "power_cut");
    if (cut !== undefined) queue.push(clock.psAt(cut.atNs), kinds.cutPriority, kinds.powerCut, 0, 0);
  }

  /** An event is due. */
  handle(kind: number, number: number): void {
    if (kind === this.#kinds.powerCut) {
      this.powerOff = true;
      return;
    }
    const againNs = this.#memory.due(number, this.#clock.nowNs);
    if (againNs >= 0) this.#arm(againNs, number);
  }

  /** What became of the hotplug events. */
  results(): MemoryEventResult[] {
    return this.#memory.results();
  }

  #arm(atNs: number, number: number): void {
    this.#queue.push(this.#clock.psAt(atNs), this.#kinds.priority, this.#kinds.memory, number, 0);
  }
}
