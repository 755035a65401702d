/** dma_map_benchmark under the wall clock: workers run the threads and contend for the real locks of the mapping code. */
import { setTimeout as sleep } from "node:timers/promises";
import { Coordinator, STOP } from "../../host/coordinator.ts";
import { flushDue } from "../../host/iommu/flush_queue.ts";
import { growPools } from "../../host/swiotlb/grown.ts";
import { WorkerPool } from "../../host/workers.ts";
import { copyPhys, fillPhys } from "../../memory/copy.ts";
import { Arena, type ArenaHandle } from "../../shm/arena.ts";
import { load } from "../../shm/atomics.ts";
import { HEADER, REGIONS } from "../../shm/layout.ts";
import { MAIN_OWNER, makeHostContext } from "../host_ports.ts";
import type { Machine } from "../machine/description.ts";
import { WORKER_ENTRY } from "../run_setup.ts";
import { WorkerState } from "../worker_state.ts";
import type { MapBenchmark } from "./map_benchmark.ts";
import { type BenchmarkPlan, planBenchmark } from "./map_benchmark_setup.ts";
import { newSums, type OperationPlain } from "./map_benchmark_sums.ts";
import { BenchmarkThread } from "./map_benchmark_thread.ts";
import type { BenchmarkLimits, BenchmarkOutcome } from "./map_benchmark_virtual.ts";

const WATCH_MS = 50;
const ITERATIONS_A_TURN = 64;

/** Sent as structured clone. */
export interface BenchmarkTask {
  readonly kind: "map-benchmark";
  readonly arena: ArenaHandle;
  readonly worker: number;
  readonly workers: number;
  readonly machine: Machine;
  readonly device: string;
  readonly asked: MapBenchmark;
  /** Iterations of this worker. */
  readonly loopsMax: number;
}

/** What one worker measured. */
export interface BenchmarkValue {
  readonly map: OperationPlain;
  readonly unmap: OperationPlain;
  readonly error: string | null;
  readonly cut: boolean;
}

/** Runs all threads on `workers` host threads; a worker that dies is an error of the program. */
export async function runBenchmarkWall(
  plan: BenchmarkPlan,
  arena: Arena,
  asked: MapBenchmark,
  limits: BenchmarkLimits,
  workers: number,
): Promise<BenchmarkOutcome> {
  const pool = new WorkerPool(WORKER_ENTRY, workers);
  const coordinator = new Coordinator<BenchmarkValue>(arena, pool, workers, () => "?");
  const machine = plan.system.machine;
  const loopsMax = Math.ceil(limits.loopsMax / workers);
  const tasks = Array.from(
    { length: workers },
    (_, worker): BenchmarkTask => ({
      kind: "map-benchmark",
      arena: arena.handle,
      worker,
      workers,
      machine,
      device: plan.deviceName,
      asked,
      loopsMax,
    }),
  );
  const sums = newSums();
  let scaled = false;
  try {
    const finished = coordinator.run(tasks);
    const startMs = performance.now();
    while (!coordinator.finished) {
      await sleep(WATCH_MS);
      const elapsedS = (performance.now() - startMs) / 1000;
      if (limits.signal.aborted) coordinator.drain();
      const doneShare = Math.min(0.999, elapsedS / asked.seconds);
      limits.onProgress({
        doneShare,
        etaS: Math.max(0, asked.seconds - elapsedS),
        text: `wall ${elapsedS.toFixed(1)} s`,
      });
    }
    for (const value of await finished) {
      if (value === null) continue;
      sums.map.merge(value.map);
      sums.unmap.merge(value.unmap);
      sums.error ??= value.error;
      scaled ||= value.cut;
    }
  } finally {
    await pool.close();
  }
  const failure = coordinator.failure;
  if (failure !== null) throw new Error(`worker ${failure.worker}: ${failure.cause}`);
  const ctx = makeHostContext(arena, plan.system, MAIN_OWNER, immediateCopies(arena));
  return { sums, seconds: sums.map.stats.result().runtime / 1000, scaled, ctx };
}

function immediateCopies(arena: Arena) {
  return {
    copy: (dst: number, src: number, bytes: number) => copyPhys(arena, dst, src, bytes),
    fill: (dst: number, byte: number, bytes: number) => fillPhys(arena, dst, byte, bytes),
  };
}

/** A worker's share: thread i belongs to worker i mod workers. Blocks until the time is over. */
export function runBenchmarkWorker(task: BenchmarkTask): BenchmarkValue {
  const { asked, worker, workers } = task;
  const arena = Arena.attach(task.arena);
  const state = new WorkerState(arena, worker);
  const plan = planBenchmark(task.machine, task.device, asked);
  const ctx = makeHostContext(arena, plan.system, worker, immediateCopies(arena));
  const sums = newSums();
  const threads: { readonly thread: BenchmarkThread; readonly cpu: number }[] = [];
  for (let number = worker; number < asked.threads; number += workers) {
    const thread = new BenchmarkThread(ctx, plan.device, asked, plan.buffers, number);
    if (thread.open()) threads.push({ thread, cpu: plan.cpus[number % plan.cpus.length] as number });
    else sums.error ??= "no scatterlist is left";
  }
  const endMs = performance.now() + asked.seconds * 1000;
  const stop = REGIONS.header.word + HEADER.stop;
  let left = task.loopsMax;
  let turn = 0;
  while (left > 0 && threads.length > 0 && performance.now() < endMs && load(arena.i32, stop) === STOP.run) {
    state.beat();
    for (let i = 0; i < ITERATIONS_A_TURN && left > 0 && threads.length > 0; i += 1) {
      turn = turn >= threads.length ? 0 : turn;
      const { thread, cpu } = threads[turn] as (typeof threads)[number];
      ctx.cpu = cpu;
      const error = iterate(thread, ctx, asked, sums);
      if (error === null) turn += 1;
      else {
        sums.error ??= error;
        thread.close();
        threads.splice(turn, 1);
      }
      left -= 1;
    }
    if (worker === 0) background(plan, ctx);
  }
  for (const { thread } of threads) thread.close();
  state.left();
  return { map: sums.map.plain(), unmap: sums.unmap.plain(), error: sums.error, cut: left === 0 };
}

/** What the kernel does beside the threads: flush timers, growth of the bounce pool. */
function background({ system, device }: BenchmarkPlan, ctx: ReturnType<typeof makeHostContext>): void {
  ctx.nowNs = performance.now() * 1e6;
  if (device.domain?.mode === "lazy") flushDue(ctx, device.domain);
  if (system.pool !== null) growPools(ctx, system.pool);
}

/** Null, or why the thread ends. */
function iterate(
  thread: BenchmarkThread,
  ctx: ReturnType<typeof makeHostContext>,
  asked: MapBenchmark,
  sums: ReturnType<typeof newSums>,
): string | null {
  if (thread.dirties) thread.dirty();
  ctx.cost.reset();
  const mapNs = performance.now() * 1e6;
  ctx.nowNs = mapNs;
  const code = thread.map();
  const mappedNs = performance.now() * 1e6;
  if (code < 0) return thread.refusal(-code);
  let nowNs = mappedNs;
  while (nowNs - mappedNs < asked.dmaTransNs) nowNs = performance.now() * 1e6;
  ctx.cost.reset();
  ctx.nowNs = nowNs;
  thread.unmap();
  const endNs = performance.now() * 1e6;
  sums.map.add(mapNs, mappedNs, thread.bytes);
  sums.unmap.add(nowNs, endNs, thread.bytes);
  return null;
}
