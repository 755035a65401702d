/**
 * Follows a few I/Os through a run: every command of theirs gets a log that the stages of the loop write.
 *
 * The loop asks for a log where it would advance a command; an unobserved run has no trace and asks nothing.
 */
import { defined } from "../../base/assert.ts";
import type { LogStep } from "../../timing/stage_log.ts";
import type { CloneSpec } from "../load/clones.ts";
import type { CloneRunner } from "../load/runner.ts";
import { CommandTrace } from "./command_trace.ts";
import type { IoName } from "./io_latencies.ts";

/** One I/O from submission to completion; its steps sum to `latencyPs`. Of several commands the one that ended last decides. */
export interface TracedIo extends IoName {
  readonly write: boolean;
  readonly bytes: number;
  readonly latencyPs: number;
  readonly commands: number;
  /** Of the command that decides. */
  readonly commandBytes: number;
  readonly quanta: number;
  readonly walks: number;
  readonly levels: number;
  readonly steps: readonly LogStep[];
}

interface Followed {
  readonly name: IoName;
  readonly commands: CommandTrace[];
  startPs: number;
  write: boolean;
}

/** What it needs of a lane. */
interface TracedLane {
  readonly spec: CloneSpec;
  readonly runner: CloneRunner;
}

/** Tags of a lane are below this. */
const TAGS_MAX = 2 ** 20;

/** Trace of the I/Os of one run. */
export class IoTrace {
  readonly #followed: readonly Followed[];
  /** Commands on their way, by lane and tag. */
  readonly #open = new Map<number, CommandTrace>();

  constructor(ios: readonly IoName[]) {
    this.#followed = ios.map((name) => ({ name, commands: [], startPs: 0, write: false }));
  }

  /** The lane's runner took a command at `nowPs` (`nowNs` of the run), perhaps again after a refused mapping. */
  taken(lane: TracedLane, nowPs: number, nowNs: number): void {
    const { runner, spec } = lane;
    if (runner.verifying) return;
    for (const { name, commands } of this.#followed) {
      if (name.io !== runner.io || name.clone !== spec.index) continue;
      const key = keyOf(lane, runner.tag);
      const known = this.#open.get(key);
      if (known !== undefined) {
        known.log.phase = "map";
        known.log.wait("retry", nowPs);
        continue;
      }
      const command = new CommandTrace(nowPs, runner.bytes);
      this.#open.set(key, command);
      commands.push(command);
      this.#start(lane, nowPs, nowNs);
    }
  }

  /** The command's trace; null when nobody follows it. */
  of(lane: TracedLane, tag: number): CommandTrace | null {
    return this.#open.get(keyOf(lane, tag)) ?? null;
  }

  /** The command ended. */
  completed(lane: TracedLane, tag: number, endPs: number): void {
    const key = keyOf(lane, tag);
    const command = this.#open.get(key);
    if (command === undefined) return;
    command.endPs = endPs;
    this.#open.delete(key);
  }

  rebase(shiftPs: number): void {
    for (const io of this.#followed) {
      io.startPs -= shiftPs;
      for (const command of io.commands) command.rebase(shiftPs);
    }
  }

  /** What the run showed of each I/O, in the order in which they were asked for. */
  results(): TracedIo[] {
    return this.#followed.map(resultOf);
  }

  /** An I/O starts when it was submitted: with a fixed submission rate that may be before a CPU took its first command. */
  #start(lane: TracedLane, nowPs: number, nowNs: number): void {
    const io = defined(
      this.#followed.find(({ name }) => name.io === lane.runner.io && name.clone === lane.spec.index),
      "the I/O is followed",
    );
    if (io.commands.length > 1) return;
    io.startPs = nowPs - Math.round((nowNs - lane.runner.submittedNs(lane.runner.tag)) * 1000);
    io.write = lane.runner.write;
  }
}

function keyOf(lane: TracedLane, tag: number): number {
  return lane.spec.index * TAGS_MAX + tag;
}

function resultOf({ name, commands, startPs, write }: Followed): TracedIo {
  const ends = commands.map(({ endPs }) => endPs);
  const last = defined(commands[ends.indexOf(Math.max(...ends))], "a followed I/O was issued");
  const leadPs = last.startPs - startPs;
  // The command was not issued before those in front of it.
  const lead = { phase: "submit", place: "commands before", waitPs: leadPs, servicePs: 0 };
  return {
    ...name,
    write,
    bytes: commands.reduce((sum, { bytes }) => sum + bytes, 0),
    latencyPs: last.endPs - startPs,
    commands: commands.length,
    commandBytes: last.bytes,
    quanta: last.quanta,
    walks: last.walks,
    levels: last.levels,
    steps: leadPs > 0 ? [lead, ...last.log.steps] : last.log.steps,
  };
}
