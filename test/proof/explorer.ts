/**
 * Depth-first search over the schedules of a program with at most `bound` preemptions, or a seeded random walk.
 *
 * Every schedule begins with the same memory (the log undoes what the last one stored) and takes the last one's decisions up
 * to the deepest one that has an alternative left within the bound (iterative context bounding: Musuvathi and Qadeer, PLDI 2007).
 */
import type { Arena } from "#dmasim/shm/arena.js";
import {
  CONTROL,
  costOf,
  FOLLOWS,
  KIND,
  KIND_NAMES,
  LOG_WORDS,
  type Shared,
  STOPPED,
  standardChoice,
  THREAD,
  unpackDecision,
} from "./control.ts";
import { wordName } from "./names.ts";
import type { Program } from "./program.ts";
import { RaceFinder } from "./races.ts";
import type { Turns } from "./turns.ts";

export interface Exploration {
  /** Preemptions of a schedule at most; random walks have no bound. */
  readonly bound: number;
  /** 0 = all schedules within the bound, else how many random ones. */
  readonly walks: number;
  readonly seed: number;
  /** Ends at the first of them; empty = runs to the end. */
  readonly acceptable: readonly string[];
  /** Run this schedule alone. */
  readonly replay: readonly number[] | null;
  /** Words whose plain accesses are points too, besides those that the program declares. */
  readonly racy: readonly number[];
}

/** One schedule that ended in an outcome that is not acceptable. */
export interface Finding {
  readonly outcome: string;
  /** Words with a data race. */
  readonly races: readonly number[];
  /** Number of the schedule, from 1. */
  readonly schedule: number;
  readonly preemptions: number;
  /** Threads chosen at the decisions: replays it. */
  readonly choices: readonly number[];
  /** `thread operation word`, one an operation. */
  readonly steps: readonly string[];
}

export interface Report {
  readonly schedules: number;
  /** Operations of all schedules. */
  readonly steps: number;
  readonly outcomes: Readonly<Record<string, number>>;
  readonly finding: Finding | null;
}

export class Explorer {
  readonly #shared: Shared;
  readonly #arena: Arena;
  readonly #program: Program;
  readonly #roles: readonly string[];
  readonly #turns: Turns;
  readonly #runOwn: () => void;
  readonly #races = new RaceFinder();
  /** Options of the last schedule's decisions, to see that a replayed beginning is the same. */
  #lastOptions: number[] = [];
  /** Words with a race in the last schedule. */
  #raced: readonly number[] = [];

  /** `runOwn` runs the body of thread 0, which is this one, when its turn has come. */
  constructor(
    shared: Shared,
    arena: Arena,
    program: Program,
    roles: readonly string[],
    turns: Turns,
    runOwn: () => void,
  ) {
    this.#shared = shared;
    this.#arena = arena;
    this.#program = program;
    this.#roles = roles;
    this.#turns = turns;
    this.#runOwn = runOwn;
  }

  explore({ bound, walks, seed, acceptable, replay }: Exploration): Report {
    const outcomes: Record<string, number> = {};
    let plan: readonly number[] | null = replay ?? [];
    let schedules = 0;
    let steps = 0;
    let finding: Finding | null = null;
    while (plan !== null && finding === null) {
      this.#run(plan, walks === 0 || replay !== null ? 0 : randomState(seed, schedules));
      schedules += 1;
      steps += this.#shared.control[CONTROL.steps] as number;
      const outcome = this.#outcome();
      outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
      if (!acceptable.includes(outcome)) finding = this.#finding(outcome, schedules);
      this.#undo();
      if (walks > 0 || replay !== null) plan = schedules < walks && replay === null ? [] : null;
      else plan = this.#nextPlan(bound);
    }
    return { schedules, steps, outcomes, finding };
  }

  #run(plan: readonly number[], random: number): void {
    const { control, results } = this.#shared;
    results.fill(0);
    control.fill(0, CONTROL.turn + 1, CONTROL.threads + this.#roles.length * THREAD.WORDS);
    this.#shared.plan.set(plan);
    control[CONTROL.planned] = plan.length;
    control[CONTROL.random] = random;
    const first = this.#turns.first();
    if (first !== 0) {
      this.#turns.handOver(first);
      this.#turns.await(0);
    }
    this.#runOwn();
    this.#turns.awaitEnd();
    this.#checkReplay(plan.length - 1);
  }

