/** Entry of every thread of an exploration; thread 0 explores as well, and posts the report. */
import { parentPort, workerData } from "node:worker_threads";
import { Arena } from "#dmasim/shm/arena.js";
import { CONTROL, STOPPED, TURN, type WordRange } from "./control.ts";
import { current } from "./current.ts";
import { Explorer } from "./explorer.ts";
import type { World } from "./program.ts";
import { PROGRAMS } from "./programs/index.ts";
import { Abandoned, Turns } from "./turns.ts";
import { watchedView } from "./view.ts";

const { shared, handle, program: name, roles, thread, exploration } = workerData;
const program = PROGRAMS[name];
if (program === undefined) throw new Error(`no program ${name}`);
const body = program.roles[roles[thread]];
if (body === undefined) throw new Error(`no role ${roles[thread]} of ${name}`);

const arena = Arena.attach(handle);
const points = (exploration.racy as number[]).map((word): WordRange => [word, word + 1]);
const turns = new Turns(shared, arena.i32, thread, roles.length, [...(program.racy ?? []), ...points]);
const world: World = {
  arena: watchedView(arena),
  thread,
  put: (index, value) => {
    shared.results[index] = value;
  },
  get: (index) => shared.results[index],
  step: () => turns.point(),
  rest: () => turns.rest(),
};

/** Keeps the message of the first error. */
function fail(error: unknown): void {
  const message = (error instanceof Error ? error.message : String(error)).slice(0, shared.text.length);
  shared.control[CONTROL.stopped] = STOPPED.threw;
  shared.control[CONTROL.textLength] = message.length;
  for (let i = 0; i < message.length; i += 1) shared.text[i] = message.charCodeAt(i);
}

/** The body once, when this thread's first turn has come. */
function run(): void {
  current.turns = turns;
  try {
    if (shared.control[CONTROL.stopped] === 0) body?.(world);
  } catch (error) {
    if (!(error instanceof Abandoned)) fail(error);
  } finally {
    current.turns = null;
    turns.finish();
  }
}

if (thread === 0) {
  program.setUp(arena);
  const explorer = new Explorer(shared, arena, program, roles, turns, run);
  const report = explorer.explore(exploration);
  turns.handOver(TURN.exit);
  parentPort?.postMessage(report);
} else {
  while (turns.await(thread) !== TURN.exit) run();
}
