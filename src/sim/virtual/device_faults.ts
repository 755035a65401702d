/**
 * The profile's faults under the virtual clock: strikes commands on their way through the device, and tells how each ended.
 *
 * ```
 * begin: drawn? ─► turn: link down, no completion, poisoned ─► completion entry ─► interrupt lost? ─► driver: outcome, repeat
 * ```
 * The driver is Linux's NVMe driver: a command that nobody completes times out, is polled, and then the registers are read; what a
 * device reports as failed is repeated a few times.
 */

import type { HostContext } from "../../host/context.ts";
import { AER, type AerError } from "../../pcie/aer.ts";
import { ReplayLink } from "../../pcie/replay.ts";
import { DMA_STATUS, DMA_STATUS_NAMES } from "../../shm/dma_status.ts";
import { FaultPlan } from "../fault_plan.ts";
import type { FaultSpec, ProfileFault } from "../profile/faults.ts";
import type { System } from "../system.ts";
import type { VirtualClock } from "./clock.ts";
import type { Lane } from "./lane.ts";
import type { LoopOptions } from "./loop_options.ts";
import { MediaFaults } from "./media_faults.ts";
import type { Stream } from "./stream.ts";

/** nvme_core.io_timeout: 30 s. */
const DRIVER_TIMEOUT_PS = 30e12;
/** End of the default range of a completion timer: 50 ms (PCI Express Base Specification 6.0, section 2.8). */
const COMPLETION_TIMEOUT_PS = 50e9;
/** nvme_core.max_retries. */
const REPEATS_MAX = 5;
/** Reads up to a page go in one quantum: they are struck at their start. */
const ONE_QUANTUM_BYTES = 4096;
const PER_COMMAND: readonly ProfileFault[] = ["completion-timeout", "poisoned-tlp", "lost-interrupt"];
const NONE = -1;

/** Faults of one run; nothing random but the plan's draws, in the order of events. */
export class DeviceFaults {
  readonly plan: FaultPlan;
  /** Poisoned lines of persistent memory. */
  readonly media: MediaFaults;
  readonly #clock: VirtualClock;
  readonly #names: readonly string[];
  readonly #wire: ReplayLink;
  #stormRate = 0;
  /** By lane and tag: spec that strikes the command, when it struck, failures in a row. */
  readonly #spec: Int16Array[] = [];
  readonly #struckNs: Float64Array[] = [];
  readonly #repeats: Uint8Array[] = [];

