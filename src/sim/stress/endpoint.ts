/**
 * A device function as its driver meets it: a link, a completion entry in host memory, an interrupt, registers.
 *
 * ```
 * device: command over the link ─► completion entry ─► interrupt message
 * driver: interrupt? take the entry · timeout: entry there all the same? · registers: all ones = nobody answers
 * ```
 * What the driver does at its timeout is that of Linux's NVMe driver (nvme_timeout: poll the queue, then look at the controller).
 */
import { FaultyLink, STRIKE } from "../../device/faulty_link.ts";
import { QUIET_WIRE, type WireErrors } from "../../pcie/replay.ts";
import { DMA_STATUS, DMA_STATUS_NAMES } from "../../shm/dma_status.ts";
import type { Executor } from "./executor.ts";
import type { Live } from "./live.ts";

/** What a register of an absent function reads as. */
const ALL_ONES = 0xffffffff;
const READY = 1;
/** Link of an on-chip device, and default of a PCIe function: Max_Payload_Size, bytes. */
const MPS_BYTES = 256;
const NO_ENTRY = -1;

/** One function, for one operation. */
export class Endpoint {
  readonly link: FaultyLink;
  /** Max_Payload_Size of the link. */
  readonly mpsBytes: number;
  /** The interrupt messages of this function get lost. */
  losesInterrupts = false;
  readonly #executor: Executor;
  /** DMA_STATUS of the completion entry. */
  #entry = NO_ENTRY;
  #interrupted = false;

  constructor(executor: Executor, device: number, wire: WireErrors = QUIET_WIRE) {
    const { ctx, system } = executor.parts;
    this.mpsBytes = system.machine.devices[device]?.link?.mpsBytes ?? MPS_BYTES;
    this.#executor = executor;
    this.link = new FaultyLink(ctx.arena, ctx.lockOwner, executor, this.mpsBytes, wire);
  }

  /** The device runs one pass of a command, whose TLP `tlp` is struck; without a link nobody hears of its end. */
  run(live: Live, write: boolean, phase: number, strike: number = STRIKE.none, tlp = 0): void {
    this.#entry = NO_ENTRY;
    this.#interrupted = false;
    this.link.begin(write, strike, tlp);
    const fault = this.#executor.touch(live, write, phase, this.link);
    if (!this.link.up) return;
    this.#entry = fault === DMA_STATUS.ok ? this.link.status : fault;
    this.#interrupted = !this.losesInterrupts;
  }

  /** A read of the status register. */
  readStatus(): number {
    return this.link.up ? READY : ALL_ONES;
  }

  /** What the driver learns of the command, in words. */
  awaited(): string {
    if (this.#interrupted) return `completion: ${DMA_STATUS_NAMES[this.#entry]}`;
    if (this.#entry !== NO_ENTRY) return "driver timeout: completion found by polling";
    return this.readStatus() === ALL_ONES
      ? "driver timeout: registers read all ones"
      : "driver timeout: controller hangs";
  }
}

/** The command ended well and its interrupt came. */
export const COMPLETED = `completion: ${DMA_STATUS_NAMES[DMA_STATUS.ok]}`;
