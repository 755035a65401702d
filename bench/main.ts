/**
 * `node dist/bench/main.js [--smoke] [--json FILE|-] [--only NAME]... [--list]`: measures this program on this computer.
 *
 * Figures are host figures: they say nothing about a simulated machine. Every case whose result means something only
 * beside another stands beside its baseline; ratios are speeds, 1 = as fast as the baseline.
 */
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { type BenchSuite, type CaseResult, FULL, SMOKE } from "./case.ts";
import { runSuite } from "./runner.ts";
import { ATOMICS } from "./suites/atomics.ts";
import { COPY } from "./suites/copy.ts";
import { EVENTS } from "./suites/events.ts";
import { MAP } from "./suites/map.ts";
import { RING } from "./suites/ring.ts";
import { TRANSLATE } from "./suites/translate.ts";
import { VIRTUAL } from "./suites/virtual.ts";
import { WALL } from "./suites/wall.ts";
import { suiteTable } from "./table.ts";

const SUITES: readonly BenchSuite[] = [COPY, ATOMICS, RING, MAP, TRANSLATE, EVENTS, WALL, VIRTUAL];

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      smoke: { type: "boolean", default: false },
      json: { type: "string" },
      only: { type: "string", multiple: true },
      list: { type: "boolean", default: false },
    },
  });
  if (values.list) {
    for (const suite of SUITES) process.stdout.write(`${suite.name.padEnd(10)} ${suite.title}\n`);
    return;
  }
  const chosen = choose(values.only);
  const quiet = values.json === "-";
  const cases: CaseResult[] = [];
  for (const suite of chosen) {
    const results = await runSuite(suite, values.smoke ? SMOKE : FULL);
    cases.push(...results);
    if (!quiet) process.stdout.write(suiteTable(suite.title, results));
  }
  if (values.json === undefined) return;
  const text = `${JSON.stringify({ cases: cases.map(published) }, null, 2)}\n`;
  if (quiet) process.stdout.write(text);
  else writeFileSync(values.json, text);
}

function choose(only: readonly string[] | undefined): readonly BenchSuite[] {
  const unknown = only?.find((name) => !SUITES.some((suite) => suite.name === name));
  if (unknown !== undefined) {
    throw new Error(`no suite ${unknown}; suites: ${SUITES.map((suite) => suite.name).join(", ")}`);
  }
  return only === undefined ? SUITES : SUITES.filter((suite) => only.includes(suite.name));
}

/** The JSON's form: the name carries suite and case. */
function published(result: CaseResult): object {
  const { suite, name, hz, ns, ratio, baseline } = result;
  const figures = { name: `${suite}: ${name}`, hz, ns };
  return baseline === undefined ? figures : { ...figures, ratio, baseline: `${suite}: ${baseline}` };
}

try {
  await main();
} catch (error) {
  process.stderr.write(`bench: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
