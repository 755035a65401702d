// `npm test [-- vitest's arguments]`: makes the package ready, then runs the tests once.
// `--deep` (npm run test:deep) runs the property tests, with ten times as many sequences, and the proofs, with a larger bound.
import { runNode } from "./run_node.mjs";
import { setup } from "./setup.mjs";

const DEEP = "--deep";

const given = process.argv.slice(2);
const isDeep = given.includes(DEEP);
const args = given.filter((arg) => arg !== DEEP);
const environment = { DMASIM_BUILT: "1", ...(isDeep ? { DMASIM_DEEP: "1" } : {}) };

setup();
process.exitCode = runNode(
  "node_modules/vitest/vitest.mjs",
  ["run", ...(isDeep ? ["test/property", "test/proof"] : []), ...args],
  environment,
);
