/** The profile's faults that begin at a time by themselves, as events of the virtual clock: what runs out, and media. */
import type { HostContext } from "../../host/context.ts";
import type { EventQueue } from "../../timing/event_queue.ts";
import type { FaultSpec } from "../profile/faults.ts";
import type { System } from "../system.ts";
import type { VirtualClock } from "./clock.ts";
import type { DeviceFaults } from "./device_faults.ts";
import { EVENT, PRIORITY } from "./event_kinds.ts";
import { HostFaults, isHostFault } from "./host_faults.ts";
import type { Lane } from "./lane.ts";

/** Arms them, and carries them out when they are due. */
export class TimedFaults {
  readonly host: HostFaults;
  readonly #device: DeviceFaults;
  readonly #clock: VirtualClock;
  readonly #queue: EventQueue;
  readonly #lanes: readonly Lane[];
  /** By spec: when it is due; Infinity = never again. */
  readonly #dueNs: Float64Array;

  constructor(
    system: System,
    ctx: HostContext,
    clock: VirtualClock,
    queue: EventQueue,
    lanes: readonly Lane[],
    device: DeviceFaults,
  ) {
    const { plan } = device;
    this.host = new HostFaults(plan, system, ctx, clock, lanes);
    this.#device = device;
    this.#clock = clock;
    this.#queue = queue;
    this.#lanes = lanes;
    this.#dueNs = Float64Array.from(plan.specs, (spec) =>
      isTimed(spec) ? (spec.atNs ?? 0) : Number.POSITIVE_INFINITY,
    );
    for (const number of plan.specs.keys()) this.#arm(number);
  }

  /** The event of fault `number` has come. */
  due(number: number): void {
    // The clock cannot queue what is too far ahead: the event came early.
    if (this.#clock.nowNs >= (this.#dueNs[number] as number)) {
      const spec = this.#device.plan.specs[number] as FaultSpec;
      const againNs = isHostFault(spec) ? this.host.due(number) : this.#poison(number, spec);
      this.#dueNs[number] = againNs < 0 ? Number.POSITIVE_INFINITY : againNs;
    }
    this.#arm(number);
  }

  /** The run is over; `sound` = what is held can be given back. */
  end(sound: boolean): void {
    this.host.end(sound);
    this.#device.media.end();
  }

  #poison(number: number, { device }: FaultSpec): number {
    const mine = this.#lanes.filter(({ io }) => device === null || this.#device.nameOf(io.device.index) === device);
    this.#device.media.poison(number, mine);
    return -1;
  }

  #arm(number: number): void {
    const dueNs = this.#dueNs[number] as number;
    if (dueNs === Number.POSITIVE_INFINITY) return;
    this.#queue.push(this.#clock.psAt(dueNs), PRIORITY.timer, EVENT.fault, number, 0);
  }
}

/** Those of a run; null = there are none. */
export function timedFaultsOf(
  system: System,
  ctx: HostContext,
  clock: VirtualClock,
  queue: EventQueue,
  lanes: readonly Lane[],
  device: DeviceFaults | null,
): TimedFaults | null {
  if (device === null || !device.plan.specs.some(isTimed)) return null;
  return new TimedFaults(system, ctx, clock, queue, lanes, device);
}

function isTimed(spec: FaultSpec): boolean {
  return isHostFault(spec) || spec.fault === "pmem-poison";
}
