/** One job clone under the virtual clock, with everything it moves through. */
import type { DeviceAccess } from "../../device/access.ts";
import type { HostContext } from "../../host/context.ts";
import { CloneIo } from "../io_path.ts";
import type { CloneSpec } from "../load/clones.ts";
import { CloneRunner } from "../load/runner.ts";
import type { Device } from "../machine/description.ts";
import type { Payload } from "../payload.ts";
import type { JobStats } from "../stats.ts";
import type { System } from "../system.ts";
import type { DeviceModel } from "./device_model.ts";

/** Joins a clone's load, driver, device and counters; its index in the loop is the clone's. */
export class Lane {
  readonly spec: CloneSpec;
  readonly runner: CloneRunner;
  readonly io: CloneIo;
  readonly stats: JobStats;
  readonly device: DeviceModel;
  readonly access: DeviceAccess;
  /** CPU that takes the completion interrupt. */
  readonly completionCpu: number;
  /** Produces and checks data. */
  readonly verify: boolean;
  /** By tag: PATH of the mapping, DMA_STATUS, faulting address, version that a read delivered. */
  readonly paths: Uint8Array;
  readonly status: Uint8Array;
  readonly faultAddr: Float64Array;
  readonly delivered: Float64Array;
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
    payload: Payload | null,
    verify: boolean,
  ) {
    this.spec = spec;
    this.stats = stats;
    this.device = device;
    this.verify = verify && spec.job.verify;
    this.runner = new CloneRunner(ctx.arena, spec, stats);
    this.io = new CloneIo(system, ctx, spec, this.verify ? payload : null);
    this.access = system.accessOf(ctx.arena, spec.device);
    this.completionCpu = completionCpu(system.machine.devices[spec.device] as Device, spec);
    this.paths = new Uint8Array(this.io.tags);
    this.status = new Uint8Array(this.io.tags);
    this.faultAddr = new Float64Array(this.io.tags);
    this.delivered = new Float64Array(this.io.tags);
  }
}

/** Interrupt affinity: by default a queue interrupts the CPU that submits to it. */
function completionCpu(device: Device, spec: CloneSpec): number {
  const cpus = device.irqCpus;
  if (cpus === null || cpus.length === 0) return spec.cpu;
  return cpus[spec.engine - Math.floor(spec.engine / cpus.length) * cpus.length] as number;
}