  constructor(specs: readonly FaultSpec[], seed: number, system: System, ctx: HostContext, clock: VirtualClock) {
    this.plan = new FaultPlan(specs, seed, 0);
    this.media = new MediaFaults(this.plan, system, ctx.arena, ctx.lockOwner);
    this.#clock = clock;
    this.#names = system.machine.devices.map(({ name }) => name);
    const damages = (): boolean => this.plan.chance(this.#stormRate);
    this.#wire = new ReplayLink({ damagesTlp: damages, losesAck: () => false });
  }

  /** Name of a device of the machine. */
  nameOf(device: number): string {
    return this.#names[device] ?? "";
  }

  /** A command's accesses begin. */
  begin({ lane, tag }: Stream): void {
    const { index, device } = lane.spec;
    this.#spec[index] ??= new Int16Array(lane.io.tags).fill(NONE);
    this.#struckNs[index] ??= new Float64Array(lane.io.tags);
    this.#repeats[index] ??= new Uint8Array(lane.io.tags);
    (this.#spec[index] as Int16Array)[tag] = this.plan.draw(PER_COMMAND, this.#names[device] ?? "", this.#clock.nowNs);
  }

  /** True when the turn of a stream ends its transfer instead. */
  hits(stream: Stream, nowPs: number): boolean {
    const { lane, tag } = stream;
    const down = this.#down(lane, nowPs);
    if (down !== NONE) {
      this.#strike(lane, tag, down, nowPs);
      return this.#fail(stream, DMA_STATUS.linkDown, nowPs);
    }
    const fault = this.#faultOf(lane, tag);
    if (fault === null || (!stream.writing && stream.left === stream.bytes && stream.bytes > ONE_QUANTUM_BYTES))
      return false;
    // Of a command that writes, the fetch is what is never answered.
    if (fault === "completion-timeout") {
      this.#strike(lane, tag, this.#specOf(lane, tag), nowPs);
      return this.#fail(stream, DMA_STATUS.completionTimeout, nowPs + COMPLETION_TIMEOUT_PS);
    }
    if (fault !== "poisoned-tlp" || stream.writing) return false;
    this.#strike(lane, tag, this.#specOf(lane, tag), nowPs);
    return this.#fail(stream, DMA_STATUS.poisoned, nowPs);
  }

  /** True when the root port drops the piece that the device writes now: a poisoned posted write, which AER tells the driver of. */
  drops({ lane, tag, writing }: Stream, nowPs: number): boolean {
    if (!writing || this.#faultOf(lane, tag) !== "poisoned-tlp" || lane.status[tag] !== DMA_STATUS.ok) return false;
    this.#strike(lane, tag, this.#specOf(lane, tag), nowPs);
    lane.status[tag] = DMA_STATUS.poisoned;
    return true;
  }

  /** True when the device's read of [phys, phys + bytes) meets a poisoned line, which ends the transfer; a write heals lines. */
  meetsPoison(stream: Stream, phys: number, bytes: number, nowPs: number): boolean {
    const spec = stream.writing ? NONE : this.media.read(phys, bytes);
    if (stream.writing) this.media.written(phys, bytes);
    if (spec === NONE) return false;
    this.#strike(stream.lane, stream.tag, spec, nowPs);
    return this.#fail(stream, DMA_STATUS.poisoned, nowPs);
  }

  /** TLPs that go over the wire again behind `tlps` others of a function. */
  replayed(lane: Lane, tlps: number, nowPs: number): number {
    const storm = this.#storm(lane, nowPs);
    if (storm === NONE) return 0;
    const { sent, damaged } = this.#wire;
    this.#stormRate = this.plan.specs[storm]?.rate ?? 0;
    this.#wire.transfer(tlps, DISCARD);
    const hits = this.#wire.damaged - damaged;
    if (hits > 0) this.plan.ended(storm, "AER BadTLP: replayed, every byte right", 0, 0, hits);
    return this.#wire.sent - sent - tlps;
  }

  /** When the driver looks at a command whose handler would run at `handlerPs`. */
  noticedPs(lane: Lane, tag: number, nowPs: number, handlerPs: number): number {
    // What an engine copies inside the machine is not repeated by a driver: its commands are not struck.
    if (lane.spec.copy !== null) return handlerPs;
    const down = this.#down(lane, nowPs);
    if (down !== NONE && lane.status[tag] !== DMA_STATUS.linkDown) {
      this.#strike(lane, tag, down, nowPs);
      lane.status[tag] = DMA_STATUS.linkDown;
    }
    // Hotplug hears of an empty slot at once; of a link alone nobody tells the driver.
    if (lane.status[tag] === DMA_STATUS.linkDown)
      return this.#faultOf(lane, tag) === "device-unplugged" ? handlerPs : nowPs + DRIVER_TIMEOUT_PS;
    if (this.#faultOf(lane, tag) !== "lost-interrupt") return handlerPs;
    this.#strike(lane, tag, this.#specOf(lane, tag), nowPs);
    return nowPs + DRIVER_TIMEOUT_PS;
  }

  /** The driver has looked: the outcome is known. True when it repeats the command. */
  repeats(lane: Lane, tag: number): boolean {
    const spec = this.#specOf(lane, tag);
    const failures = this.#repeats[lane.spec.index];
    if (failures === undefined) return false;
    if (spec === NONE) {
      failures[tag] = 0;
      return false;
    }
    const status = lane.status[tag] as number;
    const { fault } = this.plan.specs[spec] as FaultSpec;
    const latencyNs = this.#clock.nowNs - ((this.#struckNs[lane.spec.index] as Float64Array)[tag] as number);
    this.plan.ended(spec, outcomeOf(fault, status), latencyNs, lane.io.bytes[tag] as number);
    (this.#spec[lane.spec.index] as Int16Array)[tag] = NONE;
    if (fault === "device-unplugged") lane.runner.abandon(`${this.#names[lane.spec.device]} was unplugged (-ENODEV)`);
    if (fault === "pmem-poison") this.media.clear(spec);
    const again = status >= DMA_STATUS.completionTimeout && fault !== "device-unplugged";
    failures[tag] = again ? (failures[tag] as number) + 1 : 0;
    return again && (failures[tag] as number) <= REPEATS_MAX;
  }

  /** Spec of the fault that keeps the lane's device off the bus at `nowPs`. */
  #down(lane: Lane, nowPs: number): number {
    return this.#holding(lane, nowPs, "surprise-link-down", "device-unplugged");
  }

  #storm(lane: Lane, nowPs: number): number {
    return this.#holding(lane, nowPs, "replay-storm", "replay-storm");
  }

  #holding(lane: Lane, nowPs: number, fault: ProfileFault, forEver: ProfileFault): number {
    const nowNs = this.#clock.nsAt(nowPs);
    for (let i = 0; i < this.plan.specs.length; i += 1) {
      const spec = this.plan.specs[i] as FaultSpec;
      if (spec.fault !== fault && spec.fault !== forEver) continue;
      if (spec.device !== null && spec.device !== this.#names[lane.spec.device]) continue;
      if (spec.atNs === null) return i;
      if (nowNs < spec.atNs) continue;
      if (spec.fault === "device-unplugged" || nowNs < spec.atNs + spec.forNs) return i;
    }
    return NONE;
  }

  #specOf(lane: Lane, tag: number): number {
    return this.#spec[lane.spec.index]?.[tag] ?? NONE;
  }

  #faultOf(lane: Lane, tag: number): ProfileFault | null {
    return this.plan.specs[this.#specOf(lane, tag)]?.fault ?? null;
  }

  #strike({ spec }: Lane, tag: number, number: number, nowPs: number): void {
    (this.#spec[spec.index] as Int16Array)[tag] = number;
    (this.#struckNs[spec.index] as Float64Array)[tag] = this.#clock.nsAt(nowPs);
  }

  #fail(stream: Stream, status: number, endPs: number): true {
    stream.lane.status[stream.tag] = status;
    stream.left = 0;
    stream.endPs = Math.max(stream.endPs, endPs);
    return true;
  }
}

/** Faults of a run's profile; null = none. */
export function deviceFaultsOf(
  system: System,
  ctx: HostContext,
  { faults, seed }: LoopOptions,
  clock: VirtualClock,
): DeviceFaults | null {
  return faults.length === 0 ? null : new DeviceFaults(faults, seed, system, ctx, clock);
}

const DISCARD = Object.freeze({ receive: () => {} });

const AER_OF: Readonly<Partial<Record<number, AerError>>> = {
  [DMA_STATUS.completionTimeout]: AER.completionTimeout,
  [DMA_STATUS.poisoned]: AER.poisonedTlp,
};

/** What the driver says of a struck command, in the words of the table of faults. */
function outcomeOf(fault: ProfileFault, status: number): string {
  if (fault === "device-unplugged") return "presence lost: every mapping undone";
  if (status === DMA_STATUS.linkDown) return `driver timeout: registers read all ones, AER ${AER.surpriseDown.word}`;
  const error = AER_OF[status];
  if (error !== undefined) return `completion: ${DMA_STATUS_NAMES[status]}, AER ${error.word}`;
  return fault === "lost-interrupt" ? "driver timeout: completion found by polling" : "nothing noticed";
}
