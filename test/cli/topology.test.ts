import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { TopologyView } from "#dmasim/sim/topology/view.js";
import { dmasim } from "../support/cli.js";
import { withFolder } from "../support/run.ts";

describe("dmasim inspect topology", () => {
  it("tree, matrix of path and distance, predicted rates", () => {
    const { code, stdout, stderr } = dmasim(["inspect", "topology", "gpu-8-switch"]);
    expect([code, stderr]).toEqual([0, ""]);
    expect(stdout).toMatch(/sw0-dn0 {2}switch-downstream/);
    expect(stdout).toMatch(/^ gpu0 +own +sw 4 +sw 4 +sw 4 +sock 8/m);
    expect(stdout).toMatch(/^ nic2 +29\.\d +29\.\d +29\.\d +29\.\d +5\d\.\d/m);
  });

  it("JSON has every pair, the drawing a cell for each", async () => {
    const { stdout } = dmasim(["inspect", "topology", "arc-2-switch", "--json", "-"]);
    const view = JSON.parse(stdout) as TopologyView;
    expect(view.pairs).toHaveLength(view.devices.length ** 2);
    await withFolder({}, (folder) => {
      const file = join(folder, "t.svg");
      expect(dmasim(["inspect", "topology", "arc-2-switch", "--svg", file]).code).toBe(0);
      const svg = readFileSync(file, "utf8");
      expect(svg.match(/<g>/g)).toHaveLength(view.pairs.length);
      expect(svg.startsWith("<svg ")).toBe(true);
    });
  });

  it("one pair: why, remedy, the kernel's lines, three ways", () => {
    const { stdout, code } = dmasim(["inspect", "topology", "arc-2-switch", "--pair", "gpu0,gpu1"]);
    expect(code).toBe(0);
    expect(stdout).toContain("gpu0 to gpu1: not supported, distance -1");
    expect(stdout).toContain("pci=disable_acs_redir=");
    expect(stdout).toMatch(/39 of 39 ops tables have no map_peer_resource/);
  });

  it.each([
    [["inspect", "topology"], "DMASIM_ARGUMENT_MISSING", "needs the name of a machine"],
    [["inspect", "topology", "gpu-8-switch", "--pair", "gpu0"], "DMASIM_DEVICE_UNKNOWN", "no PCI device of this name"],
  ])("wrong use: %j", (args, _code, words) => {
    const { code, stderr } = dmasim(args);
    expect(code).toBe(2);
    expect(stderr).toContain(words);
  });
});
