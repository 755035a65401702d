// `npm test [-- vitest's arguments]`: makes the package ready, then runs the tests once.
import { runNode } from "./run_node.mjs";
import { setup } from "./setup.mjs";

setup();
process.exitCode = runNode("node_modules/vitest/vitest.mjs", ["run", ...process.argv.slice(2)], { DMASIM_BUILT: "1" });
