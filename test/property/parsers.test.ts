import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, it } from "vitest";
import { parse as parseYaml, stringify } from "yaml";
import { parseCases } from "#dmasim/sim/check/case_file.js";
import { SIM_OPS } from "#dmasim/sim/check/ops.js";
import { runCases } from "#dmasim/sim/check/runner.js";
import { loadMachine } from "#dmasim/sim/machine/load.js";
import { readMapCase } from "#dmasim/sim/mapping/case_file.js";
import { resolveMapRequest } from "#dmasim/sim/mapping/request.js";
import { surveyMapping } from "#dmasim/sim/mapping/survey.js";
import { loadProfile } from "#dmasim/sim/profile/load.js";
import { JOB_KEY_NAMES } from "#dmasim/sim/profile/schema.js";
import { System } from "#dmasim/sim/system.js";
import { parseMeasurements } from "#dmasim/sim/validate/row_file.js";
import { TRACE_OPS } from "#dmasim/trace/check_ops.js";
import { bend, bends, cut, cuts, expectCivil, FUZZ_RUNS } from "../support/hostile.ts";

const TIMEOUT_MS = 120_000 + FUZZ_RUNS * 400;
const root = (...path: string[]): string => join(import.meta.dirname, "..", "..", ...path);
const shipped = (folder: string): string[] =>
  readdirSync(root("profiles", folder)).map((name) => readFileSync(root("profiles", folder, name), "utf8"));

const JOB_FILE = `; a job file
[global]
ioengine=libaio
direct=1
bs=4k,8k
filename=/dev/nvme0n1:/dev/nvme1n1
directory=/tmp
[a]
rw=randrw:8
rwmixread=70
bssplit=4k/60:64k/40
iodepth=32
numjobs=4
size=1g
runtime=10m
time_based
random_distribution=zipf:1.2
[b]
stonewall
rw=write
bsrange=4k-64k
offset=50%
rate=10m,20m
thinktime=5us
verify=crc32c
latency_target=500us
filename_format=$jobname.$jobnum
write_bw_log=/tmp/x
read_iolog=/etc/passwd
size=\${SIZE}
`;
const MAP_CASE = {
  machine: "intel-vtd-2s",
  dev: "nvme0",
  dir: "BIDI",
  attr: ["skip-cpu-sync"],
  mask: 32,
  "max-seg": "64k",
  boundary: "0xffff",
  "min-align-mask": 4095,
  era: "6.12",
  set: { "iommu.mode": "lazy" },
  entries: ["ram@0x10800+0x800", "pmem0+0x50000+4k", "bar:nvme3+0+4k", "pfn:0x10+0x800@0x200"],
};

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "dmasim-hostile-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Writes `text` and gives its path to `use`. */
function withText(name: string, text: string, use: (file: string) => unknown): void {
  const file = join(folder, name);
  writeFileSync(file, text);
  expectCivil(() => use(file), file);
}

function check(property: fc.IRawProperty<unknown>, numRuns = FUZZ_RUNS): void {
  fc.assert(property, { numRuns, seed: 20261, endOnFailure: process.env.DMASIM_FUZZ_RUNS !== undefined });
}

const machine = (file: string): unknown => new System(loadMachine(file));
const mapCase = (file: string): unknown => {
  const words = readMapCase(file);
  // From here on words, not files, are wrong, and their errors name the word.
  expectCivil(() => surveyMapping(resolveMapRequest(words)));
  return words;
};

describe("hostile documents: taken, or refused in one located message", { timeout: TIMEOUT_MS }, () => {
  const machines = shipped("machines").map((text) => parseYaml(text) as unknown);
  const loads = shipped("loads").map((text) => parseYaml(text) as unknown);

  it("machines", () => {
    check(
      fc.property(fc.constantFrom(...machines), bends, (document, changes) =>
        withText("m.yaml", stringify(bend(document, changes)), machine),
      ),
    );
  });

  it("load profiles", () => {
    check(
      fc.property(fc.constantFrom(...loads), bends, (document, changes) =>
        withText("p.yaml", stringify(bend(document, changes)), loadProfile),
      ),
    );
  });

  it("map cases", () => {
    check(fc.property(bends, (changes) => withText("c.yaml", stringify(bend(MAP_CASE, changes)), mapCase)));
  });

  it("measurement rows", () => {
    const rows = (JSON.parse(readFileSync(root("data", "measurements.json"), "utf8")) as unknown[]).slice(0, 40);
    check(
      fc.property(fc.nat({ max: 37 }), bends, (first, changes) =>
        expectCivil(
          () => parseMeasurements("rows.json", JSON.stringify(bend(rows.slice(first, first + 3), changes))),
          "rows.json",
        ),
      ),
    );
  });

  it("kernel cases, and what they make the simulator do", () => {
    const cases = JSON.parse(readFileSync(root("data", "linux-cases.json"), "utf8")) as { given: unknown }[];
    check(
      fc.property(fc.nat({ max: cases.length - 1 }), bends, (index, changes) => {
        const each = cases[index] as { given: unknown };
        const bent = [{ ...each, given: bend(each.given, changes) }];
        expectCivil(
          () => runCases(parseCases("cases.json", JSON.stringify(bent)), { ...SIM_OPS, ...TRACE_OPS }),
          "cases.json",
        );
      }),
    );
  });
});

