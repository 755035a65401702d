/** What looks for a changed statement, cheapest first: shipped cases, tests next to the file, all tests of the planes, stress. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type GroupRun, runGroup } from "./run_group.ts";

/** A check of the copy: `args` for Node, run in its folder; a right program ends with 0. */
export interface Killer {
  readonly name: string;
  readonly args: readonly string[];
  /** Real threads and time decide, so that one failure on a busy computer proves nothing: it must fail twice. */
  readonly twice?: true;
}

const STRESS_OPS = "4000";
const STRESS_PATHS = ["iommu", "bounce", "p2p", "direct"];
const PLANE_TESTS = ["unit/host", "unit/device", "unit/shm", "unit/pagetable", "unit/memory"];
const SYSTEM_TESTS = ["conformance", "unit/sim/stress", "unit/sim/mapping", "unit/sim/check"];
/** Those of the longer ones that meet the mapping layer, without those that are about something else. */
const LONG_TESTS = [
  "litmus",
  "proof/protocols",
  "property/dma_map",
  "property/iova",
  "property/pagetable",
  "property/scatterlist",
  "property/swiotlb",
  "scenario/faults",
  "scenario/p2p",
  "scenario/window",
  "scenario/dma_debug",
  "scenario/flush_queue",
  "scenario/guards",
  "scenario/limits",
  "scenario/paths",
];
/** A slower end than this many times the unchanged program's is a hang. */
const HANG_FACTOR = 8;
const HANG_MS_MIN = 20_000;
/** Limit of a killer whose usual time is not known. */
const HANG_MS = 60_000;
const REHEARSAL_MS_MAX = 600_000;

/** Killers for a mutant of `file` (below dist/src), in the order in which they run. The 2015 architectures meet no device. */
export function killersOf(folder: string, file: string, isDeep: boolean): readonly Killer[] {
  const near = testsImporting(folder, file);
  const isArch = file.startsWith("host/arch/");
  return [
    { name: "linux-cases", args: ["bin/dmasim.mjs", "check", "linux-cases"] },
    ...(near.length > 0 ? [vitest("tests of the file", near)] : []),
    isArch
      ? vitest("tests of the architectures", inTest(["unit/host/arch"]))
      : vitest("tests of the planes", inTest(PLANE_TESTS)),
    ...(isArch ? [] : [...STRESS_PATHS.map((path) => stress(`stress ${path}`, "--only", path))]),
    ...(isArch ? [] : [stress("stress with faults", "--faults", "all", "--seed", "2")]),
    vitest("tests of the system", inTest(SYSTEM_TESTS)),
    ...(isDeep ? [longTests(isArch)] : []),
  ];
}

function longTests(isArch: boolean): Killer {
  const tests = isArch
    ? vitest("litmus of allocators", inTest(["litmus/allocators"]))
    : vitest("litmus, proofs, properties, scenarios", inTest(LONG_TESTS));
  return { ...tests, twice: true };
}

function inTest(names: readonly string[]): readonly string[] {
  return names.map((name) => `test/${name}`);
}

function stress(name: string, ...flags: string[]): Killer {
  return { name, args: ["bin/dmasim.mjs", "stress", "--ops", STRESS_OPS, "--save", "finding.json", ...flags] };
}

function vitest(name: string, files: readonly string[]): Killer {
  return { name, args: ["node_modules/vitest/vitest.mjs", "run", ...files] };
}

/** Unit tests that import the module themselves. */
function testsImporting(folder: string, file: string): readonly string[] {
  return readdirSync(join(folder, "test/unit"), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".test.ts"))
    .map((name) => `test/unit/${name}`)
    .filter((name) => readFileSync(join(folder, name), "utf8").includes(`"#dmasim/${file}"`))
    .sort();
}

/** Times of the unchanged program, which say when a changed one hangs. */
export class Killers {
  readonly #folder: string;
  readonly #usualMs = new Map<string, number>();

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Runs every killer on the unchanged program: it must pass, and its time is kept. */
  async rehearse(killers: readonly Killer[]): Promise<void> {
    for (const { name, args, twice } of killers) {
      if (this.#usualMs.has(name)) continue;
      let { code, ms, output } = await runGroup(this.#folder, args, REHEARSAL_MS_MAX);
      if (code !== 0 && twice === true) ({ code, ms, output } = await runGroup(this.#folder, args, REHEARSAL_MS_MAX));
      if (code !== 0) throw new Error(`${name} fails on the unchanged program:\n${output}`);
      this.#usualMs.set(name, ms);
    }
  }

  /** Runs a killer on the changed program. */
  async run({ name, args, twice }: Killer): Promise<GroupRun> {
    const usualMs = this.#usualMs.get(name);
    const limitMs = usualMs === undefined ? HANG_MS : Math.max(HANG_MS_MIN, usualMs * HANG_FACTOR);
    const run = await runGroup(this.#folder, args, limitMs);
    return run.code === 0 || twice !== true ? run : runGroup(this.#folder, args, limitMs);
  }
}
