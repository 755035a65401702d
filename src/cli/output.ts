/** The only place that prints. Results go to stdout, everything else to stderr. */
import pc from "picocolors";
import { DmasimError, EXIT } from "../base/errors.ts";
import { renderJson } from "../report/json.ts";
import { createScreen, type Screen } from "../report/style.ts";
import { checkWritable, writeErrorText, writeFileAtomically } from "../report/write.ts";

/** The path that means stdout. */
export const STDOUT = "-";
const STDOUT_REMEDY = "make room there, or redirect the output elsewhere";

/** Where a command writes, and how wide and coloured its screen is. */
export interface Output {
  readonly screen: Screen;
  /** True when stderr is a terminal: progress may be drawn on it. */
  readonly progressWanted: boolean;
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
}

/** The process's own streams. A reader that closes its pipe early (`| head`) ends the program quietly. */
export function processOutput(): Output {
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE") process.exit();
    process.stderr.write(`dmasim: cannot write to stdout (${writeErrorText(error)})\n  remedy: ${STDOUT_REMEDY}\n`);
    process.exit(EXIT.usage);
  });
  // Nobody is left to tell.
  process.stderr.on("error", () => {});
  return {
    screen: createScreen(pc.isColorSupported, process.stdout.columns),
    progressWanted: process.stderr.isTTY === true,
    out: (text) => void process.stdout.write(text),
    err: (text) => void process.stderr.write(text),
  };
}

/** Writes `text` to a file, or to stdout for `-`. */
export function deliver(output: Output, path: string, text: string): void {
  if (path === STDOUT) output.out(text);
  else writeFileAtomically(path, text);
}

/** One output of a command: `text` makes it when it is written; without a `path` it was not asked for. */
export interface Delivery {
  readonly path: string | undefined;
  readonly text: () => string;
}

/** Writes every output that was asked for; a file that cannot be written does not cost the others, and is the error at the end. */
export function deliverEach(output: Output, deliveries: readonly Delivery[]): void {
  const errors: unknown[] = [];
  for (const { path, text } of deliveries) {
    try {
      if (path !== undefined) deliver(output, path, text());
    } catch (error) {
      errors.push(error);
    }
  }
  if (errors.length > 0) throw errors[0];
}

/** Throws, before any work, when an output file cannot be written or two outputs want stdout; `paths` are named by their flags. */
export function checkOutputs(paths: Readonly<Record<string, string | undefined>>): void {
  checkOneStdout(paths);
  for (const path of Object.values(paths)) if (path !== undefined && path !== STDOUT) checkWritable(path);
}

/** What `--json FILE` means for every command: the value goes to the file; with `-` it is all that stdout gets. */
export function present(output: Output, json: string | undefined, value: unknown, text: string): void {
  if (json !== STDOUT) output.out(text);
  if (json !== undefined) deliver(output, json, renderJson(value));
}

function checkOneStdout(paths: Readonly<Record<string, string | undefined>>): void {
  const flags = Object.entries(paths).filter(([, path]) => path === STDOUT);
  if (flags.length <= 1) return;
  throw new DmasimError({
    code: "DMASIM_STDOUT_TWICE",
    what: `${flags.map(([flag]) => flag).join(" and ")} both write to stdout`,
    limit: "one output can be -",
    remedy: "give the other a file name",
  });
}
