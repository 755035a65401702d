/** Lines of persistent memory that the profile's faults have lost: which, who meets them, what became of each. */
import { lowBits, type Phys } from "../../base/addr.ts";
import { isPoisoned, overwritePoison, poisonLine } from "../../memory/media_poison.ts";
import type { Arena } from "../../shm/arena.ts";
import type { FaultPlan } from "../fault_plan.ts";
import { physAt } from "../list_mapping.ts";
import { LINE_LEFT } from "../load_outcomes.ts";
import type { System } from "../system.ts";
import type { Lane } from "./lane.ts";

const LINE_BYTES = 64;
const NOWHERE = -1;

/** Poisoned lines of one run, at most one for each of the profile's faults. */
export class MediaFaults {
  readonly #plan: FaultPlan;
  readonly #system: System;
  readonly #arena: Arena;
  readonly #owner: number;
  /** By spec: first byte of its line while that is poisoned. */
  readonly #line: Float64Array;
  readonly #wasRead: Uint8Array;

  constructor(plan: FaultPlan, system: System, arena: Arena, owner: number) {
    this.#plan = plan;
    this.#system = system;
    this.#arena = arena;
    this.#owner = owner;
    this.#line = new Float64Array(plan.specs.length).fill(NOWHERE);
    this.#wasRead = new Uint8Array(plan.specs.length);
  }

  /** The medium loses a line of a buffer that one of `lanes` uses. */
  poison(spec: number, lanes: readonly Lane[]): void {
    const mine = lanes.filter((lane) => !lane.closed && this.#isOnMedium(lane));
    const lane = mine[this.#plan.below(Math.max(1, mine.length))];
    const line = lane === undefined ? NOWHERE : this.#lineOf(lane);
    if (line === NOWHERE || !poisonLine(this.#arena, this.#owner, line))
      this.#plan.ended(spec, LINE_LEFT.noMedia, 0, 0);
    else this.#line[spec] = line;
  }

  /** Spec whose line a device's read of [phys, phys + bytes) meets, or -1. */
  read(phys: Phys, bytes: number): number {
    if (!isPoisoned(this.#arena, this.#owner, phys, bytes)) return NOWHERE;
    const spec = this.#line.findIndex((line) => line !== NOWHERE && line < phys + bytes && line + LINE_BYTES > phys);
    if (spec >= 0) this.#wasRead[spec] = 1;
    return spec;
  }

  /** A device writes [phys, phys + bytes): lines that it covers whole are good again. */
  written(phys: Phys, bytes: number): void {
    if (overwritePoison(this.#arena, this.#owner, phys, bytes) > 0) this.#healed();
  }

  /** The driver has heard of the line: it clears it (Clear Uncorrectable Error) and writes it again. */
  clear(spec: number): void {
    const line = this.#line[spec] as number;
    if (line !== NOWHERE && overwritePoison(this.#arena, this.#owner, line, LINE_BYTES) > 0) this.#healed();
  }

  /** The run is over. */
  end(): void {
    for (let spec = 0; spec < this.#line.length; spec += 1)
      if (this.#line[spec] !== NOWHERE && this.#wasRead[spec] === 0)
        this.#plan.ended(spec, LINE_LEFT.unread, 0, LINE_BYTES);
  }

  /** Forgets the lines that are good again. */
  #healed(): void {
    for (let spec = 0; spec < this.#line.length; spec += 1) {
      const line = this.#line[spec] as number;
      if (line === NOWHERE || isPoisoned(this.#arena, this.#owner, line, LINE_BYTES)) continue;
      this.#line[spec] = NOWHERE;
      if (this.#wasRead[spec] === 0) this.#plan.ended(spec, LINE_LEFT.written, 0, LINE_BYTES);
    }
  }

  #isOnMedium({ spec, io }: Lane): boolean {
    const { plan } = io.held;
    if (spec.copy !== null || spec.dax !== null || plan === null) return false;
    return this.#system.map.regionAt(plan.base)?.kind === "pmem";
  }

  /** Middle of a buffer that a command has or had. */
  #lineOf({ io }: Lane): number {
    const used = Array.from(io.bytes.keys()).filter((tag) => (io.bytes[tag] as number) > 0);
    const tag = used[this.#plan.below(Math.max(1, used.length))];
    if (tag === undefined) return NOWHERE;
    const middle = physAt(this.#arena, io.sg[tag] as number, (io.bytes[tag] as number) >>> 1);
    return middle - lowBits(middle, LINE_BYTES);
  }
}
