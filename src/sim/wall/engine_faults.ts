/** The profile's faults at a free-running engine: some commands go over a link that strikes one of their TLPs. */
import { FaultyLink, STRIKE } from "../../device/faulty_link.ts";
import type { RunSink } from "../../device/step.ts";
import { AER } from "../../pcie/aer.ts";
import type { Arena } from "../../shm/arena.ts";
import { DMA_STATUS } from "../../shm/dma_status.ts";
import { FaultPlan } from "../fault_plan.ts";
import type { FaultSpec, ProfileFault } from "../profile/faults.ts";

/** Faults that end in the status of a completion: the only ones that exist without simulated time. */
export const WALL_FAULTS: readonly ProfileFault[] = ["completion-timeout", "poisoned-tlp"];
const MPS_BYTES = 256;
const NONE = -1;

/** What {@link EngineFaults} is made for. */
export interface FaultSource {
  readonly specs: readonly FaultSpec[];
  readonly seed: number;
  /** Name of the engine's device. */
  readonly device: string;
}

/** Of one engine; a command goes through {@link begin} and {@link end}. */
export class EngineFaults {
  /** Commands struck, by spec. */
  readonly struck: Int32Array;
  readonly #plan: FaultPlan;
  readonly #link: FaultyLink;
  readonly #sink: RunSink;
  readonly #device: string;
  #spec = NONE;
  #poisoned = 0;

  constructor(arena: Arena, owner: number, engine: number, sink: RunSink, { specs, seed, device }: FaultSource) {
    this.struck = new Int32Array(specs.length);
    this.#plan = new FaultPlan(specs, seed, engine + 1);
    this.#link = new FaultyLink(arena, owner, sink, MPS_BYTES);
    this.#sink = sink;
    this.#device = device;
  }

  /** A command of `bytes` bytes begins; what its runs go to. */
  begin(write: boolean, bytes: number): RunSink {
    this.#spec = this.#plan.draw(WALL_FAULTS, this.#device, 0);
    if (this.#spec === NONE) return this.#sink;
    this.struck[this.#spec] = (this.struck[this.#spec] as number) + 1;
    this.#poisoned = this.#link.aer.count(AER.poisonedTlp);
    const timesOut = this.#plan.specs[this.#spec]?.fault === "completion-timeout";
    // Of a command that writes, the fetch is what is never answered: no byte moves.
    const tlp = timesOut && write ? 0 : Math.floor(bytes / MPS_BYTES / 2);
    this.#link.begin(write, timesOut ? STRIKE.completionTimeout : STRIKE.poisoned, tlp);
    return this.#link;
  }

  /** DMA_STATUS that the driver is told; of a poisoned posted write AER tells it. */
  end(status: number): number {
    if (this.#spec === NONE || status !== DMA_STATUS.ok) return status;
    if (this.#link.status !== DMA_STATUS.ok) return this.#link.status;
    return this.#link.aer.count(AER.poisonedTlp) > this.#poisoned ? DMA_STATUS.poisoned : status;
  }
}
