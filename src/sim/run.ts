/**
 * Runs a load profile on a machine under one of the clocks and assembles the result.
 */
import { DmasimError } from "../base/errors.ts";
import { WORKERS_LIMIT } from "../host/coordinator.ts";
import { commitRange } from "../memory/backing.ts";
import { Arena } from "../shm/arena.ts";
import { store } from "../shm/atomics.ts";
import { HEADER, QPAIR, REGIONS } from "../shm/layout.ts";
import { deviceBufferPhys } from "./device_buffer.ts";
import { type CloneSpec, type LoadOptions, planClones } from "./load/clones.ts";
import type { RunResult } from "./result.ts";
import { assembleResult, type RunOutcome } from "./result_assembly.ts";
import type { RunOptions } from "./run_options.ts";
import { initSystem, System } from "./system.ts";
import { parseTestHook, type TestHook } from "./test_hook.ts";
import { runVirtual } from "./virtual/run.ts";
import { runWall } from "./wall/run.ts";

/** Everything that both clocks start from. */
export interface RunSetup {
  readonly options: RunOptions;
  readonly arena: Arena;
  readonly system: System;
  readonly clones: readonly CloneSpec[];
  readonly load: LoadOptions;
  readonly hook: TestHook;
}

/** URL of the worker entry: the built file, wherever this module stands in the build. */
export const WORKER_ENTRY = new URL("../../workers/engine.js", import.meta.url).href;

/**
 * Runs the profile; resolves with a complete or, when `signal` was aborted, a partial result.
 * Rejects with a DmasimError for loads that the machine cannot carry.
 */
export async function runProfile(options: RunOptions): Promise<RunResult> {
  const startMs = performance.now();
  const cpuStart = process.cpuUsage();
  const setup = prepareRun(options);
  const outcome: RunOutcome =
    options.clock === "virtual" ? await runVirtual(setup) : await runWall(setup);
  const cpu = process.cpuUsage(cpuStart);
  return assembleResult(setup, outcome, {
    wallS: (performance.now() - startMs) / 1000,
    cpuS: (cpu.user + cpu.system) / 1e6,
  });
}

function prepareRun(options: RunOptions): RunSetup {
  if (!Number.isInteger(options.workers) || options.workers < 1 || options.workers > WORKERS_LIMIT) {
    throw new DmasimError({
      code: "DMASIM_WORKERS",
      what: "the number of workers is out of range",
      value: options.workers,
      limit: `1 to ${WORKERS_LIMIT}`,
      remedy: "use about as many workers as this computer has cores",
    });
  }
  const hook = parseTestHook(options.testHook);
  const system = new System(options.machine);
  const load = {
    seed: options.seed ?? options.profile.seed,
    assumeDirect: options.assumeDirect,
    limitIos: options.limitIos,
  };
  const clones = planClones(system, options.profile, load);
  const arena = Arena.create();
  initSystem(arena, system);
  store(arena.i32, REGIONS.header.word + HEADER.workers, options.workers);
  for (const clone of clones) {
    const pair = REGIONS.qpairs.word + clone.index * REGIONS.qpairs.stride;
    store(arena.i32, pair + QPAIR.engine, clone.engine);
    store(arena.i32, pair + QPAIR.clone, clone.index);
  }
  if (options.payload) for (const clone of clones) commitBuffers(arena, clone);
  return { options, arena, system, clones, load, hook };
}

/** Commits what a clone's payload touches, so that running out of backing is an error before the run, not during it. */
function commitBuffers(arena: Arena, clone: CloneSpec): void {
  commitRange(arena, deviceBufferPhys(clone.engine), 1);
  const { buffers, copy, dax } = clone;
  if (buffers !== null) {
    const bytes = buffers.stride * clone.depth * clone.commandsPerIo;
    commitRange(arena, buffers.base, bytes);
    if (buffers.pagelessShare > 0 && buffers.hasPages) commitRange(arena, buffers.pagelessBase, bytes);
  }
  if (copy !== null) {
    commitRange(arena, copy.source, copy.bytes);
    commitRange(arena, copy.destination, copy.bytes);
  }
  if (dax !== null) commitRange(arena, dax.start, dax.bytes);
}
