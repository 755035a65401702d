import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { dmasim } from "../support/cli.ts";

describe("dmasim --help", () => {
  it("shows the first command to try, the rest under More", () => {
    const { code, stdout, stderr } = dmasim(["--help"]);
    expect(code).toBe(0);
    expect(stderr).toBe("");
    expect(stdout).toMatch(/Start here:\n {2}map \[entry\.\.\.\].*\n.*\n? {2}run <profile>/);
    expect(stdout.indexOf("More:")).toBeGreaterThan(stdout.indexOf("run <profile>"));
    for (const command of ["list", "schema", "inspect"]) expect(stdout).toContain(`\n  ${command} `);
    expect(stdout).toContain("Exit codes:");
  });

  it("help of a command names every flag", () => {
    const { code, stdout } = dmasim(["run", "--help"]);
    expect(code).toBe(0);
    const flags =
      "machine clock workers seed no-payload no-verify dma-debug image assume-direct limit-ios limit-seconds full set";
    for (const flag of [...flags.split(" "), "json", "fio-json", "csv"]) expect(stdout).toContain(`--${flag}`);
    expect(dmasim(["help", "run"]).stdout).toBe(stdout);
  });

  it("prints the package's version", () => {
    const { version } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8"));
    expect(dmasim(["--version"])).toEqual({ code: 0, stdout: `${version}\n`, stderr: "" });
  });
});
