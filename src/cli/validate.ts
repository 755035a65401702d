/** `dmasim validate FILE...`: predicts published measurements and says how far off the predictions are. */
import { availableParallelism } from "node:os";
import type { Command } from "commander";
import { EXIT } from "../base/errors.ts";
import { renderJson } from "../report/json.ts";
import { validateJson } from "../report/validate/json.ts";
import type { Measurement } from "../sim/validate/measurement.ts";
import type { ValidateResult } from "../sim/validate/result.ts";
import { loadMeasurements, SHIPPED_MEASUREMENTS } from "../sim/validate/row_file.ts";
import { catchInterrupts } from "./interrupt.ts";
import { checkOutputs, deliverEach, type Output, STDOUT } from "./output.ts";
import { startProgress } from "./progress.ts";
import { JSON_FLAG, type Session } from "./session.ts";
import { parseTopics, parseValidateWorkers, parseWorst } from "./validate_flags.ts";

/** Flags as commander leaves them. */
interface ValidateFlags {
  readonly topic?: readonly string[];
  readonly all?: true;
  readonly groups?: true;
  readonly worst: number;
  readonly holdout?: true;
  readonly workers?: number;
  readonly json?: string;
  readonly csv?: string;
  readonly plot?: string;
}

const WORST_SHOWN = 10;

/** Adds the command. Rows that are far off or unsupported leave the exit code at 0; a model that fails makes it 1. */
export function addValidateCommand(program: Command, session: Session): void {
  program
    .command("validate")
    .description("predict published measurements and say how far off the predictions are")
    .argument("<file...>", `JSON measurement files, or ${SHIPPED_MEASUREMENTS} for the ones that ship with dmasim`)
    .optionsGroup("What is predicted:")
    .option("--topic <a,b>", "only rows of these topics", parseTopics)
    .option("--all", "also rows that something outside a DMA path sets, and outputs of other models")
    .option("--holdout", "calibrate on a part of the rows of each topic and predict the rest")
    .optionsGroup("Output:")
    .option("--groups", "a table by group as well")
    .option("--worst <n>", "how many of the worst rows to list", parseWorst, WORST_SHOWN)
    .option(...JSON_FLAG)
    .option("--csv <file>", "write one row per measurement (- = stdout)")
    .option("--plot <file>", "write an HTML page: measured against predicted, a panel a group (- = stdout)")
    .optionsGroup("How it runs:")
    .option("--workers <n>", "host threads (default: one less than there are CPUs; 0 = none)", parseValidateWorkers)
    .optionsGroup("Options:")
    .action(async (files: readonly string[], flags: ValidateFlags) => {
      session.exitCode = await validate(session.output, files, flags);
    });
}

async function validate(output: Output, files: readonly string[], flags: ValidateFlags): Promise<number> {
  const outputs = { "--json": flags.json, "--csv": flags.csv, "--plot": flags.plot };
  checkOutputs(outputs);
  const interrupt = catchInterrupts(output);
  try {
    const rows = loadMeasurements(files);
    const result = await predictAll(output, rows, flags, interrupt.signal);
    await deliverAll(output, flags, result, Object.values(outputs).includes(STDOUT));
    if (result.failures.length > 0) return EXIT.internal;
    return result.partial === true ? EXIT.interrupted : EXIT.ok;
  } finally {
    interrupt.release();
  }
}

async function predictAll(
  output: Output,
  rows: readonly Measurement[],
  flags: ValidateFlags,
  signal: AbortSignal,
): Promise<ValidateResult> {
  // Models and threads are loaded when they are needed, so that help and errors stay instant.
  const { validateRows } = await import("../sim/validate/validate.ts");
  const progress = startProgress(output);
  try {
    return await validateRows(rows, {
      topics: flags.topic ?? null,
      all: flags.all === true,
      holdout: flags.holdout === true,
      workers: flags.workers ?? Math.max(1, availableParallelism() - 1),
      signal,
      onProgress: progress.update,
    });
  } finally {
    progress.stop();
  }
}

/** The screen first: a file that cannot be written must not cost the reader the result. */
async function deliverAll(
  output: Output,
  flags: ValidateFlags,
  result: ValidateResult,
  stdoutTaken: boolean,
): Promise<void> {
  if (!stdoutTaken) {
    const { renderValidate } = await import("../report/validate/terminal.ts");
    output.out(renderValidate(output.screen, result, { groups: flags.groups === true, worst: flags.worst }));
  }
  const { renderValidateCsv } = await import("../report/validate/csv.ts");
  // The page's library is large.
  const plot = flags.plot === undefined ? null : await import("../report/validate/plot.ts");
  deliverEach(output, [
    { path: flags.json, text: () => renderJson(validateJson(result)) },
    { path: flags.csv, text: () => renderValidateCsv(result) },
    { path: flags.plot, text: () => plot?.renderValidatePlot(result) ?? "" },
  ]);
}
