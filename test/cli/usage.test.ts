import { describe, expect, it } from "vitest";
import { dmasim } from "../support/cli.ts";

/** Wrong command lines and a piece of the one message that each must give. */
const WRONG: readonly (readonly [args: readonly string[], message: string])[] = [
  [["bogus"], "unknown command 'bogus'"],
  [["lst"], "did you mean list?"],
  [["run"], "missing required argument 'profile'"],
  [["run", "rand-read-4k", "more"], "too many arguments"],
  [["run", "rand-read-4k", "--wrkers", "2"], "did you mean --workers?"],
  [["run", "rand-read-4k", "--clock", "sundial"], "Allowed choices are virtual, wall"],
  [["run", "rand-read-4k", "--workers", "0"], "allowed: 1 to 64"],
  [["run", "rand-read-4k", "--workers", "many"], 'got "many"'],
  [["run", "rand-read-4k", "--seed", "-1"], "--seed takes a whole number"],
  [["run", "rand-read-4k", "--limit-ios", "1.5"], "--limit-ios takes a whole number"],
  [["run", "rand-read-4k", "--full", "--limit-ios", "5"], "--limit-ios"],
  [["run", "rand-read-4k", "--set", "iommu.mode"], "--set needs a path and a value"],
  [["run", "rand-read-4k", "--set", "iommu.mod=lazy"], "did you mean"],
  [["run", "rand-read-4k", "--set", "jobs[0].bs=big"], "jobs[0].bs"],
  [["run", "rand-read-4k", "--machine", "intel-vtd-2"], "did you mean intel-vtd-2s?"],
  [["run", "rand-read-5k"], "rand-read-4k"],
  [["run", "absent.yaml"], "absent.yaml"],
  [["run", "rand-read-4k", "--json", "-", "--csv", "-"], "both write to stdout"],
  [["run", "rand-read-4k", "--json", "absent/x.json"], "its folder does not exist"],
  [["run", "rand-read-4k", "--image", "--no-payload"], "exclude each other"],
  [["list"], "missing required argument"],
  [["list", "everything"], "Allowed choices are machines, profiles, archs"],
  [["schema", "result"], "Allowed choices are machine, profile"],
  [["inspect", "machine"], "needs the name of a machine"],
  [["inspect", "machine", "nowhere"], "no shipped machine"],
  [["inspect", "layout", "dmain"], 'did you mean "domain"?'],
];

describe("wrong use", () => {
  it.each(WRONG)("dmasim %j", (args, message) => {
    const { code, stdout, stderr } = dmasim(args);
    expect(stderr).toContain(message);
    expect(stderr).toMatch(/^dmasim: .*\n( {2}remedy: .*\n)?$/);
    expect(stdout).toBe("");
    expect(code).toBe(2);
  });

  it("no command: the help, as an error", () => {
    const { code, stdout, stderr } = dmasim([]);
    expect(code).toBe(2);
    expect(stdout).toBe("");
    expect(stderr).toContain("Start here:");
  });
});
