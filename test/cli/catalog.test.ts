import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { dmasim } from "../support/cli.ts";

function json(args: readonly string[]) {
  const { code, stdout, stderr } = dmasim([...args, "--json", "-"]);
  expect(stderr).toBe("");
  expect(code).toBe(0);
  return JSON.parse(stdout);
}

describe("dmasim list", () => {
  it("machines: a table, and the same as JSON", () => {
    const machines = json(["list", "machines"]);
    const table = dmasim(["list", "machines"]).stdout;
    expect(machines.map((machine: { name: string }) => machine.name)).toContain("intel-vtd-2s");
    for (const { name } of machines) expect(table).toContain(` ${name} `);
  });

  it("profiles: a table, and the same as JSON", () => {
    const profiles = json(["list", "profiles"]);
    const table = dmasim(["list", "profiles"]).stdout;
    expect(profiles.map((profile: { name: string }) => profile.name)).toContain("rand-read-4k");
    for (const { name } of profiles) expect(table).toContain(` ${name} `);
  });

  it("archs: a table with its evidence, and the same as JSON", () => {
    const archs = json(["list", "archs"]);
    const table = dmasim(["list", "archs"]).stdout;
    expect(archs.length).toBeGreaterThan(20);
    for (const { name } of archs) expect(table).toContain(` ${name} `);
    expect(table).toMatch(/ parisc-ccio .* compiled /);
  });

  it("--json FILE writes the file and keeps the table on stdout", () => {
    const folder = mkdtempSync(join(tmpdir(), "dmasim-cli-"));
    const path = join(folder, "m.json");
    const { code, stdout } = dmasim(["list", "machines", "--json", path]);
    expect(code).toBe(0);
    expect(stdout).toContain("what it is");
    expect(JSON.parse(readFileSync(path, "utf8"))).toEqual(json(["list", "machines"]));
    rmSync(folder, { recursive: true });
  });
});

describe("dmasim schema", () => {
  it.each(["machine", "profile"])("%s: a JSON Schema on stdout, with or without --json -", (what) => {
    const { code, stdout } = dmasim(["schema", what]);
    expect(code).toBe(0);
    const schema = JSON.parse(stdout);
    expect(schema.$schema).toContain("json-schema.org");
    expect(schema.additionalProperties).toBe(false);
    expect(json(["schema", what])).toEqual(schema);
  });
});

describe("dmasim inspect", () => {
  it("layout: every region in rising, disjoint order", () => {
    const { regions, controlBytes } = json(["inspect", "layout"]);
    let end = 0;
    for (const region of regions) {
      expect(region.byte).toBeGreaterThanOrEqual(end);
      end = region.byte + region.bytes;
    }
    expect(end).toBeLessThanOrEqual(controlBytes);
    const table = dmasim(["inspect", "layout"]).stdout;
    for (const { name } of regions) expect(table).toContain(` ${name} `);
  });

  it("layout RECORD: its fields, by the record's or the region's name", () => {
    const byRecord = dmasim(["inspect", "layout", "ring"]).stdout;
    expect(byRecord).toMatch(/0 +0 +tail +u32 +producer/);
    expect(dmasim(["inspect", "layout", "copyRings"]).stdout).toBe(byRecord);
  });

  it("machine: the tree, the memory map, and --set", () => {
    const { code, stdout } = dmasim(["inspect", "machine", "intel-vtd-2s", "--set", "iommu.mode=lazy"]);
    expect(code).toBe(0);
    expect(stdout).toContain("intel-vtd lazy");
    expect(stdout).toMatch(/rc0 .*\n ├─ rp0 .*\n │ {2}└─ nvme0/);
    expect(stdout).toMatch(/System RAM {2}ram0, node 0/);
    expect(json(["inspect", "machine", "intel-vtd-2s"]).name).toBe("intel-vtd-2s");
  });
});

describe("colour", () => {
  it("FORCE_COLOR colours, NO_COLOR wins", () => {
    expect(dmasim(["list", "machines"], { NO_COLOR: "", FORCE_COLOR: "1" }).stdout).toContain("\u001b[");
    expect(dmasim(["list", "machines"], { FORCE_COLOR: "1" }).stdout).not.toContain("\u001b[");
  });
});
