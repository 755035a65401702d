import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { dmasim } from "../support/cli.ts";
import { withFolder } from "../support/run.ts";

const FULL = "/dev/full";
const RUN = ["run", "rand-read-4k", "--limit-ios", "10"];
const WRITE_MODULE = new URL("../../dist/report/write.js", import.meta.url).href;
const BIN = fileURLToPath(new URL("../../bin/dmasim.mjs", import.meta.url));

describe.runIf(existsSync(FULL))("a full disk", () => {
  it("one message, the result on the screen, and every other output", async () => {
    await withFolder({}, (folder) => {
      const csv = join(folder, "out.csv");
      const { code, stdout, stderr } = dmasim([...RUN, "--json", FULL, "--csv", csv]);
      expect(stderr).toBe(
        `dmasim: ${FULL}: cannot write this file (no space left)\n  remedy: make room there, or give a path elsewhere\n`,
      );
      expect(stdout).toMatch(/LIMITED BY|LATENCY BOUND/);
      expect(readFileSync(csv, "utf8").split("\n").length).toBeGreaterThan(1);
      expect(code).toBe(2);
    });
  });

  it.each([
    ["map", "ram@0x10800+0x800"],
    ["explain", "rand-read-4k", "--limit-ios", "10"],
    ["validate", "measurements", "--topic", "pcie-model", "--workers", "0"],
    ["run", "rand-read-4k", "--limit-ios", "10", "--vary", "iodepth=1,2"],
    ["check", "linux-cases"],
  ])("%s %s shows its result", (...args) => {
    const { code, stdout, stderr } = dmasim([...args, "--json", FULL]);
    expect(stderr).toMatch(/^dmasim: \/dev\/full: cannot write this file \(no space left\)\n {2}remedy: .*\n$/);
    expect(stdout.length).toBeGreaterThan(100);
    expect(code).toBe(2);
  });

  it("as stdout: one message", () => {
    const { status, stderr } = spawnSync("sh", ["-c", `"$0" "$1" ${RUN.join(" ")} > ${FULL}`, process.execPath, BIN], {
      encoding: "utf8",
    });
    expect(stderr).toMatch(/^dmasim: cannot write to stdout \(no space left\)\n {2}remedy: .*\n$/);
    expect(status).toBe(2);
  });
});

describe("an output that cannot be written", () => {
  it("is found before the work", async () => {
    await withFolder({}, (folder) => {
      mkdirSync(join(folder, "taken"));
      for (const path of [join(folder, "absent", "out.json"), join(folder, "taken")]) {
        const { code, stdout, stderr } = dmasim([...RUN, "--json", path]);
        expect(stderr).toMatch(/^dmasim: .*cannot write this file/);
        expect([code, stdout]).toEqual([2, ""]);
      }
    });
  });
});

/** Writes two texts in turn, as fast as it can. */
const WRITER = `
import { writeFileAtomically } from ${JSON.stringify(WRITE_MODULE)};
const texts = ["a", "b"].map((letter) => JSON.stringify({ text: letter.repeat(4e6), end: true }));
for (let turn = 0; ; turn += 1) writeFileAtomically(process.argv[1], texts[turn % 2]);
`;

describe("kill -9 while a file is written", () => {
  it("leaves a whole file under its name, old or new", async () => {
    await withFolder({}, async (folder) => {
      const file = join(folder, "out.json");
      writeFileSync(file, JSON.stringify({ text: "", end: true }));
      for (let round = 0; round < 12; round += 1) {
        const child = spawn(process.execPath, ["--input-type=module", "-e", WRITER, file], { stdio: "ignore" });
        const ended = new Promise((resolve) => child.once("close", resolve));
        await sleep(100 + 17 * round);
        child.kill("SIGKILL");
        await ended;
        expect(JSON.parse(readFileSync(file, "utf8")).end, `round ${round}`).toBe(true);
      }
      // What a killed process was writing has a name of its own.
      for (const name of readdirSync(folder)) expect(name).toMatch(/^(out\.json|\.out\.json\.\d+\.tmp)$/);
    });
  });
});
