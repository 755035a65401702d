import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type CliResult, startDmasim } from "../support/cli.ts";

interface Case {
  readonly what: string;
  /** The wrong file's name; its ending says what it is. */
  readonly file: string;
  readonly text: string | Uint8Array;
  readonly message: RegExp;
  /** Flags besides the file. */
  readonly flags?: readonly string[];
}

const MACHINE = `name: small
title: A small machine
cpus: { cores_per_socket: 4 }
memory:
  - { name: ram0, start: 0x100000, size: 0x7ff00000 }
  - { name: pmem0, kind: pmem, start: 0x200000000, size: 1GiB }
iommu: { kind: intel-vtd, mode: strict }
pcie:
  - { name: rc0, kind: root-complex, windows: [{ start: 0x80000000, size: 1GiB }] }
  - { name: rp0, kind: root-port, parent: rc0 }
devices:
  - { name: nvme0, class: nvme, parent: rp0 }
`;

const machine = (what: string, from: string, to: string, message: RegExp): Case => {
  if (!MACHINE.includes(from)) throw new Error(`the machine has no ${from}`);
  return { what, file: "machine.yaml", text: MACHINE.replace(from, to), message };
};

const profile = (what: string, keys: string, message: RegExp): Case => ({
  what,
  file: "load.yaml",
  text: `jobs:\n  - { name: a, rw: randread, ${keys} }\n`,
  message,
});

const fio = (what: string, text: string, message: RegExp): Case => ({ what, file: "job.fio", text, message });

const BINARY = Uint8Array.from([0x7f, 0x45, 0x4c, 0x46, 0, 1, 2, 3]);

const CASES: readonly Case[] = [
  { what: "an empty profile", file: "load.yaml", text: "", message: /empty/ },
  { what: "a binary profile", file: "load.yaml", text: BINARY, message: /binary/ },
  { what: "no YAML", file: "load.yaml", text: "jobs: [\n", message: /not YAML/ },
  { what: "a list as profile", file: "load.yaml", text: "- a\n", message: /expected a map/ },
  { what: "no jobs", file: "load.yaml", text: "title: x\n", message: /missing key "jobs"/ },
  { what: "a job without rw", file: "load.yaml", text: "jobs:\n  - name: a\n", message: /no rw/ },
  { what: "an unknown ending", file: "load.toml", text: "jobs = 1\n", message: /ending|no such load profile/ },
  profile("an unknown key", "iodpeth: 4", /did you mean "iodepth"/),
  profile("a size without sense", "size: big", /expected a size/),
  profile("a depth of zero", "iodepth: 0", /too small/),
  profile("a depth that no queue holds", "iodepth: 4000", /too large/),
  profile("an unknown engine", "ioengine: libaoi", /did you mean "libaio"/),
  profile("a device that the machine does not have", "device: nvme9", /does not have[\s\S]*nvme9/),
  profile("memory that the machine does not have", "target: pmem7", /does not have[\s\S]*pmem7/),
  profile("page-less entries without page-less memory", "sg: { pageless_share: 2 }", /too large/),
  profile("an I/O larger than its file", "size: 2k", /smallest block|no room/),
  profile("more files than the medium holds", "size: 2TiB, numjobs: 4", /do not fit|medium/),
  profile("an I/O that no queue takes", "bs: 4GiB", /too large/),
  profile("rate and rate_iops at once", "rate: 1m, rate_iops: 5", /exclude each other/),
  profile("a negative time", "runtime: -5", /time|duration|number/),
  machine("an unknown key of a machine", "mode: strict", "mod: strict", /did you mean/),
  machine("a mode without sense", "mode: strict", "mode: fast", /strict/),
  machine("overlapping memory", "start: 0x200000000", "start: 0x7fe00000", /overlaps/),
  machine("memory of no size", "size: 1GiB }\niommu", "size: 0 }\niommu", /size/),
  machine("a region inside a page", "start: 0x100000,", "start: 0x100200,", /4096/),
  machine("an unknown device class", "class: nvme", "class: nvmi", /nvme/),
  machine("a device below nothing", "class: nvme, parent: rp0", "class: nvme, parent: rp7", /rp7/),
  machine(
    "a port that is its own parent",
    "name: rp0, kind: root-port, parent: rc0",
    "name: rp0, kind: root-port, parent: rp0",
    /rp0/,
  ),
  machine(
    "two devices of one name",
    "  - { name: nvme0, class: nvme, parent: rp0 }",
    "  - { name: nvme0, class: nvme }\n  - { name: nvme0, class: nic }",
    /nvme0/,
  ),
  machine("no CPUs", "cores_per_socket: 4", "cores_per_socket: 0", /too small/),
  machine("a pool of an odd size", "pcie:", "swiotlb: { size: 100k }\npcie:", /256 KiB|segments/),
  machine(
    "a pool in more areas than it can be cut into",
    "pcie:",
    "swiotlb: { size: 768KiB, areas: 2 }\npcie:",
    /areas/,
  ),
  { what: "an empty machine", file: "machine.yaml", text: "\n", message: /empty/ },
  { what: "a profile as machine", file: "machine.yaml", text: "jobs: []\n", message: /missing|unknown/ },
  fio("an empty job file", "\n", /empty/),
  fio("an option outside of sections", "rw=read\n", /section/),
  fio("only global options", "[global]\nrw=read\n", /no job/),
  fio("an unknown option", "[a]\nrw=read\niodpeth=4\n", /did you mean "iodepth"/),
  fio("an unknown rw", "[a]\nrw=reed\n", /did you mean "read"|unknown rw/),
  fio("trims", "[a]\nrw=trim\n", /moves no data/),
  fio("a size that is none", "[a]\nrw=read\nsize=12q\n", /size/),
  fio("an engine that moves no data", "[a]\nrw=read\nioengine=null\n", /ioengine null/),
  fio("an open section", "[a\nrw=read\n", /\]|section/),
  fio("a mix above 100 %", "[a]\nrw=randrw\nrwmixread=130\n", /percentage/),
];

const AT_A_TIME = 4;
const results = new Map<string, CliResult>();
let folder = "";

function argsOf({ file, flags = [] }: Case, path: string): readonly string[] {
  return file === "machine.yaml"
    ? ["run", "rand-read-4k", "--machine", path, ...flags]
    : ["run", path, "--machine", "intel-vtd-2s", ...flags];
}

describe("malformed files: one clear message, exit code 2", () => {
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "dmasim-malformed-"));
    const waiting = [...CASES.entries()];
    const lane = async (): Promise<void> => {
      for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
        const [number, each] = next;
        const path = join(folder, `${number}-${each.file}`);
        writeFileSync(path, each.text);
        results.set(each.what, await startDmasim(argsOf(each, path)).done);
      }
    };
    await Promise.all(Array.from({ length: AT_A_TIME }, lane));
  }, 120_000);

  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it("there are enough of them, with a name each", () => {
    expect(CASES.length).toBeGreaterThanOrEqual(40);
    expect(results.size).toBe(CASES.length);
  });

  it.each(CASES)("$what", ({ what, message, file }) => {
    const { code, stdout, stderr } = results.get(what) as CliResult;
    expect(stderr).toMatch(message);
    expect(stderr).toMatch(/^dmasim: /);
    expect(stderr, "names the file").toContain(file);
    expect(stderr, "no stack").not.toMatch(/^\s+at |internal error|node:|\.js:/m);
    expect(stderr.split("\n").length).toBeLessThan(8);
    expect(stdout).toBe("");
    expect(code).toBe(2);
  });
});
