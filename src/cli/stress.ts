/** `dmasim stress`: random machines, lists and faults against the mapping code, every byte checked. */
import type { Command } from "commander";
import { PATH_NAMES } from "../base/cost.ts";
import { DmasimError, EXIT } from "../base/errors.ts";
import { faultTable, faultTableJson } from "../report/fault_table.ts";
import { renderFinding, renderStress, stressJson, stressLine } from "../report/stress.ts";
import { checkWritable, writeFileAtomically } from "../report/write.ts";
import { FAULT_NAMES, type FaultName } from "../sim/stress/faults/table.ts";
import { resolveChoice } from "../sim/stress/machine.ts";
import { type ReplayFile, readReplayFile, replayText } from "../sim/stress/replay_file.ts";
import type { RoundFinding, StressLook, StressOptions, StressResult } from "../sim/stress/stress.ts";
import { catchInterrupts } from "./interrupt.ts";
import { type Output, present, STDOUT } from "./output.ts";
import { numberFlag, parseSeed } from "./run_flags.ts";
import { JSON_FLAG, type Session } from "./session.ts";

interface StressFlags {
  readonly minutes?: number;
  readonly ops?: number;
  readonly seed?: number;
  readonly round?: number;
  readonly only?: string;
  readonly workers: number;
  readonly faults?: string;
  readonly listFaults?: true;
  readonly replay?: string;
  readonly save: string;
  readonly json?: string;
}

const DEFAULT_MINUTES = 1;
const DEFAULT_SEED = 1;
const DEFAULT_WORKERS = 2;
const WORKERS_LIMIT = 63;
const LINE_MS = 1000;

/** Adds `dmasim stress`; a finding is exit code 3. */
export function addStressCommand(program: Command, session: Session): void {
  program
    .command("stress")
    .description("break the mapping layer: random machines, lists and faults on real threads, every byte checked")
    .optionsGroup("What runs:")
    .option(
      "--minutes <m>",
      `stop after this time (default: ${DEFAULT_MINUTES}, fractions allowed)`,
      numberFlag("--minutes", 0.001, 1e5, false),
    )
    .option(
      "--ops <n>",
      "stop after this many operations of all workers",
      numberFlag("--ops", 1, Number.MAX_SAFE_INTEGER),
    )
    .option("--seed <n>", `seed of every random draw (default: ${DEFAULT_SEED})`, parseSeed)
    .option("--round <n>", "run this round only: one machine and its operations", numberFlag("--round", 0, 1e9))
    .option("--only <path,...>", "paths: direct, iommu, bounce, p2p")
    .option("--workers <n>", "host threads", numberFlag("--workers", 1, WORKERS_LIMIT), DEFAULT_WORKERS)
    .option("--faults <name,...>", `all, or of: ${FAULT_NAMES.join(", ")}`)
    .option("--list-faults", "print what each fault does, what notices it and what is at risk")
    .optionsGroup("Findings:")
    .option("--replay <file>", "run the operations of a saved finding on one thread")
    .option("--save <file>", "where a finding's shrunk operations go", "stress-finding.json")
    .optionsGroup("Output:")
    .option(...JSON_FLAG)
    .optionsGroup("Options:")
    .action(async (flags: StressFlags) => {
      if (flags.json !== undefined && flags.json !== STDOUT) checkWritable(flags.json);
      if (flags.listFaults === true) {
        present(session.output, flags.json, faultTableJson(), faultTable());
        return;
      }
      session.exitCode =
        flags.replay === undefined
          ? await stress(session.output, flags)
          : await replay(session.output, flags.replay, flags.json);
    });
}

async function stress(output: Output, flags: StressFlags): Promise<number> {
  checkWritable(flags.save);
  const interrupt = catchInterrupts(output);
  const options = stressOptions(flags, interrupt.signal, liveLine(output));
  // Threads and the simulator are loaded for a run only, so that help and errors stay instant.
  const { runStress } = await import("../sim/stress/stress.ts");
  let result: StressResult;
  try {
    result = await runStress(options);
  } finally {
    clearLine(output);
    interrupt.release();
  }
  await deliverStress(output, flags, options, result);
  if (result.finding !== null || result.rss?.holds === false) return EXIT.verification;
  return result.partial ? EXIT.interrupted : EXIT.ok;
}

