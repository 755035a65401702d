/** What a round runs on: a fresh arena with the machine's initial state, the areas, and what reaches them. */
import type { HostContext } from "../../host/context.ts";
import { startDebug } from "../../host/dma/debug/session.ts";
import { copyPhys, fillPhys } from "../../memory/copy.ts";
import { Arena } from "../../shm/arena.ts";
import { MAIN_OWNER, makeHostContext } from "../host_ports.ts";
import type { Machine } from "../machine/description.ts";
import { reserveWindows } from "../reserved_windows.ts";
import { initSystem, System } from "../system.ts";
import { type Area, planAreas, probeTargets, type Target } from "./areas.ts";
import { StressCounters } from "./counters.ts";
import { StressDriver } from "./driver.ts";
import type { ExecutorParts } from "./executor.ts";
import { InvalidationProbe } from "./invalidation_probe.ts";
import { StressDebug } from "./session.ts";

/** Messages that dma-debug marks as printed; all are counted. */
const PRINTS_MAX = 64;

/** A round's machine, ready to be used. */
export interface StressPlace {
  readonly arena: Arena;
  readonly system: System;
  readonly areas: readonly Area[];
  readonly targets: readonly Target[];
  /** The main thread's. */
  readonly ctx: HostContext;
}

/** Coordinator: makes the arena, writes the initial state, finds out which device reaches what. */
export function makePlace(machine: Machine, workers: number): StressPlace {
  const system = new System(machine);
  const arena = Arena.create();
  initSystem(arena, system);
  const ctx = stressContext(arena, system, MAIN_OWNER);
  for (const { index, domain } of system.devices) if (domain !== null) reserveWindows(ctx, system, index, domain);
  const areas = planAreas(system, workers);
  const targets = probeTargets(ctx, system, areas);
  startDebug(arena, PRINTS_MAX);
  return { arena, system, areas, targets, ctx };
}

/** A context whose copies are done by the thread that maps. */
export function stressContext(arena: Arena, system: System, owner: number): HostContext {
  return makeHostContext(arena, system, owner, {
    copy: (dst, src, bytes) => copyPhys(arena, dst, src, bytes),
    fill: (dst, byte, bytes) => fillPhys(arena, dst, byte, bytes),
  });
}

/** What worker `worker` executes operations with. */
export function executorParts(
  arena: Arena,
  system: System,
  areas: readonly Area[],
  worker: number,
  seed: number,
  counters: SharedArrayBuffer,
  beat: () => void,
): ExecutorParts {
  const plain = stressContext(arena, system, worker);
  const invalidation = new InvalidationProbe(plain.invalidation);
  const ctx = { ...plain, invalidation };
  const debug = new StressDebug(arena, worker);
  return {
    ctx,
    system,
    areas,
    access: system.devices.map((_, device) => system.accessOf(arena, device)),
    driver: new StressDriver(ctx, debug, system.devices, areas, worker),
    debug,
    counters: new StressCounters(counters, worker),
    invalidation,
    beat,
    worker,
    seed,
  };
}
