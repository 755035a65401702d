/** `dmasim run PROFILE`: runs a load on a machine and reports. */
import { type Command, Option } from "commander";
import { renderCsv } from "../report/csv.ts";
import { renderFioJson } from "../report/fio_json.ts";
import { renderResultJson } from "../report/json.ts";
import { renderRun } from "../report/terminal.ts";
import type { RunResult } from "../sim/result.ts";
import { exitCodeOf } from "./exit_code.ts";
import { catchInterrupts, type Interrupt } from "./interrupt.ts";
import { checkOutputs, deliverEach, type Output, STDOUT } from "./output.ts";
import { collectOverride } from "./overrides.ts";
import { startProgress } from "./progress.ts";
import {
  DEFAULT_LIMIT_IOS,
  DEFAULT_LIMIT_SECONDS,
  parseLimitIos,
  parseLimitSeconds,
  parseSeed,
  parseWorkers,
  type ResolvedRun,
  type RunFlags,
  resolveRun,
} from "./run_flags.ts";
import { JSON_FLAG, type Session } from "./session.ts";
import { vary } from "./vary.ts";
import { collectVary } from "./vary_flags.ts";

/** Adds `dmasim run`; the exit code of the run goes into the session. */
export function addRunCommand(program: Command, session: Session): void {
  const command = program
    .command("run")
    .description("run a load profile on a machine: how fast, limited by what, is it correct")
    .argument("<profile>", "a shipped name (dmasim list profiles), a .yaml profile or a .fio job file");
  addLoadOptions(command);
  addHostOptions(command);
  addOutputOptions(command);
  command.action(async (profile: string, flags: RunFlags) => {
    session.exitCode = await run(session.output, profile, flags);
  });
}

function addLoadOptions(command: Command): void {
  command
    .optionsGroup("What runs:")
    .option("--machine <machine>", "a shipped name (dmasim list machines) or a .yaml file")
    .option("--set <path=value>", "change a key; jobs, global and seed are the profile's (repeatable)", collectOverride)
    .option(
      "--vary <path=a,b,c>",
      "one run for each value and one table; ranges as 1..128*2; repeated: every combination",
      collectVary,
    )
    .option("--seed <n>", "seed of every random draw (default: the profile's)", parseSeed)
    .option("--limit-ios <n>", `scale a job down to this many I/Os (default: ${DEFAULT_LIMIT_IOS})`, parseLimitIos)
    .option(
      "--limit-seconds <s>",
      `scale a job down to this many seconds (default: ${DEFAULT_LIMIT_SECONDS})`,
      parseLimitSeconds,
    )
    .addOption(
      new Option("--full", "run the whole load, however long it takes").conflicts(["limitIos", "limitSeconds"]),
    )
    .option("--assume-direct", "treat buffered jobs as if they had direct=1");
}

function addHostOptions(command: Command): void {
  command
    .optionsGroup("How it runs:")
    .addOption(
      new Option("--clock <clock>", "virtual predicts; wall runs freely on this computer")
        .choices(["virtual", "wall"])
        .default("virtual"),
    )
    .option("--workers <n>", "host threads (default: one less than there are CPUs)", parseWorkers)
    .option("--no-payload", "predict only, move no bytes")
    .option("--no-verify", "move bytes but do not check them")
    .option("--per-tlp", "virtual clock: arbitrate TLP by TLP, to check the closed forms (slower)")
    .option("--dma-debug", "check every use of the DMA API as the kernel's dma-debug does (errors: exit code 3)")
    .option("--image", "add the SHA-256 of the memory image to the result");
}

function addOutputOptions(command: Command): void {
  command
    .optionsGroup("Output:")
    .option(...JSON_FLAG)
    .option("--fio-json <file>", "write what fio --output-format=json would (- = stdout)")
    .option("--csv <file>", "write one row per job and direction (- = stdout)")
    .optionsGroup("Options:");
}

async function run(output: Output, profileName: string, flags: RunFlags): Promise<number> {
  checkOutputs(outputFiles(flags));
  if (flags.vary !== undefined) return vary(output, profileName, flags, flags.vary);
  const interrupt = catchInterrupts(output);
  try {
    const resolved = resolveRun(profileName, flags);
    const result = await runResolved(output, resolved, interrupt);
    deliverAll(output, flags, result);
    return exitCodeOf(result);
  } finally {
    interrupt.release();
  }
}

function outputFiles(flags: RunFlags): Readonly<Record<string, string | undefined>> {
  return { "--json": flags.json, "--fio-json": flags.fioJson, "--csv": flags.csv };
}

async function runResolved(output: Output, { options, notes }: ResolvedRun, interrupt: Interrupt): Promise<RunResult> {
  // Threads and the simulator are loaded for a run only, so that help and errors stay instant.
  const { runProfile } = await import("../sim/run.ts");
  const progress = startProgress(output);
  try {
    const result = await runProfile({ ...options, signal: interrupt.signal, onProgress: progress.update });
    return { ...result, notes: [...notes, ...result.notes] };
  } finally {
    progress.stop();
  }
}

/** The screen first: a file that cannot be written must not cost the reader the result. */
function deliverAll(output: Output, flags: RunFlags, result: RunResult): void {
  const stdoutTaken = Object.values(outputFiles(flags)).includes(STDOUT);
  if (!stdoutTaken) output.out(renderRun(output.screen, result));
  deliverEach(output, [
    { path: flags.json, text: () => renderResultJson(result) },
    { path: flags.fioJson, text: () => renderFioJson(result, new Date()) },
    { path: flags.csv, text: () => renderCsv(result) },
  ]);
}
