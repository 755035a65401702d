import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { planted, withMutant } from "../support/mutant.ts";
import { patience } from "../support/patience.ts";
import { Overlay } from "./overlay.ts";
import { PLANTS } from "./plants.ts";
import { PROVED_PLANTS } from "./proofs.ts";
import { runGroup } from "./run_group.ts";

const isDeep = process.env.DMASIM_DEEP === "1";
const FOUND_MS_MAX = 60_000;
/** A run may look this long; on a computer that does nothing else most need two or three seconds. */
const MINUTES = "0.9";
const OPERATIONS_MAX = 200;
/** Two threads may miss one another: such a proof runs again until the time is over. */
const AGAIN_MS_MAX = FOUND_MS_MAX - 20_000;

describe("dmasim stress finds what was planted", () => {
  it.each(PLANTS.filter(({ deep }) => isDeep || deep !== true))("$name", { timeout: 180_000 }, async (plant) => {
    await withMutant(plant, async (bin, folder) => {
      const run = (...args: string[]) => runGroup(folder, [bin, "stress", ...args], 2 * FOUND_MS_MAX);
      const saved = join(folder, "finding.json");
      const faults = plant.faults === undefined ? [] : ["--faults", plant.faults];
      const found = await run("--minutes", MINUTES, "--only", plant.only, ...faults, "--save", saved);
      expect(found.output).toContain("reproduce: dmasim stress --seed 1 --round ");
      expect(found.output).toMatch(plant.symptom);
      expect(found.code).toBe(3);
      expect(found.ms).toBeLessThan(FOUND_MS_MAX * patience());
      if (plant.race === true || !found.output.includes("--replay")) return;
      const { operations } = JSON.parse(readFileSync(saved, "utf8")) as { operations: readonly unknown[] };
      // A round has thousands; what needs a full pool to show keeps the mappings that fill it.
      expect(operations.length).toBeLessThan(plant.operationsMax ?? OPERATIONS_MAX);
      expect((await run("--replay", saved)).code).toBe(3);
    });
  });
});

describe("the proof of a protocol finds what was planted", () => {
  let overlay: Overlay;

  beforeAll(() => {
    overlay = new Overlay();
  });

  afterAll(() => overlay.dispose());

  it.each(PROVED_PLANTS.filter(({ deep }) => isDeep || deep !== true))("$name", { timeout: 180_000 }, async (plant) => {
    const { file, test, named } = plant;
    const plantIt = (code: string) => planted(code, plant);
    const args = ["node_modules/vitest/vitest.mjs", "run", test, "-t", named];
    const { code, ms, output } = await overlay.changed(file, plantIt, false, async () => {
      let run = await runGroup(overlay.folder, args, FOUND_MS_MAX);
      for (let ms = run.ms; run.code === 0 && plant.race === true && ms < AGAIN_MS_MAX; ms += run.ms) {
        run = await runGroup(overlay.folder, args, FOUND_MS_MAX);
      }
      return run;
    });
    expect(code, output).toBe(1);
    expect(output.split("\n").filter((line) => line.includes("FAIL") && line.includes(named))).not.toEqual([]);
    expect(ms).toBeLessThan(FOUND_MS_MAX * patience());
  });
});

it("there are twenty and more", () => {
  const names = [...PLANTS, ...PROVED_PLANTS].map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
  expect(names.length).toBeGreaterThanOrEqual(20);
});
