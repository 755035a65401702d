/**
 * The profile's faults of what mappings need, under the virtual clock: the bounce pool, IOVAs, memory for page tables.
 *
 * ```
 * begin ─► what is free then is taken ─► a map is refused ─► tried again, each 10 us ─► mapped later, or given up
 *      └► nobody was refused: served                          end ─► given back
 * ```
 * It is taken by the mapping layer's own calls, on behalf of a driver whose bytes nobody looks at. What is in flight at the
 * beginning gives back what it had, and the load may use that again.
 */
import type { CopyPort, HostContext } from "../../host/context.ts";
import type { DmaDevice } from "../../host/dma/device.ts";
import { failureOf, MAP_FAILURES } from "../../host/status.ts";
import { returnFrames, type WithheldFrames, withholdFrames } from "../../pagetable/frames.ts";
import type { FaultPlan } from "../fault_plan.ts";
import { makeHostContext } from "../host_ports.ts";
import { REFUSED_THEN } from "../load_outcomes.ts";
import type { FaultSpec, ProfileFault } from "../profile/faults.ts";
import {
  giveIovas,
  giveSlots,
  type HogRange,
  leakVerdict,
  OTHERS_HOLD,
  takeIovas,
  takePool,
} from "../stress/faults/hog.ts";
import type { System } from "../system.ts";
import type { VirtualClock } from "./clock.ts";
import type { Lane } from "./lane.ts";

/** What one device's driver has taken. */
interface Hold {
  readonly device: DmaDevice;
  readonly ranges: readonly HogRange[];
}

const NONE = -1;
const NOTHING = (): void => {};
/** The hog's data are nobody's: they are not copied. */
const NO_COPIES: CopyPort = Object.freeze({ copy: () => true, fill: () => true });
/** Failure that the fault declares. */
const CODES: Readonly<Partial<Record<ProfileFault, number>>> = Object.freeze({
  "pool-full": MAP_FAILURES.poolFull.code,
  "pool-leaked": MAP_FAILURES.poolFull.code,
  "iova-exhaustion": MAP_FAILURES.noIova.code,
  "table-exhaustion": MAP_FAILURES.noTable.code,
});

/** True for the faults that {@link HostFaults} carries out. */
export function isHostFault({ fault }: FaultSpec): boolean {
  return CODES[fault] !== undefined;
}

/** Faults of exhaustion of one run; nothing random. */
export class HostFaults {
  readonly #plan: FaultPlan;
  readonly #system: System;
  readonly #ctx: HostContext;
  readonly #clock: VirtualClock;
  readonly #lanes: readonly Lane[];
  /** By spec; null = it holds nothing. */
  readonly #holds: (readonly Hold[] | null)[];
  readonly #refusals: Int32Array;
  #frames: WithheldFrames | null = null;
  /** By lane: spec that has refused its mappings since it last mapped, and in what words. */
  readonly #spec: Int16Array;
  readonly #words: string[] = [];

  constructor(plan: FaultPlan, system: System, ctx: HostContext, clock: VirtualClock, lanes: readonly Lane[]) {
    this.#plan = plan;
    this.#system = system;
    this.#ctx = makeHostContext(ctx.arena, system, ctx.lockOwner, NO_COPIES, ctx.invalidation);
    this.#clock = clock;
    this.#lanes = lanes;
    this.#holds = plan.specs.map(() => null);
    this.#refusals = new Int32Array(plan.specs.length);
    this.#spec = new Int16Array(lanes.length).fill(NONE);
  }

  /** The fault of this number begins, or ends; time at which it is due again, or -1. */
  due(number: number): number {
    const { fault, atNs, forNs } = this.#plan.specs[number] as FaultSpec;
    if (this.#holds[number] !== null) {
      this.#give(number);
      return NONE;
    }
    this.#holds[number] = this.#take(number);
    return fault === "pool-leaked" ? NONE : (atNs ?? 0) + forNs;
  }

  /** A mapping of the lane was refused; `retries` = it will be tried again. */
  refused(lane: Lane, code: number, bytes: number, retries: boolean): void {
    const { index } = lane.spec;
    if (this.#spec[index] === NONE) {
      const spec = this.#culprit(lane, code);
      if (spec === NONE) return;
      this.#spec[index] = spec;
      this.#refusals[spec] = (this.#refusals[spec] as number) + 1;
      this.#words[index] = this.#wordsOf(spec, lane, code, bytes);
    }
    if (!retries) this.#ended(lane, REFUSED_THEN.givenUp, bytes);
  }

