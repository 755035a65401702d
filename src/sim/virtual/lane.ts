/** One job clone under the virtual clock, with everything it moves through. */

import { mix32 } from "../../base/prng.ts";
import type { DeviceAccess } from "../../device/access.ts";
import type { HostContext } from "../../host/context.ts";
import { DMA_STATUS } from "../../shm/dma_status.ts";
import { CloneIo } from "../io_path.ts";
import type { CloneSpec } from "../load/clones.ts";
import type { IoWatch } from "../load/io_watch.ts";
import { CloneRunner } from "../load/runner.ts";
import type { Device } from "../machine/description.ts";
import type { Payload } from "../payload.ts";
import type { PowerCut } from "../persist/power_cut.ts";
import type { RunDebug } from "../run_debug.ts";
import type { JobStats } from "../stats.ts";
import type { System } from "../system.ts";
import type { IoHook } from "../test_hook.ts";
import type { DeviceModel } from "./device_model.ts";
import type { IoTrace } from "./io_trace.ts";

/** What a lane needs of the run's options. */
export interface LaneOptions {
  readonly verify: boolean;
  /** Session of dma-debug; null = off. */
  readonly debug: RunDebug | null;
  /** Test hook: what an I/O of clone 0 does wrong. */
  readonly ioHook: IoHook;
  /** Hears of every I/O; null = nobody asks. */
  readonly watch: IoWatch | null;
  /** Follows single I/Os; null = none. */
  readonly trace: IoTrace | null;
  /** What is persistent when the power fails; null = it does not. */
  readonly powerCut: PowerCut | null;
}

/** Joins a clone's load, driver, device and counters; its index in the loop is the clone's. */
export class Lane {
  readonly spec: CloneSpec;
  readonly runner: CloneRunner;
  readonly io: CloneIo;
  readonly stats: JobStats;
  readonly device: DeviceModel;
  readonly access: DeviceAccess;
  /** IOMMU domain of the device, 0 = none. */
  readonly domainIndex: number;
  /** CPU that takes the completion interrupt. */
  readonly completionCpu: number;
  /** Produces and checks data. */
  readonly verify: boolean;
  /** By tag: PATH of the mapping, DMA_STATUS, faulting address, version that a read delivered. */
  readonly paths: Uint8Array;
  readonly status: Uint8Array;
  readonly faultAddr: Float64Array;
  readonly delivered: Float64Array;
  /** By tag: the command is to be repeated, and its mapping was refused so many times in a row. */
  readonly unmapped: Uint16Array;
  /** By tag: entries of the list whose windows the transfer holds. */
  readonly entered: Uint16Array;
  /** Number of the transfer of tag 0 among those of all lanes; one for each tag. */
  readonly firstStream: number;
  readonly #seed: number;
  persistentPath = 0;
  /** A submit item waits for the CPU, or a try event for its time. */
  queued = false;
  /** Mappings refused in a row. */
  tries = 0;
  closed = false;

  constructor(
    system: System,
    ctx: HostContext,
    spec: CloneSpec,
    stats: JobStats,
    device: DeviceModel,
    firstStream: number,
    payload: Payload | null,
    options: LaneOptions,
  ) {
    this.spec = spec;
    this.#seed = mix32(spec.seed ^ mix32(spec.index + 1));
    this.stats = stats;
    this.device = device;
    this.verify = options.verify && spec.job.verify;
    this.runner = new CloneRunner(ctx.arena, spec, stats);
    this.runner.watch = options.watch;
    this.io = new CloneIo(system, ctx, spec, this.verify ? payload : null, options.debug, options.ioHook);
    this.access = system.accessOf(ctx.arena, spec.device);
    this.domainIndex = system.devices[spec.device]?.domain?.index ?? 0;
    this.completionCpu = completionCpu(system.machine.devices[spec.device] as Device, spec);
    this.paths = new Uint8Array(this.io.tags);
    this.status = new Uint8Array(this.io.tags);
    this.unmapped = new Uint16Array(this.io.tags);
    this.faultAddr = new Float64Array(this.io.tags);
    this.delivered = new Float64Array(this.io.tags);
    this.entered = new Uint16Array(this.io.tags);
    this.firstStream = firstStream;
  }

  /** 32 bits that draw what is random about a command: the same for the same command of the same load. */
  drawKey(tag: number): number {
    return (
      this.#seed + Math.imul(this.io.io[tag] as number, 0x9e3779b1) + Math.imul(this.io.unit[tag] as number, 0x85ebca6b)
    );
  }

  /** The command met a window that shows another page now. */
  isRevoked(tag: number): boolean {
    return this.status[tag] === DMA_STATUS.staleWindow;
  }
}

/** Interrupt affinity: by default a queue interrupts the CPU that submits to it. */
function completionCpu(device: Device, spec: CloneSpec): number {
  const cpus = device.irqCpus;
  if (cpus === null || cpus.length === 0) return spec.cpu;
  return cpus[spec.engine - Math.floor(spec.engine / cpus.length) * cpus.length] as number;
}
