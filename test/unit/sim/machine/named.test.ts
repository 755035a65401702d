import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { machineNamedIn } from "#dmasim/sim/machine/named.js";
import { loadProfile } from "#dmasim/sim/profile/load.js";
import { withFolder } from "../../../support/run.ts";

describe("a machine that a file names", () => {
  it("is a shipped name, or a file beside or below it", async () => {
    await withFolder({ "load.yaml": "x", "mine.yaml": "x" }, (folder) => {
      const file = join(folder, "load.yaml");
      mkdirSync(join(folder, "sub"));
      writeFileSync(join(folder, "sub", "deep.yaml"), "x");
      expect(machineNamedIn(file, "intel-vtd-2s")).toBe("intel-vtd-2s");
      expect(machineNamedIn(file, "mine.yaml")).toBe(join(folder, "mine.yaml"));
      expect(machineNamedIn(file, "./sub/deep.yaml")).toBe(join(folder, "sub", "deep.yaml"));
    });
  });

  it("nowhere else: neither by a path nor through a link", async () => {
    await withFolder({ "load.yaml": "x" }, (folder) => {
      const file = join(folder, "load.yaml");
      symlinkSync("/etc/passwd", join(folder, "link.yaml"));
      for (const path of ["/etc/passwd", "../../etc/passwd", "link.yaml", "/dev/zero"]) {
        expect(() => machineNamedIn(file, path), path).toThrow(/lies elsewhere|does not exist/);
      }
    });
  });
});

describe("job files", () => {
  it("bring in so many files, not more", async () => {
    await withFolder({ "b.inc": "bs=4k\n" }, (folder) => {
      const file = join(folder, "a.fio");
      writeFileSync(file, `[a]\nrw=read\n${"include b.inc\n".repeat(300)}`);
      expect(() => loadProfile(file)).toThrow(/a\.fio:259: too many includes; at most 256/);
    });
  });

  it("have lines of 8192 characters at most, substitutions included", async () => {
    await withFolder({}, (folder) => {
      const file = join(folder, "a.fio");
      writeFileSync(file, `[a]\nrw=read\nfilename=${"x".repeat(9000)}\n`);
      expect(() => loadProfile(file)).toThrow(/a\.fio:3: this line is too long/);
      writeFileSync(file, `[a]\nrw=read\nfilename=\${LONG}\n`);
      expect(() => loadProfile(file, { environment: { LONG: "x".repeat(9000) } })).toThrow(/too long/);
    });
  });
});
