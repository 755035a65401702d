/**
 * The public surface: what the package exports, that its types resolve for a consumer under the strictest
 * settings, and that a run through it agrees with itself. Consumers are real: they import "dmasim" by name.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import * as dmasim from "#dmasim/index.js";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const TSC = join(ROOT, "node_modules/typescript/bin/tsc");

const EXPORTS = [
  "DmasimError",
  "EXIT",
  "RESULT_SCHEMA",
  "listShippedMachines",
  "listShippedProfiles",
  "loadMachine",
  "loadProfile",
  "resolveMachine",
  "resolveProfile",
  "runOptions",
  "runProfile",
  "version",
];

const CONSUMER = `
import { DmasimError, EXIT, type RunResult, resolveMachine, resolveProfile, runOptions, runProfile, version } from "dmasim";

const machine = resolveMachine("intel-vtd-2s", [{ path: "iommu.mode", value: "lazy" }]);
const profile = resolveProfile("rand-read-4k");
const result: RunResult = await runProfile(runOptions(profile, machine, { limitIos: 400, workers: 1 }));
const iops: number | undefined = result.jobs[0]?.read.iops;
const exitCode: number = new DmasimError({ code: "DMASIM_TEST", what: "a test" }).exitCode;
console.log(JSON.stringify([result.schema, (iops ?? 0) > 0, exitCode === EXIT.usage, version() === result.version]));
`;

let folder = "";

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "dmasim-consumer-"));
  mkdirSync(join(folder, "node_modules"));
  symlinkSync(ROOT, join(folder, "node_modules/dmasim"), "dir");
  writeFileSync(join(folder, "package.json"), '{ "type": "module" }');
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

function compile(source: string): { readonly code: number | null; readonly output: string } {
  writeFileSync(join(folder, "consumer.ts"), source);
  const types = join(ROOT, "node_modules/@types");
  const flags = ["--strict", "--exactOptionalPropertyTypes", "--module", "NodeNext", "--target", "ES2023"];
  const args = [TSC, ...flags, "--types", "node", "--typeRoots", types, "consumer.ts"];
  const { status, stdout } = spawnSync(process.execPath, args, { cwd: folder, encoding: "utf8" });
  return { code: status, output: stdout };
}

describe("the package's surface", () => {
  it("exports these names and no others", () => {
    expect(Object.keys(dmasim).sort()).toEqual([...EXPORTS].sort());
  });

  it("has a docstring before every group of exports", () => {
    const text = readFileSync(join(ROOT, "src/index.ts"), "utf8");
    const bare = [...text.matchAll(/^(.*)\n(export .*)$/gm)].filter(([, before = ""]) => !before.endsWith("*/"));
    expect(bare.map(([, , line]) => line)).toEqual([]);
  });

  it("resolves by the package's name, with types, for a strict consumer that then runs", () => {
    expect(compile(CONSUMER)).toEqual({ code: 0, output: "" });
    const output = execFileSync(process.execPath, ["consumer.js"], { cwd: folder, encoding: "utf8" });
    expect(JSON.parse(output)).toEqual(["dmasim/result@1", true, true, true]);
  });

  it("types are not any: wrong use does not compile", () => {
    const { code, output } = compile('import { resolveMachine } from "dmasim";\nresolveMachine(42);\n');
    expect(code).not.toBe(0);
    expect(output).toContain("consumer.ts(2,16): error TS2345");
  });

  it("keeps everything else private", () => {
    const script = 'import("dmasim/dist/src/sim/run.js").catch((error) => console.log(error.code))';
    const output = execFileSync(process.execPath, ["-e", script], { cwd: folder, encoding: "utf8" });
    expect(output.trim()).toBe("ERR_PACKAGE_PATH_NOT_EXPORTED");
  });
});

describe("runOptions", () => {
  const profile = dmasim.resolveProfile("rand-read-4k");
  const machine = dmasim.resolveMachine("intel-vtd-2s");

  it("fills in every default", () => {
    const options = dmasim.runOptions(profile, machine);
    expect(options).toMatchObject({ clock: "virtual", workers: 1, payload: true, verify: true, limitIos: null });
    expect(options.signal.aborted).toBe(false);
    expect(options.profile).toBe(profile);
  });

  it("takes changes over them", () => {
    expect(dmasim.runOptions(profile, machine, { clock: "wall", seed: 7 })).toMatchObject({ clock: "wall", seed: 7 });
  });

  it("wrong input is an error with code and remedy", () => {
    const wrong = () => dmasim.resolveMachine("intel-vtd");
    expect(wrong).toThrow(dmasim.DmasimError);
    expect(wrong).toThrow(/did you mean|shipped:/);
  });
});
