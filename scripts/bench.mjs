// `npm run bench [-- arguments]`: makes the package ready, then runs the benchmarks.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { runNode } from "./run_node.mjs";
import { setup } from "./setup.mjs";
import { ROOT } from "./source_hash.mjs";

const MAIN = "dist/bundle/bench.js";

setup();
if (existsSync(join(ROOT, MAIN))) {
  process.exitCode = runNode(MAIN, process.argv.slice(2));
} else {
  process.stderr.write("bench: bench/main.ts does not exist, so there is nothing to measure\n");
  process.exitCode = 2;
}
