import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { judge } from "../litmus/harness.js";
import { makeBundle, withBundle } from "./bundle.ts";
import type { Finding } from "./explorer.ts";
import { acceptableOf, bounded, explore, formatFinding, random, summary } from "./harness.ts";
import { BOUND, PROTOCOLS } from "./protocols.ts";

const IS_DEEP = process.env.DMASIM_DEEP === "1";
/** Preemptions of a schedule at most, more than the protocol says. */
const DEEPER = IS_DEEP ? 1 : 0;
const WALKS = IS_DEEP ? 30_000 : 300;
const SEED = 1;
const TIMEOUT_MS = IS_DEEP ? 1_800_000 : 120_000;

let sound: { readonly path: string; remove(): void };
beforeAll(async () => {
  sound = await makeBundle([]);
});
afterAll(() => sound.remove());

/**
 * The first outcome that is not acceptable, fewest preemptions first: the shortest way to a bug is the one to read. A data
 * race is one at once; then its words become points of the schedule, to see what comes of it.
 */
async function firstConsequence(
  path: string,
  name: string,
  roles: readonly string[],
  boundMax: number,
  acceptable: readonly string[],
) {
  let schedules = 0;
  let race = "";
  let racy: readonly number[] = [];
  let last: Finding | null = null;
  for (let bound = 0; bound <= boundMax; ) {
    const report = await explore(path, name, roles, { ...bounded(bound, acceptable), racy });
    schedules += report.schedules;
    const { finding } = report;
    if (finding === null) bound += 1;
    else if (finding.races.length === 0) {
      const text = `${race === "" ? "" : `${race}; `}${finding.outcome}, after ${schedules} schedules, preemptions ${finding.preemptions}`;
      return { finding, text };
    } else {
      if (race === "") race = `${finding.outcome}, after ${schedules} schedules, preemptions ${finding.preemptions}`;
      racy = [...racy, ...finding.races];
      last = finding;
    }
  }
  return last === null ? null : { finding: last, text: race };
}

describe.each(PROTOCOLS)("$name", ({ name, pairs, trio, table, plants, ...rest }) => {
  const bound = (rest.bound ?? BOUND) + DEEPER;

  it(
    `two threads, every schedule with at most ${bound} preemptions; three threads, random ones`,
    async () => {
      const acceptable = acceptableOf(table);
      const outcomes: Record<string, number> = {};
      const runs = [
        ...pairs.map((roles) => ({ roles, exploration: bounded(bound, acceptable) })),
        { roles: trio, exploration: random(WALKS, SEED, acceptable) },
      ];
      for (const { roles, exploration } of runs) {
        const report = await explore(sound.path, name, roles, exploration);
        console.log(summary(name, roles, exploration, report));
        if (report.finding !== null) expect.fail(formatFinding(report.finding));
        for (const [outcome, count] of Object.entries(report.outcomes))
          outcomes[outcome] = (outcomes[outcome] ?? 0) + count;
      }
      judge(outcomes, table);
    },
    TIMEOUT_MS,
  );

  it.each(plants)(
    "finds: $name",
    async (plant) => {
      const acceptable = acceptableOf(table);
      await withBundle([plant], async (path) => {
        const found = await firstConsequence(path, name, plant.roles, bound, acceptable);
        if (found === null) expect.fail(`no schedule with at most ${bound} preemptions shows it`);
        console.log(`${name}: planted "${plant.name}": ${found.text}`);
        expect(found.finding.outcome).toMatch(plant.finds);
      });
    },
    TIMEOUT_MS,
  );
});
