import {
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { DmasimError } from "#dmasim/base/errors.js";
import { checkWritable, writeFileAtomically } from "#dmasim/report/write.js";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "dmasim-write-"));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

describe("atomic write", () => {
  it("replaces a file and leaves no temporary file", () => {
    const path = join(folder, "a.json");
    writeFileSync(path, "old");
    writeFileAtomically(path, "new");
    expect(readFileSync(path, "utf8")).toBe("new");
    expect(readdirSync(folder)).toEqual(["a.json"]);
  });

  it("a device stays a device and a symbolic link a link", () => {
    checkWritable("/dev/null");
    writeFileAtomically("/dev/null", "gone");
    expect(statSync("/dev/null").isCharacterDevice()).toBe(true);
    const [target, link] = [join(folder, "target"), join(folder, "link")];
    writeFileSync(target, "old");
    symlinkSync(target, link);
    writeFileAtomically(link, "new");
    expect(lstatSync(link).isSymbolicLink()).toBe(true);
    expect(readFileSync(target, "utf8")).toBe("new");
  });

  it("an absent folder, a folder and a file used as folder are refused by name, before and at the write", () => {
    mkdirSync(join(folder, "sub"));
    writeFileSync(join(folder, "file"), "");
    const cases = [
      [join(folder, "absent", "a.json"), "its folder does not exist"],
      [join(folder, "sub"), "it is a folder"],
      [join(folder, "file", "a.json"), "its folder is a file"],
    ] as const;
    for (const [path, reason] of cases) {
      for (const act of [() => checkWritable(path), () => writeFileAtomically(path, "x")]) {
        expect(act).toThrow(DmasimError);
        expect(act).toThrow(`${path}: cannot write this file (${reason})`);
      }
    }
    expect(readdirSync(folder).sort()).toEqual(["file", "sub"]);
  });
});
