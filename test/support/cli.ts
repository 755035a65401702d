/** Spawns the command line as a user does: no terminal, no colour. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

const BIN = fileURLToPath(new URL("../../bin/dmasim.mjs", import.meta.url));

export interface CliResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export function dmasim(
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
  cwd = process.cwd(),
): CliResult {
  const env = { ...process.env, NO_COLOR: "1", ...environment };
  const { status, stdout, stderr } = spawnSync(process.execPath, [BIN, ...args], { encoding: "utf8", env, cwd });
  return { code: status, stdout, stderr };
}

/** A command line that runs beside the test. */
export interface RunningCli {
  readonly child: ChildProcess;
  /** Resolves when the process has ended, with what it printed. */
  readonly done: Promise<CliResult>;
  /** Milliseconds (performance.now) at which stderr first matched; rejects when the process ends before. */
  readonly stderrMatches: (pattern: RegExp) => Promise<number>;
}

/** Like {@link dmasim}, without waiting. */
export function startDmasim(args: readonly string[], environment: Readonly<Record<string, string>> = {}): RunningCli {
  const env = { ...process.env, NO_COLOR: "1", ...environment };
  const child = spawn(process.execPath, [BIN, ...args], { env, stdio: ["ignore", "pipe", "pipe"] });
  let stdout = "";
  let stderr = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });
  const done = new Promise<CliResult>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => resolve({ code, stdout, stderr }));
  });
  const stderrMatches = (pattern: RegExp): Promise<number> =>
    new Promise((resolve, reject) => {
      child.stderr.on("data", () => pattern.test(stderr) && resolve(performance.now()));
      child.once("close", () => reject(new Error(`ended without ${pattern}: ${stderr}`)));
    });
  return { child, done, stderrMatches };
}
