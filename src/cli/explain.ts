/** `dmasim explain PROFILE`: where the time of one median and one p99 I/O goes. */
import type { Command } from "commander";
import { EXIT } from "../base/errors.ts";
import type { Explanation } from "../sim/explain/result.ts";
import { catchInterrupts } from "./interrupt.ts";
import { checkOutputs, type Output, present } from "./output.ts";
import { collectOverride } from "./overrides.ts";
import { startProgress } from "./progress.ts";
import { parseLimitIos, parseSeed, type ResolvedRun, type RunFlags, resolveRun } from "./run_flags.ts";
import { JSON_FLAG, type Session } from "./session.ts";

interface ExplainFlags extends Pick<RunFlags, "machine" | "seed" | "limitIos" | "full" | "set" | "json"> {
  readonly job?: string;
}

/** Adds the command; runs are under the virtual clock and move no bytes. */
export function addExplainCommand(program: Command, session: Session): void {
  program
    .command("explain")
    .description("run a load and follow a median and a p99 I/O: where does its time go, what limits, what next")
    .argument("<profile>", "a shipped name (dmasim list profiles), a .yaml profile or a .fio job file")
    .option("--job <name>", "whose I/Os (default: the first job)")
    .option("--machine <machine>", "a shipped name (dmasim list machines) or a .yaml file")
    .option("--set <path=value>", "change a key; as for dmasim run (repeatable)", collectOverride)
    .option("--seed <n>", "seed of every random draw (default: the profile's)", parseSeed)
    .option("--limit-ios <n>", "scale a job down to this many I/Os, as for dmasim run", parseLimitIos)
    .option("--full", "run the whole load, however long it takes")
    .option(...JSON_FLAG)
    .action(async (profile: string, flags: ExplainFlags) => {
      session.exitCode = await explain(session.output, profile, flags);
    });
}

async function explain(output: Output, profile: string, flags: ExplainFlags): Promise<number> {
  checkOutputs({ "--json": flags.json });
  const interrupt = catchInterrupts(output);
  try {
    const resolved = resolveRun(profile, { ...flags, clock: "virtual", payload: false, verify: false });
    const explanation = await follow(output, resolved, flags.job ?? null, interrupt.signal);
    const { renderExplanation } = await import("../report/explain/terminal.ts");
    present(output, flags.json, explanation, renderExplanation(output.screen, explanation));
    return explanation.partial === true ? EXIT.interrupted : EXIT.ok;
  } finally {
    interrupt.release();
  }
}

async function follow(
  output: Output,
  { options, notes }: ResolvedRun,
  job: string | null,
  signal: AbortSignal,
): Promise<Explanation> {
  // The simulator is loaded when it is needed, so that help and errors stay instant.
  const { explainRun } = await import("../sim/explain/explain.ts");
  const progress = startProgress(output);
  try {
    const found = await explainRun({ ...options, signal, onProgress: progress.update }, job);
    return { ...found, run: { ...found.run, notes: [...notes, ...found.run.notes] } };
  } finally {
    progress.stop();
  }
}
