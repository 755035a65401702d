/** The machine of a dma_map_benchmark: arena, device with the mask asked for, CPUs and buffers. */
import { maskOfBits } from "../../base/addr.ts";
import { DmasimError } from "../../base/errors.ts";
import type { DmaDevice } from "../../host/dma/device.ts";
import { commitRange } from "../../memory/backing.ts";
import { Arena } from "../../shm/arena.ts";
import { MAIN_OWNER, makeHostContext } from "../host_ports.ts";
import type { Machine } from "../machine/description.ts";
import { reserveWindows } from "../reserved_windows.ts";
import { initSystem, System } from "../system.ts";
import { type MapBenchmark, refusal } from "./map_benchmark.ts";
import { type BenchmarkBuffers, bufferStride } from "./map_benchmark_thread.ts";

/** Everything that both clocks start from; every thread derives the same from the same machine. */
export interface BenchmarkPlan {
  readonly system: System;
  readonly device: DmaDevice;
  readonly deviceName: string;
  /** CPU of thread i is `cpus[i mod length]`. */
  readonly cpus: readonly number[];
  readonly buffers: BenchmarkBuffers;
}

/** First bytes of a region belong to others. */
const REGION_SKIP_BYTES = 2 ** 24;

/** Plans it. Throws a DmasimError with the kernel's words for parameters that it refuses (-EINVAL). */
export function planBenchmark(machine: Machine, deviceName: string | null, asked: MapBenchmark): BenchmarkPlan {
  const refused = refusal(asked, machine.cpus.sockets);
  if (refused !== undefined) {
    throw new DmasimError({
      code: "DMASIM_MAP_BENCHMARK",
      what: `${refused} (-EINVAL)`,
      remedy: "see --help for the limits",
    });
  }
  const system = new System(machine);
  const wanted = deviceName ?? machine.defaultBlockDevice ?? machine.devices[0]?.name ?? "";
  const index = machine.devices.findIndex(({ name }) => name === wanted);
  const device = system.devices[index];
  if (device === undefined) {
    throw new DmasimError({
      code: "DMASIM_DEVICE_UNKNOWN",
      what: `machine ${machine.name} has no device of this name`,
      value: wanted,
      limit: `it has ${machine.devices.map(({ name }) => name).join(", ")}`,
      remedy: "take one of these for --dev",
    });
  }
  return {
    system,
    device: { ...device, dmaMask: maskOfBits(asked.dmaBits) },
    deviceName: wanted,
    cpus: cpusOf(machine, asked.node),
    buffers: { start: bufferStart(system, asked), stride: bufferStride(asked) },
  };
}

/** CPUs of a node, or all; a node is a socket. */
function cpusOf({ cpus }: Machine, node: number): number[] {
  const perNode = cpus.count / cpus.sockets;
  const first = node < 0 ? 0 : node * perNode;
  return Array.from({ length: node < 0 ? cpus.count : perNode }, (_, number) => first + number);
}

/** In the RAM of the node, or the highest RAM: where a busy machine's free pages are. */
function bufferStart(system: System, asked: MapBenchmark): number {
  const ram = system.map.regions.filter(({ kind, node }) => kind === "ram" && (asked.node < 0 || node === asked.node));
  const region = ram.at(-1) ?? system.map.regions.findLast(({ kind }) => kind === "ram");
  const bytes = asked.threads * bufferStride(asked);
  const [bounceStart, bounceEnd] = system.bounceRange;
  let at = region === undefined ? 0 : region.start + (region.bytes > 4 * REGION_SKIP_BYTES ? REGION_SKIP_BYTES : 0);
  if (at < bounceEnd && at + bytes > bounceStart) at = bounceEnd;
  if (region !== undefined && at + bytes <= region.start + region.bytes) return at;
  throw new DmasimError({
    code: "DMASIM_MAP_BENCHMARK",
    what: "the buffers do not fit the machine's memory",
    value: `${bytes} bytes`,
    remedy: "lower -t or -g",
  });
}

/** The machine's initial state in a new arena; `commit` = the buffers are written. */
export function startArena({ system, buffers }: BenchmarkPlan, asked: MapBenchmark, commit: boolean): Arena {
  const arena = Arena.create();
  initSystem(arena, system);
  const ctx = makeHostContext(arena, system, MAIN_OWNER, { copy: () => true, fill: () => true });
  for (const { index, domain } of system.devices) if (domain !== null) reserveWindows(ctx, system, index, domain);
  if (commit) commitRange(arena, buffers.start, asked.threads * buffers.stride);
  return arena;
}
