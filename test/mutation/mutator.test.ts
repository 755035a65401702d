/** Changes single places of host/, shm/ and device/ and asks whether any test notices (docs/stress.md, "The mutator"). */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Killers, killersOf } from "./killers.ts";
import { BUILT, Overlay } from "./overlay.ts";
import { drawSites, mutate, type Site } from "./sites.ts";
import { explanationOf } from "./survivors.ts";

const isDeep = process.env.DMASIM_DEEP === "1";
const SEED = Number(process.env.DMASIM_MUTATION_SEED ?? "1");
const IS_FIXED_DRAW = process.env.DMASIM_MUTATION_SEED === undefined;
/** Of the fifty sites; the everyday run takes one of each operator in host/ and one of each other plane. */
const SHARE = isDeep ? 1 : 0.1;
const KILLED_MIN = 0.8;
const MINUTES_20 = 1_200_000;

interface Verdict {
  readonly site: Site;
  /** Null = survived. */
  readonly killedBy: string | null;
  readonly ms: number;
}

const sites = drawSites(BUILT, SEED, SHARE);
const verdicts: Verdict[] = [];
let overlay: Overlay;
let killers: Killers;

beforeAll(async () => {
  overlay = new Overlay();
  killers = new Killers(overlay.folder);
  if (isDeep) await killers.rehearse(["host/", "host/arch/"].flatMap((file) => killersOf(overlay.folder, file, true)));
}, MINUTES_20);

afterAll(() => {
  overlay.dispose();
  const killed = verdicts.filter(({ killedBy }) => killedBy !== null).length;
  if (isDeep)
    console.log(`${killed} of ${verdicts.length} mutants killed, seed ${SEED}\n${verdicts.map(row).join("\n")}`);
});

describe("mutants of host/, shm/ and device/", () => {
  it.each(sites.map((site) => [place(site), site] as const))("%s", { timeout: MINUTES_20 }, async (_name, site) => {
    const verdict = await judge(site);
    verdicts.push(verdict);
    if (process.env.DMASIM_MUTATION_LOG !== undefined) console.log(row(verdict));
    if (verdict.killedBy === null && IS_FIXED_DRAW) expect(explanationOf(site), "an explanation").toBeDefined();
  });

  it.runIf(isDeep)("four in five are killed", () => {
    expect(verdicts.length).toBe(50);
    expect(verdicts.filter(({ killedBy }) => killedBy !== null).length / verdicts.length).toBeGreaterThanOrEqual(
      KILLED_MIN,
    );
  });
});

async function judge(site: Site): Promise<Verdict> {
  const startMs = performance.now();
  const killedBy = await overlay.changed(
    site.file,
    (code) => mutate(code, site),
    true,
    () => firstKiller(site),
  );
  return { site, killedBy, ms: performance.now() - startMs };
}

async function firstKiller(site: Site): Promise<string | null> {
  for (const killer of killersOf(overlay.folder, site.file, isDeep)) {
    const { code } = await killers.run(killer);
    if (code !== 0) return `${killer.name}${code === null ? " (hangs)" : ""}`;
  }
  return null;
}

function place({ file, line, operator, change, now }: Site): string {
  return `${file}:${line} ${operator}: ${operator === "off by one" ? now : change.slice(0, 120)}`;
}

function row({ site, killedBy, ms }: Verdict): string {
  return `${killedBy === null ? "SURVIVED" : "killed  "} ${(ms / 1000).toFixed(1).padStart(6)} s  ${killedBy ?? "-"}  |  ${place(site)}`;
}