async function deliverStress(
  output: Output,
  flags: StressFlags,
  options: StressOptions,
  result: StressResult,
): Promise<void> {
  const { finding } = result;
  const reproduce = finding === null ? null : reproduceLine(finding, options);
  let text = renderStress(result, options.seed);
  let saved: { file: string; replay: ReplayFile } | null = null;
  if (finding !== null && reproduce !== null) {
    // At once: shrinking takes a while and could be interrupted.
    output.err(`dmasim: ${finding.kind}: ${finding.text}\n  reproduce: ${reproduce}\n`);
    const { reduceFinding } = await import("../sim/stress/reduce.ts");
    const reduced = reduceFinding(finding, options);
    if (reduced !== null) {
      writeFileAtomically(flags.save, replayText(reduced));
      saved = { file: flags.save, replay: reduced };
    }
    text += renderFinding(result, reproduce, saved);
  }
  present(output, flags.json, stressJson(result, options.seed, reproduce, saved?.file ?? null), text);
}

/** Runs a saved list; 3 when it still shows something wrong. */
async function replay(output: Output, path: string, json: string | undefined): Promise<number> {
  const file = readReplayFile(path);
  const { replayOperations } = await import("../sim/stress/replay.ts");
  const { seed, worker, workers, operations } = file;
  const finding = replayOperations({ seed, worker, workers, operations, machine: resolveChoice(file) });
  const text =
    finding === null
      ? `dmasim stress: ${operations.length} operations, nothing is wrong (saved for: ${file.finding})\n`
      : `dmasim stress: FOUND: ${finding.kind}\n  ${finding.text}\n`;
  const value = { seed, ops: operations.length, failures: finding === null ? 0 : 1, finding };
  present(output, json, value, text);
  return finding === null ? EXIT.ok : EXIT.verification;
}

function stressOptions(flags: StressFlags, signal: AbortSignal, onLook: (look: StressLook) => void): StressOptions {
  const minutes = flags.minutes ?? (flags.ops === undefined ? DEFAULT_MINUTES : null);
  return {
    seed: flags.seed ?? DEFAULT_SEED,
    workers: flags.workers,
    only: words(flags.only, "--only", PATH_NAMES.slice(0, 4)).map((name) => PATH_NAMES.indexOf(name)),
    faults: flags.faults === "all" ? FAULT_NAMES : words<FaultName>(flags.faults, "--faults", FAULT_NAMES),
    limitNs: minutes === null ? null : minutes * 60e9,
    limitOps: flags.ops ?? null,
    round: flags.round ?? null,
    signal,
    onLook,
  };
}

/** The words of a comma list, each one of `known`. */
function words<Word extends string>(text: string | undefined, flag: string, known: readonly Word[]): Word[] {
  if (text === undefined) return [];
  return text.split(",").map((part) => {
    const word = known.find((each) => each === part.trim());
    if (word !== undefined) return word;
    throw new DmasimError({
      code: "DMASIM_FLAG_INVALID",
      what: `${flag} does not know this name`,
      value: part,
      limit: `known: ${known.join(", ")}`,
    });
  });
}

/** The one line that runs the failing round again, up to the finding. */
function reproduceLine({ round, steps }: RoundFinding, { seed, workers, only, faults }: StressOptions): string {
  const parts = [`dmasim stress --seed ${seed} --round ${round} --workers ${workers}`];
  if (only.length > 0) parts.push(`--only ${only.map((path) => PATH_NAMES[path]).join(",")}`);
  if (faults.length > 0) parts.push(`--faults ${faults.length === FAULT_NAMES.length ? "all" : faults.join(",")}`);
  if (steps > 0) parts.push(`--ops ${Math.max(1, steps) * workers}`);
  return parts.join(" ");
}

function liveLine(output: Output): (look: StressLook) => void {
  if (!output.progressWanted) return () => {};
  let lastMs = 0;
  return (look) => {
    const nowMs = performance.now();
    if (nowMs - lastMs < LINE_MS) return;
    lastMs = nowMs;
    output.err(`\r\u001b[K${stressLine(look).slice(0, output.screen.width - 1)}`);
  };
}

function clearLine(output: Output): void {
  if (output.progressWanted) output.err("\r\u001b[K");
}
