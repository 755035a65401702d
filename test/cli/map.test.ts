import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { dmasim } from "../support/cli.ts";

const MIXED = ["ram@0x10800+0x800", "pmem@0x100050000+0x1000", "ram@0x30000+0x400"];

function withFile<T>(name: string, text: string, use: (path: string) => T): T {
  const folder = mkdtempSync(join(tmpdir(), "dmasim-map-"));
  try {
    const path = join(folder, name);
    writeFileSync(path, text);
    return use(path);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

describe("dmasim map", () => {
  it("draws a mixed list: one segment, one invalidation, what the device can reach beyond it", () => {
    const { code, stdout, stderr } = dmasim([
      "map",
      "--machine",
      "intel-vtd-2s",
      "--dev",
      "nvme0",
      "--dir",
      "FROM",
      ...MIXED,
    ]);
    expect([code, stderr]).toEqual([0, ""]);
    expect(stdout).toContain("3 ENTRIES → 1 SEGMENT");
    expect(stdout).toContain("0xffffc800 +0x1c00");
    expect(stdout).toContain("PSI 0xffffc000 AM=2 (4 pages for 3)");
    expect(stdout).toContain("0x10000-0x107ff and 0x30400-0x30fff");
  });

  it("--json - is all of stdout; --json FILE leaves the page there", () => {
    const { stdout } = dmasim(["map", ...MIXED, "--json", "-"]);
    const value = JSON.parse(stdout);
    expect(value.mapped.segments).toHaveLength(1);
    withFile("out.json", "", (path) => {
      expect(dmasim(["map", ...MIXED, "--json", path]).stdout).toContain("device sees 1 segment");
      expect(JSON.parse(readFileSync(path, "utf8"))).toEqual(value);
    });
  });

  it("a refusal is an answer: exit code 0, the kernel's words, both return values", () => {
    const { code, stdout } = dmasim(["map", "--dev", "capture0", "--set", "swiotlb.size=0", "ram1+0x258e000+8k"]);
    expect(code).toBe(0);
    expect(stdout).toContain("0x1010258e000 + 8192 - 1 > mask 0xffffffff");
    expect(stdout).toContain("DMA addr 0x000001010258e000+8192 overflow (mask ffffffff, bus limit 0).");
    expect(stdout).toContain("→ 0 · dma_map_sgtable → -EIO (-5)");
  });

  it("--case: YAML and JSON with the names of the flags; flags win", () => {
    const request = {
      machine: "soc-30bit",
      dev: "dma0",
      dir: "TO",
      mask: 31,
      "max-seg": "64k",
      era: 6.1,
      entries: MIXED.slice(0, 1),
    };
    withFile("case.json", JSON.stringify(request), (path) => {
      const { stdout } = dmasim(["map", "--case", path]);
      expect(stdout).toContain("soc-30bit · Linux 6.1 · dma0 · TO_DEVICE");
      expect(stdout).toContain("mask 31 bits");
      expect(dmasim(["map", "--case", path, "--dir", "BIDI", "ram0+0+4k"]).stdout).toContain("BIDIRECTIONAL");
    });
    withFile("case.yaml", "set: { iommu.mode: lazy }\nentries: [ram0+0+4k]\n", (path) => {
      expect(dmasim(["map", "--case", path]).stdout).toContain("iommu-dma lazy");
      expect(dmasim(["map", "--case", path, "--set", "iommu.mode=strict"]).stdout).toContain("iommu-dma strict");
    });
    withFile("case.yaml", "maxseg: 64k\n", (path) => {
      const { code, stderr } = dmasim(["map", "--case", path]);
      expect(code).toBe(2);
      expect(stderr).toContain('case.yaml:1:1: maxseg: unknown key "maxseg"');
      expect(stderr).toContain('did you mean "max-seg"?');
    });
  });

  it("--arch: all in a table, one in full", () => {
    expect(dmasim(["map", "--arch", "all", ...MIXED]).stdout).toMatch(/ powerpc-iommu +✗ +1 +page seam/);
    expect(dmasim(["map", "--arch", "nios2", ...MIXED]).stdout).toContain("left unset");
  });

  it("colour only where it is wanted", () => {
    expect(dmasim(["map", ...MIXED], { NO_COLOR: "", FORCE_COLOR: "1" }).stdout).toContain("\u001b[");
    expect(dmasim(["map", ...MIXED], { FORCE_COLOR: "1" }).stdout).not.toContain("\u001b[");
  });
});

/** Wrong requests and a piece of the one message that each must give. */
const WRONG: readonly (readonly [args: readonly string[], message: string])[] = [
  [[], "at least one entry"],
  [["nonsense"], "no scatterlist entry"],
  [["ram@0x100050000+4k"], "write pmem@0x100050000+0x1000"],
  [["ram0+0+0"], "got 0"],
  [["--dev", "nvmee0", "ram0+0+4k"], "did you mean nvme0?"],
  [["--dir", "UP", "ram0+0+4k"], "allowed: TO, FROM, BIDI"],
  [["--attr", "skip-cpu-snc", "ram0+0+4k"], "did you mean skip-cpu-sync?"],
  [["--mask", "8", "ram0+0+4k"], "allowed: 20 to 64"],
  [["--boundary", "0xff00", "ram0+0+4k"], "a mask of low ones"],
  [["--max-seg", "3", "ram0+0+4k"], "allowed: 512 to"],
  [["--min-align-mask", "0x1ffff", "ram0+0+4k"], "allowed: 0 to 0xffff"],
  [["--era", "5.4", "ram0+0+4k"], "Allowed choices are 4.1, 6.1, 6.12, 7.x"],
  [["--arch", "armm", "ram0+0+4k"], "did you mean arm?"],
  [["--set", "pagelessPolicy=x", "ram0+0+4k"], "refuse, index0, untouched-line"],
  [["--case", "absent.yaml"], "does not exist"],
];

describe("wrong requests", () => {
  it.each(WRONG)("dmasim map %j", (args, message) => {
    const { code, stdout, stderr } = dmasim(["map", ...args]);
    expect(stderr).toContain(message);
    expect(stderr).toMatch(/^dmasim: .*\n( {2}remedy: .*\n)?$/);
    expect([code, stdout]).toEqual([2, ""]);
  });
});
