// Reads vitest's JSON results. `node scripts/test_results.mjs lost FILE...`: test files that did not run to their end because
// their process died, one a line, as long as nothing failed. `... counts FILE...`: one line of counts over all files; a test
// file that is in several counts as in the last.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import { ROOT } from "./source_hash.mjs";

const [what, ...files] = process.argv.slice(2);
/** By test file: status of each of its tests. */
const statuses = new Map();
for (const file of files.filter(existsSync)) {
  const text = readFileSync(file, "utf8");
  if (text === "") continue;
  for (const { name, assertionResults } of JSON.parse(text).testResults) {
    statuses.set(
      relative(ROOT, resolve(name)),
      assertionResults.map(({ status }) => status),
    );
  }
}
const all = [...statuses.values()].flat();
const count = (...names) => all.filter((status) => names.includes(status)).length;

if (what === "counts") {
  console.log(`${count("passed")} passed, ${count("failed")} failed, ${count("skipped", "pending", "todo")} skipped`);
} else if (count("failed") === 0) {
  const known = readdirSync(join(ROOT, "test"), { recursive: true }).filter((name) => name.endsWith(".test.ts"));
  const lost = (name) => statuses.get(name)?.every((status) => status !== "pending") !== true;
  for (const name of known.map((each) => join("test", each)).filter(lost)) console.log(name);
}
