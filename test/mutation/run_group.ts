/** Runs Node programs of a changed package: they may hang, spin in a thread or leave children behind. */
import { spawn } from "node:child_process";

/** How a program ended. */
export interface GroupRun {
  /** Exit code; null = it was still running at the limit. */
  readonly code: number | null;
  readonly ms: number;
  /** Both streams, the last part. */
  readonly output: string;
}

const PARTINGS = ["exit", "disconnect", "SIGTERM"] as const;
const OUTPUT_CHARS_MAX = 20_000;

/** Runs `args` in `folder` in a process group of its own, all of which is ended after `limitMs`. */
export function runGroup(folder: string, args: readonly string[], limitMs: number): Promise<GroupRun> {
  const startMs = performance.now();
  const child = spawn(process.execPath, args, { cwd: folder, env: cleanEnvironment(), detached: true });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (part) => {
      output = (output + String(part)).slice(-OUTPUT_CHARS_MAX);
    });
  }
  const endAll = () => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
    } catch {
      // It has ended already.
    }
  };
  let isLate = false;
  const timer = setTimeout(() => {
    isLate = true;
    endAll();
  }, limitMs);
  // Whoever runs this process may be ended itself.
  for (const event of PARTINGS) process.once(event, endAll);
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => {
      clearTimeout(timer);
      for (const event of PARTINGS) process.off(event, endAll);
      resolve({ code: isLate ? null : (code ?? 1), ms: performance.now() - startMs, output });
    });
  });
}

/** Without what vitest tells its own children. */
function cleanEnvironment(): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([key]) => !/^(?:VITEST|TEST$|DMASIM_|NODE_V8_COVERAGE)/.test(key));
  return { ...Object.fromEntries(kept), NO_COLOR: "1", DMASIM_BUILT: "1" };
}
