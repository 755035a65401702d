// Runs a Node script of the package with the terminal of the caller.
import { spawnSync } from "node:child_process";
import { constants } from "node:os";
import { join } from "node:path";
import { ROOT } from "./source_hash.mjs";

/** Exit code of `node script args`, in the package's folder; 128 + n when signal n ended it. */
export function runNode(script, args, environment = {}) {
  const env = { ...process.env, ...environment };
  const { status, signal, error } = spawnSync(process.execPath, [join(ROOT, script), ...args], {
    cwd: ROOT,
    env,
    stdio: "inherit",
  });
  if (error !== undefined) throw error;
  return status ?? 128 + (constants.signals[signal] ?? 0);
}
