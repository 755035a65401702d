/**
 * Everything that both clocks start from: the arena with its initial state, the planned clones, committed buffers.
 */
import { DmasimError } from "../base/errors.ts";
import { packagePath } from "../base/package_root.ts";
import { WORKERS_LIMIT } from "../host/coordinator.ts";
import { commitRange } from "../memory/backing.ts";
import { Arena } from "../shm/arena.ts";
import { store } from "../shm/atomics.ts";
import { HEADER, QPAIR, REGIONS } from "../shm/layout.ts";
import { checkFaults } from "./check_faults.ts";
import { deviceBufferPhys } from "./device_buffer.ts";
import { MAIN_OWNER, makeHostContext } from "./host_ports.ts";
import { withHotMemory } from "./hot_memory.ts";
import type { BufferPlan } from "./load/buffers.ts";
import { type CloneSpec, type LoadOptions, planClones } from "./load/clones.ts";
import { reserveWindows } from "./reserved_windows.ts";
import { startRunDebug } from "./run_debug.ts";
import type { RunOptions } from "./run_options.ts";
import { initSystem, System } from "./system.ts";
import { parseTestHook, type TestHook } from "./test_hook.ts";

/** A run that is ready to start. */
export interface RunSetup {
  readonly options: RunOptions;
  readonly arena: Arena;
  readonly system: System;
  readonly clones: readonly CloneSpec[];
  readonly load: LoadOptions;
  readonly hook: TestHook;
}

/** The worker entry: bundled to one file, because V8 folds constants and calls inside a module, not across modules. */
export const WORKER_ENTRY = packagePath("dist", "bundle", "engine.js");

/** Plans the load and readies the arena; DmasimError for loads that the machine or the arena cannot carry. */
export function prepareRun(given: RunOptions): RunSetup {
  const options = { ...given, machine: withHotMemory(given.machine, given.profile) };
  if (!Number.isInteger(options.workers) || options.workers < 1 || options.workers > WORKERS_LIMIT) {
    throw new DmasimError({
      code: "DMASIM_WORKERS",
      what: "the number of workers is out of range",
      value: options.workers,
      limit: `1 to ${WORKERS_LIMIT}`,
      remedy: "use about as many workers as this computer has cores",
    });
  }
  checkEvents(options);
  checkFaults(options);
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
  reserveIovas(arena, system);
  if (options.dmaDebug) startRunDebug(arena);
  store(arena.i32, REGIONS.header.word + HEADER.workers, options.workers);
  for (const clone of clones) {
    const pair = REGIONS.qpairs.word + clone.index * REGIONS.qpairs.stride;
    store(arena.i32, pair + QPAIR.engine, clone.engine);
    store(arena.i32, pair + QPAIR.clone, clone.index);
  }
  if (options.payload) for (const clone of clones) commitBuffers(arena, clone);
  if (options.payload) {
    for (const { ramStart, ramPages, pageBytes } of system.windowSets)
      commitRange(arena, ramStart, ramPages * pageBytes);
  }
  return { options, arena, system, clones, load, hook };
}

function reserveIovas(arena: Arena, system: System): void {
  const ctx = makeHostContext(arena, system, MAIN_OWNER, { copy: () => true, fill: () => true });
  for (const { index, domain } of system.devices) if (domain !== null) reserveWindows(ctx, system, index, domain);
}

/** Commits what a clone's payload touches, so that running out of backing is an error before the run, not during it. */
function commitBuffers(arena: Arena, clone: CloneSpec): void {
  commitRange(arena, deviceBufferPhys(clone.engine), 1);
  const { buffers, hotBuffers, copy, dax } = clone;
  if (hotBuffers !== null) commitRange(arena, hotBuffers.base, bufferBytes(hotBuffers, clone));
  if (buffers !== null) {
    const bytes = bufferBytes(buffers, clone);
    commitRange(arena, buffers.base, bytes);
    if (clone.peerBase !== null) commitRange(arena, clone.peerBase, bytes);
    if (buffers.pagelessShare > 0 && buffers.hasPages) commitRange(arena, buffers.pagelessBase, bytes);
  }
  if (copy !== null) {
    commitRange(arena, copy.source, copy.bytes);
    commitRange(arena, copy.destination, copy.bytes);
    if (copy.peerSource !== null) commitRange(arena, copy.peerSource, copy.bytes);
    if (copy.peerDestination !== null) commitRange(arena, copy.peerDestination, copy.bytes);
  }
  if (dax !== null) commitRange(arena, dax.start, dax.bytes);
}

function bufferBytes(plan: BufferPlan, { depth, commandsPerIo }: CloneSpec): number {
  return plan.stride * (plan.places ?? depth * commandsPerIo);
}

/** Events happen at virtual instants; a power cut needs bytes that can be lost. */
function checkEvents({ clock, profile, payload }: RunOptions): void {
  const { events = [], verify } = profile;
  const cuts = events.filter(({ kind }) => kind === "power_cut").length;
  const refuse = (what: string, value: unknown, remedy: string) => {
    throw new DmasimError({ code: "DMASIM_EVENTS", what, value, remedy, at: { file: profile.file } });
  };
  if (clock === "wall" && events.length > 0) {
    refuse("events of a profile happen at virtual times", "--clock wall", "run it with --clock virtual");
  }
  if (cuts > 1 || (verify !== undefined) !== (cuts === 1)) {
    refuse("verify: after-power-cut goes with one power_cut event", cuts, "give both, or neither");
  }
  if (verify !== undefined && !payload) {
    refuse("what survives a power cut is found by looking at the bytes", "--no-payload", "leave --no-payload out");
  }
}
