/** Where a clone's buffers lie, and what it holds of that memory beside its I/Os: a DAX file, long-term pins. */
import type { HostContext } from "../host/context.ts";
import type { DmaDevice } from "../host/dma/device.ts";
import { MAP_OK } from "../host/status.ts";
import type { DaxFile } from "../memory/dax_file.ts";
import { daxFileOf } from "./dax_buffers.ts";
import type { BufferPlan } from "./load/buffers.ts";
import type { CloneSpec } from "./load/clones.ts";
import { LongtermPins } from "./longterm_pins.ts";
import type { System } from "./system.ts";

/** One clone's. */
export class HeldMemory {
  /** Memory that the next commands take. */
  plan: BufferPlan | null;
  readonly #spec: CloneSpec;
  readonly #file: DaxFile | null;
  readonly #pins: LongtermPins | null;

  constructor(system: System, ctx: HostContext, spec: CloneSpec, tags: number) {
    const { buffers, job } = spec;
    this.#spec = spec;
    this.plan = buffers;
    this.#file = daxFileOf(system, ctx, spec, tags);
    const device = system.devices[spec.device] as DmaDevice;
    const pins = buffers !== null && job.pin === "longterm";
    this.#pins = pins ? new LongtermPins(system, ctx, device, buffers, tags, this.#file) : null;
  }

  /** Later commands lie in other RAM, or again where they lay; those in flight stay where they are. */
  useHotBuffers(on: boolean): void {
    const { buffers, hotBuffers } = this.#spec;
    if (hotBuffers !== null) this.plan = on ? hotBuffers : buffers;
  }

  /** Before the first I/O: MAP_OK or a failure code. */
  take(): number {
    return this.#pins?.take() ?? MAP_OK;
  }

  /** After the last. */
  release(): void {
    this.#pins?.release();
  }

  /** One try to cut the file to nothing: 0, -EBUSY while a page of it is pinned, another -errno; null = there is no file. */
  truncate(): number | null {
    return this.#file === null ? null : this.#file.truncate(0);
  }
}
