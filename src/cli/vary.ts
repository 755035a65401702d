/** `dmasim run PROFILE --vary path=values`: one load, one table over the values. */
import { DmasimError, EXIT } from "../base/errors.ts";
import { renderJson } from "../report/json.ts";
import type { VaryResult } from "../sim/vary/result.ts";
import type { VaryPoint } from "../sim/vary/vary.ts";
import { exitCodeOf } from "./exit_code.ts";
import { catchInterrupts } from "./interrupt.ts";
import { deliverEach, type Output, STDOUT } from "./output.ts";
import { startProgress } from "./progress.ts";
import type { RunFlags, VaryFlag } from "./run_flags.ts";
import { varyPoints } from "./vary_flags.ts";

/** Runs every combination of `axes` and reports; the exit code is the worst of the runs'. */
export async function vary(
  output: Output,
  profile: string,
  flags: RunFlags,
  axes: readonly VaryFlag[],
): Promise<number> {
  checkFormats(flags);
  const interrupt = catchInterrupts(output, "stopping, finished runs follow");
  try {
    const { points, notes } = varyPoints(profile, flags, axes);
    const varied = await runPoints(output, flags, axes, points, interrupt.signal);
    await deliverAll(output, flags, varied, notes);
    return codeOf(varied);
  } finally {
    interrupt.release();
  }
}

async function runPoints(
  output: Output,
  flags: RunFlags,
  axes: readonly VaryFlag[],
  points: readonly VaryPoint[],
  signal: AbortSignal,
): Promise<VaryResult> {
  const { runVaried } = await import("../sim/vary/vary.ts");
  const progress = startProgress(output);
  try {
    return await runVaried(
      axes.map(({ key }) => key),
      points,
      {
        // Under wall each run has threads of its own, and measures this computer.
        threads: flags.clock === "wall" ? 1 : (points[0]?.options.workers ?? 1),
        signal,
        onProgress: progress.update,
      },
    );
  } finally {
    progress.stop();
  }
}

function checkFormats(flags: RunFlags): void {
  if (flags.fioJson === undefined) return;
  throw new DmasimError({
    code: "DMASIM_FLAGS_CONFLICT",
    what: "--fio-json and --vary exclude each other: fio's JSON holds one run",
    remedy: "use --json or --csv",
  });
}

/** The screen first: a file that cannot be written must not cost the reader the result. */
async function deliverAll(
  output: Output,
  flags: RunFlags,
  varied: VaryResult,
  notes: readonly string[],
): Promise<void> {
  if (flags.json !== STDOUT && flags.csv !== STDOUT) {
    const { renderVaried } = await import("../report/vary/terminal.ts");
    output.out(renderVaried(output.screen, varied, notes));
  }
  const { renderVariedCsv } = await import("../report/vary/csv.ts");
  deliverEach(output, [
    { path: flags.json, text: () => renderJson(varied) },
    { path: flags.csv, text: () => renderVariedCsv(varied) },
  ]);
}

/** Wrong data first, then an interruption, then loads that a machine refused, then missed objectives. */
function codeOf({ runs, partial }: VaryResult): number {
  const codes = runs.map(({ result }) => (result === undefined ? EXIT.usage : exitCodeOf(result)));
  if (codes.includes(EXIT.verification)) return EXIT.verification;
  if (partial === true) return EXIT.interrupted;
  return [EXIT.usage, EXIT.objective].find((code) => codes.includes(code)) ?? EXIT.ok;
}
