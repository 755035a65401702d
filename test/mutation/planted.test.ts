import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { withMutant } from "../support/mutant.ts";
import { PLANTS } from "./plants.ts";

/** On a computer that does nothing else each takes a few seconds. */
const MINUTES = "0.5";
const ENVIRONMENT = { ...process.env, NO_COLOR: "1" };

describe("dmasim stress finds what was planted", () => {
  it.each(PLANTS)("$name", { timeout: 180_000 }, async (plant) => {
    await withMutant(plant, (bin, folder) => {
      const run = (...args: string[]) =>
        spawnSync(process.execPath, [bin, "stress", ...args], { encoding: "utf8", env: ENVIRONMENT });
      const saved = join(folder, "finding.json");
      const faults = plant.faults === undefined ? [] : ["--faults", plant.faults];
      const found = run("--minutes", MINUTES, "--only", plant.only, "--save", saved, ...faults);
      expect(found.stderr).toContain("reproduce: dmasim stress --seed 1 --round ");
      expect(found.status).toBe(3);
      if (plant.race === true || !found.stdout.includes("--replay")) return;
      const { operations } = JSON.parse(readFileSync(saved, "utf8")) as { operations: readonly unknown[] };
      // A round has thousands; what needs a full pool to show keeps the mappings that fill it.
      expect(operations.length).toBeLessThan(200);
      expect(run("--replay", saved).status).toBe(3);
    });
  });
});