describe("hostile texts", { timeout: TIMEOUT_MS }, () => {
  it("machines", () => {
    check(
      fc.property(fc.constantFrom(...shipped("machines")), cuts, (text, changes) =>
        withText("m.yaml", cut(text, changes), machine),
      ),
    );
  });

  it("load profiles", () => {
    check(
      fc.property(fc.constantFrom(...shipped("loads")), cuts, (text, changes) =>
        withText("p.yaml", cut(text, changes), loadProfile),
      ),
    );
  });

  it("fio job files", () => {
    check(fc.property(cuts, (changes) => withText("j.fio", cut(JOB_FILE, changes), loadProfile)));
  });

  it("map cases", () => {
    check(fc.property(cuts, (changes) => withText("c.yaml", cut(stringify(MAP_CASE), changes), mapCase)));
  });

  it("JSON lists", () => {
    const text = JSON.stringify([{ id: "a", area: "x", given: { op: "y" }, expect: {} }], null, 1);
    check(
      fc.property(cuts, (changes) => {
        expectCivil(() => parseCases("cases.json", cut(text, changes)), "cases.json");
        expectCivil(() => parseMeasurements("rows.json", cut(text, changes)), "rows.json");
      }),
    );
  });
});

/** What an expression that backtracks takes quadratic or worse time for. */
const LONG: fc.Arbitrary<string> = fc
  .tuple(
    fc.constantFrom(
      " ",
      "0",
      "a",
      "1 ",
      "1",
      "${",
      ";",
      "/",
      ":",
      ",",
      "(",
      "-",
      "1/",
      "4k/",
      "0x",
      "\\",
      '"',
      "[",
      "1.",
    ),
    fc.constantFrom("", "!", "\u2028", " /", "x", "\n", '"', "]"),
    fc.constantFrom("", "1", "a", "4k", "zipf:", "include ", "["),
  )
  .map(([unit, tail, head]) => `${head}${unit.repeat(Math.ceil(500_000 / unit.length))}${tail}`);

describe("half a megabyte of the same", { timeout: TIMEOUT_MS }, () => {
  it("in a job file", () => {
    const lines = JOB_FILE.split("\n");
    check(
      fc.property(fc.nat({ max: lines.length - 1 }), LONG, fc.boolean(), (at, long, short) => {
        const [name = ""] = (lines[at] as string).split("=");
        const text = `${lines.slice(0, at).join("\n")}\n${name}=${short ? long.slice(0, 8000) : long}\n`;
        withText("j.fio", text, loadProfile);
      }),
    );
  });

  it("in a load profile", () => {
    check(
      fc.property(fc.constantFrom(...JOB_KEY_NAMES), LONG, fc.boolean(), (key, long, short) => {
        const job = { name: "a", rw: "randrw", [key]: short ? long.slice(0, 8000) : long };
        withText("p.yaml", JSON.stringify({ jobs: [job] }), loadProfile);
      }),
    );
  });

  it("in a machine", () => {
    const machines = shipped("machines").map((text) => parseYaml(text) as unknown);
    check(
      fc.property(fc.constantFrom(...machines), fc.nat(), LONG, (document, at, value) =>
        withText("m.yaml", JSON.stringify(bend(document, [{ at, how: "replace", value }])), machine),
      ),
    );
  });

  it("in a map case", () => {
    check(
      fc.property(fc.nat(), LONG, (at, value) =>
        withText("c.yaml", JSON.stringify(bend(MAP_CASE, [{ at, how: "replace", value }])), mapCase),
      ),
    );
  });

  it("as JSON", () => {
    check(
      fc.property(LONG, (long) => {
        for (const text of [long, `[${JSON.stringify(long)}`, `[{"id":${long}`]) {
          expectCivil(() => parseCases("cases.json", text), "cases.json");
          expectCivil(() => parseMeasurements("rows.json", text), "rows.json");
        }
      }),
    );
  });
});