  /** The same choices lead to the same decisions, or the search would be of another tree. */
  #checkReplay(common: number): void {
    const { control, options } = this.#shared;
    const taken = Array.from(options.subarray(0, control[CONTROL.decisions]));
    for (let i = 0; i <= Math.min(common, this.#lastOptions.length - 1); i += 1) {
      if (taken[i] !== this.#lastOptions[i])
        throw new Error("the program is not deterministic: a replay went another way");
    }
    this.#lastOptions = taken;
  }

  /** Races count before anything else; then why the schedule did not end; then what the program makes of the end. */
  #outcome(): string {
    const { control, log, results } = this.#shared;
    this.#raced = this.#races.find(log, control[CONTROL.logged] as number);
    if (this.#raced.length > 0) return `data race on ${wordName(this.#raced[0] as number)}`;
    const stopped = control[CONTROL.stopped];
    if (stopped === STOPPED.deadlock) return "deadlock";
    if (stopped === STOPPED.livelock) return "no end";
    if (stopped === STOPPED.threw) return `threw: ${this.#text()}`;
    if ((control[CONTROL.deadlines] as number) > 0) return "slept to the deadline";
    return this.#program.judge(this.#arena, results);
  }

  #text(): string {
    const { control, text } = this.#shared;
    return String.fromCharCode(...text.subarray(0, control[CONTROL.textLength]));
  }

  /** Puts every word back that the schedule stored to, last store first. */
  #undo(): void {
    const { control, log } = this.#shared;
    const stores: readonly number[] = [KIND.store, KIND.rmw, KIND.write, KIND.racyWrite];
    for (let at = ((control[CONTROL.logged] as number) - 1) * LOG_WORDS; at >= 0; at -= LOG_WORDS) {
      if (!stores.includes(((log[at] as number) >> 4) & ~FOLLOWS)) continue;
      this.#arena.i32[log[at + 1] as number] = log[at + 2] as number;
    }
  }

  #choices(): number[] {
    return Array.from(this.#shared.choices.subarray(0, this.#shared.control[CONTROL.decisions]));
  }

  /** The next schedule in depth-first order, null when there is none. */
  #nextPlan(bound: number): number[] | null {
    const choices = this.#choices();
    const spent = this.#spent(choices);
    for (let index = choices.length - 1; index >= 0; index -= 1) {
      const decision = unpackDecision(this.#shared.options[index] as number);
      const order = alternatives(decision.from, decision.ready, decision.asleep);
      for (const choice of order.slice(order.indexOf(choices[index] as number) + 1)) {
        if ((spent[index] as number) + costOf(decision, choice) > bound) continue;
        return [...choices.slice(0, index), choice];
      }
    }
    return null;
  }

  /** Preemptions before each decision, and at the end those of all. */
  #spent(choices: readonly number[]): number[] {
    const spent = [0];
    choices.forEach((choice, index) => {
      const decision = unpackDecision(this.#shared.options[index] as number);
      spent.push((spent[index] as number) + costOf(decision, choice));
    });
    return spent;
  }

  #finding(outcome: string, schedule: number): Finding {
    const choices = this.#choices();
    return {
      outcome,
      races: this.#raced,
      schedule,
      preemptions: this.#spent(choices).at(-1) as number,
      choices,
      steps: this.#steps(),
    };
  }

  #steps(): string[] {
    const { control, log } = this.#shared;
    const hidden: readonly number[] = [KIND.read, KIND.write];
    const lines: string[] = [];
    for (let at = 0; at < (control[CONTROL.logged] as number) * LOG_WORDS; at += LOG_WORDS) {
      const thread = (log[at] as number) & 15;
      const kind = (log[at] as number) >> 4;
      if ((kind & FOLLOWS) !== 0 || hidden.includes(kind)) continue;
      const word = kind === KIND.rest ? "" : wordName(log[at + 1] as number);
      lines.push(`${thread} ${this.#roles[thread]}: ${KIND_NAMES[kind]} ${word}`.trimEnd());
    }
    return lines;
  }
}

/** Choices at a decision in the order in which they are tried. */
function alternatives(from: number, ready: number, asleep: number): number[] {
  const standard = standardChoice(from, ready, asleep);
  const others = [0, 1, 2, 3].filter((thread) => thread !== standard && (((ready | asleep) >> thread) & 1) !== 0);
  return [standard, ...others];
}

/** First state of the random walk `walk`, never 0. */
function randomState(seed: number, walk: number): number {
  return Math.imul(seed, 0x9e3779b1) ^ Math.imul(walk + 1, 0x85ebca6b) || 1;
}