  /** A mapping of the lane succeeded. */
  mapped(lane: Lane, bytes: number): void {
    if (this.#spec[lane.spec.index] !== NONE) this.#ended(lane, REFUSED_THEN.mapped, bytes);
  }

  /** The run is over; `gives` = its shared memory is sound, and what is held goes back. */
  end(gives: boolean): void {
    for (const lane of this.#lanes)
      if (this.#spec[lane.spec.index] !== NONE) this.#ended(lane, REFUSED_THEN.ended, lane.runner.bytes);
    for (const [number, holds] of this.#holds.entries()) {
      if (holds === null) continue;
      if (gives) this.#give(number);
      else this.#settle(number);
    }
  }

  #take(number: number): Hold[] {
    const { fault, device } = this.#plan.specs[number] as FaultSpec;
    const ctx = this.#enter();
    if (fault === "table-exhaustion") {
      this.#frames ??= withholdFrames(ctx.arena, ctx.lockOwner);
      return [];
    }
    const used = [...new Set(this.#lanes.map(({ io }) => io.device))];
    const index = this.#system.machine.devices.findIndex(({ name }) => name === device);
    const devices = device === null ? used : this.#system.devices.slice(index, index + 1);
    if (fault === "iova-exhaustion")
      return devices
        .filter(({ domain }) => domain !== null)
        .map((each) => ({ device: each, ranges: takeIovas(ctx, each, NOTHING) }));
    // The pool is the machine's: one driver can take it all.
    const phys = this.#lanes[0]?.spec.buffers?.base ?? 0;
    return devices.slice(0, 1).map((each) => ({ device: each, ranges: takePool(ctx, each, phys, NOTHING) }));
  }

  #give(number: number): void {
    const ctx = this.#enter();
    const isTables = (spec: number): boolean => this.#plan.specs[spec]?.fault === "table-exhaustion";
    for (const { device, ranges } of this.#holds[number] ?? []) {
      if (this.#plan.specs[number]?.fault !== "iova-exhaustion") giveSlots(ctx, device, ranges, NOTHING);
      else if (device.domain !== null) giveIovas(ctx, device.domain, ranges);
    }
    this.#settle(number);
    if (this.#frames === null || this.#holds.some((holds, spec) => holds !== null && isTables(spec))) return;
    returnFrames(ctx.arena, ctx.lockOwner, this.#frames);
    this.#frames = null;
  }

  #settle(number: number): void {
    this.#holds[number] = null;
    if (this.#refusals[number] === 0) this.#plan.ended(number, "served", 0, 0);
  }

  /** The fault that declares the refusal; else one that could have touched the lane, for which it is unexplained. */
  #culprit({ io }: Lane, code: number): number {
    const touches = (number: number): boolean => {
      const holds = this.#holds[number] ?? null;
      if (holds === null) return false;
      const { fault } = this.#plan.specs[number] as FaultSpec;
      if (fault === "table-exhaustion") return io.device.domain !== null;
      return fault !== "iova-exhaustion" || holds.some(({ device }) => device === io.device);
    };
    const touching = [...this.#holds.keys()].filter(touches);
    const declares = touching.find((number) => CODES[this.#plan.specs[number]?.fault as ProfileFault] === code);
    if (declares !== undefined) return declares;
    return failureOf(code)?.mayRetry === true ? (touching[0] ?? NONE) : NONE;
  }

  #wordsOf(number: number, { io }: Lane, code: number, bytes: number): string {
    const words = `map refused: ${failureOf(code)?.name ?? code}`;
    const hold = this.#holds[number]?.[0];
    if (this.#plan.specs[number]?.fault !== "pool-leaked" || hold === undefined) return words;
    const phys = io.held.plan?.base ?? 0;
    const verdict = leakVerdict(this.#ctx, io.device, phys, bytes, hold.device.index, hold.ranges);
    return verdict === OTHERS_HOLD ? OTHERS_HOLD : `${words}; ${verdict}`;
  }

  #ended({ spec }: Lane, ending: string, bytes: number): void {
    const number = this.#spec[spec.index] as number;
    this.#spec[spec.index] = NONE;
    this.#plan.ended(number, `${this.#words[spec.index]}; ${ending}`, 0, bytes);
  }

  /** The calls cost nobody's time: the driver that takes all is no part of the load. */
  #enter(): HostContext {
    const ctx = this.#ctx;
    ctx.nowNs = this.#clock.nowNs;
    ctx.cost.reset();
    return ctx;
  }
}
