import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { loadProfile } from "#dmasim/sim/profile/load.js";
import { userError, withFiles } from "./files.ts";

interface Case {
  readonly what: string;
  readonly file?: string;
  readonly text: string | Uint8Array | null;
  readonly message: RegExp;
  /** Line of the error; absent where the whole file is wrong. */
  readonly line?: number;
}

const job = (text: string) => `jobs:\n  - name: a\n    rw: randread\n    ${text}\n`;
const fio = (text: string) => `[global]\nrw=randread\n[a]\n${text}\n`;
const binary = Uint8Array.from([0x7f, 0x45, 0x4c, 0x46, 0, 1, 2, 3]);
const notUtf8 = Uint8Array.from([0x6a, 0x6f, 0x62, 0xff, 0xfe, 0x0a]);
const bomb = `a: &a [x, x, x, x, x, x, x, x, x]\n${"bcdefghij"
  .split("")
  .map((name, index) => `${name}: &${name} [${Array.from({ length: 9 }, () => `*${"abcdefghi"[index]}`).join(", ")}]`)
  .join("\n")}\n`;

const YAML: readonly Case[] = [
  { what: "absent file", text: null, message: /does not exist/ },
  { what: "empty file", text: " \n", message: /empty/ },
  { what: "only a comment", text: "# nothing\n", message: /expected a map/, line: 1 },
  { what: "binary", text: binary, message: /binary/ },
  { what: "not UTF-8", text: notUtf8, message: /binary/ },
  { what: "too large", text: `#${"x".repeat(2 ** 20)}\n`, message: /too large/ },
  { what: "syntax", text: "jobs:\n  - name: a\n   rw: read\n", message: /not YAML/, line: 3 },
  { what: "open bracket", text: "jobs: [\n", message: /not YAML/, line: 2 },
  { what: "tab indent", text: "jobs:\n\t- name: a\n", message: /not YAML/, line: 2 },
  { what: "two documents", text: "jobs: []\n---\njobs: []\n", message: /not YAML/, line: 2 },
  { what: "duplicate key", text: "jobs: []\njobs: []\n", message: /not YAML/, line: 2 },
  { what: "unknown anchor", text: "jobs: *a\n", message: /not YAML|aliases/ },
  { what: "alias bomb", text: bomb, message: /aliases/ },
  { what: "deep nesting", text: `jobs: ${"[".repeat(200_000)}\n`, message: /nested too deeply|not YAML/ },
  { what: "a list at the top", text: "- a\n", message: /expected a map/, line: 1 },
  { what: "no jobs", text: "title: x\n", message: /missing key "jobs"/, line: 1 },
  { what: "empty jobs", text: "title: x\njobs: []\n", message: /too few/, line: 2 },
  { what: "jobs of the wrong type", text: "jobs: 3\n", message: /expected a list/, line: 1 },
  { what: "job without name", text: "jobs:\n  - rw: read\n", message: /missing key "name"/, line: 2 },
  { what: "job without rw", text: "jobs:\n  - name: a\n", message: /no rw/, line: 2 },
  { what: "unknown top key", text: "titel: x\njobs: []\n", message: /did you mean "title"/, line: 1 },
  { what: "unknown job key", text: job("iodpeth: 4"), message: /did you mean "iodepth"/, line: 4 },
  { what: "unknown sg key", text: job("sg: { entri: 4k }"), message: /did you mean "entry"/, line: 4 },
  { what: "wrong unit", text: job("bs: 4kk"), message: /expected a size/, line: 4 },
  { what: "negative size", text: job("size: -4096"), message: /too small.*got -4096.*at least 0/s, line: 4 },
  { what: "negative size as text", text: job('size: "-4k"'), message: /expected a size/, line: 4 },
  { what: "NaN", text: job("bs: .nan"), message: /got "NaN"/, line: 4 },
  { what: "infinity", text: job("rwmixread: .inf"), message: /got "Infinity"/, line: 4 },
  { what: "fraction", text: job("iodepth: 1.5"), message: /whole number/, line: 4 },
  { what: "iodepth 0", text: job("iodepth: 0"), message: /too small.*at least 1/s, line: 4 },
  { what: "iodepth too large", text: job("iodepth: 1024"), message: /too large.*at most 1023/s, line: 4 },
  { what: "numjobs too large", text: job("numjobs: 1025"), message: /too large.*at most 1024/s, line: 4 },
  {
    what: "too many clones",
    text: "global: { rw: read, numjobs: 600 }\njobs: [{ name: a }, { name: b }]\n",
    message: /too many clones.*got 1200.*at most 1024/s,
  },
  { what: "size beyond 2^50", text: job("size: 1e300"), message: /expected a size|too large/, line: 4 },
  { what: "bs beyond 1 GiB", text: job("bs: 2GiB"), message: /too large/, line: 4 },
  { what: "runtime too long", text: job("runtime: 101d"), message: /duration.*100 days/s, line: 4 },
  { what: "runtime of a wrong unit", text: job("runtime: 5 parsecs"), message: /expected a duration/, line: 4 },
  { what: "misspelt rw", text: "jobs:\n  - name: a\n    rw: randreed\n", message: /did you mean "randread"/, line: 3 },
  { what: "flag as text", text: job('direct: "yes"'), message: /expected true or false/, line: 4 },
  { what: "unknown word", text: job("map: sometimes"), message: /not one of.*per-io, persistent/s, line: 4 },
  { what: "percent above 100", text: job("rwmixread: 101"), message: /too large.*at most 100/s, line: 4 },
  { what: "pair with a wrong key", text: job("bs: { read: 4k, wirte: 8k }"), message: /did you mean "write"/, line: 4 },
  { what: "list for a size", text: job("bs: [4k]"), message: /bs/, line: 4 },
  { what: "bad bssplit", text: job("bssplit: 4k/60:8k/60"), message: /add up to 120/, line: 4 },
  { what: "bssplit entry", text: job("bssplit: [{ bs: 4k, percent: 200 }]"), message: /too large/, line: 4 },
  { what: "share above 1", text: job("sg: { pageless_share: 2 }"), message: /too large.*at most 1/s, line: 4 },
  { what: "offset of a whole page", text: job("sg: { offset: 4096 }"), message: /too large/, line: 4 },
  { what: "rate and rate_iops", text: job("rate: 1m\n    rate_iops: 5"), message: /exclude each other/, line: 5 },
  { what: "engine of the network", text: job("ioengine: rdma"), message: /network/, line: 4 },
  { what: "null for text", text: "machine: ~\njobs: [{ name: a, rw: read }]\n", message: /expected text/, line: 1 },
];

const FIO: readonly Case[] = [
  { what: "absent file", text: null, message: /does not exist/ },
  { what: "empty file", text: "\n", message: /empty/ },
  { what: "binary", text: binary, message: /binary/ },
  { what: "too large", text: `;${"x".repeat(2 ** 20)}\n`, message: /too large/ },
  { what: "too many lines", text: "\n".repeat(70_000).concat("[a]\n"), message: /too many lines/ },
  { what: "too many sections", text: "[a]\n".repeat(4097), message: /too many sections/, line: 4097 },
  { what: "too many clones", text: "[a]\n".repeat(1025), message: /too many clones/ },
  { what: "only comments", text: "; nothing\n", message: /no job/ },
  { what: "only global", text: "[global]\nbs=4k\n", message: /no job/ },
  { what: "option outside a section", text: "bs=4k\n", message: /outside a section/, line: 1 },
  { what: "open section name", text: "[a\nbs=4k\n", message: /does not end in \]/, line: 1 },
  { what: "empty section name", text: "[]\n", message: /no name/, line: 1 },
  { what: "unknown option", text: fio("iodpeth=4"), message: /did you mean "iodepth"/, line: 4 },
  { what: "unknown option, nothing near", text: fio("frobnicate_everything=4"), message: /unknown option/, line: 4 },
  { what: "missing value", text: fio("bs"), message: /needs a value/, line: 4 },
  { what: "empty value", text: fio("bs="), message: /read,write values/, line: 4 },
  { what: "no name", text: fio("=4k"), message: /no option name/, line: 4 },
  { what: "wrong unit", text: fio("bs=4q"), message: /expected a size.*got "4q"/s, line: 4 },
  { what: "negative size", text: fio("size=-1g"), message: /expected a size/, line: 4 },
  { what: "not a number", text: fio("iodepth=NaN"), message: /whole number/, line: 4 },
  { what: "iodepth 0", text: fio("iodepth=0"), message: /too small/, line: 4 },
  { what: "iodepth absurd", text: fio("iodepth=1000000"), message: /too large/, line: 4 },
  { what: "numjobs absurd", text: fio("numjobs=5000"), message: /too large.*1 to 1024/s, line: 4 },
  { what: "size overflow", text: fio("size=99999999999p"), message: /expected a size|too large/, line: 4 },
  { what: "size below bs", text: fio("bs=64k\nsize=4k"), message: /smaller than the smallest block/, line: 5 },
  { what: "bad bssplit", text: fio("bssplit=4k/60:8k/50:16k"), message: /add up to 110/, line: 4 },
  { what: "bad bssplit entry", text: fio("bssplit=4k/x"), message: /not size\/percent/, line: 4 },
  { what: "bad bsrange", text: fio("bsrange=4k"), message: /expected a range/, line: 4 },
  { what: "bad time", text: fio("runtime=10x"), message: /expected a duration/, line: 4 },
  { what: "bad boolean", text: fio("direct=maybe"), message: /expected a boolean/, line: 4 },
  { what: "bad percentage", text: fio("rwmixread=120"), message: /percentage/, line: 4 },
  { what: "bad distribution", text: fio("random_distribution=zipff:1"), message: /did you mean "zipf"/, line: 4 },
  { what: "zipf of 1", text: fio("random_distribution=zipf:1.0"), message: /theta/, line: 4 },
  { what: "zones below 100", text: fio("random_distribution=zoned:50/50"), message: /add up to 50/, line: 4 },
  { what: "trim", text: fio("rw=randtrim"), message: /moves no data/, line: 4 },
  { what: "copy, which fio lacks", text: fio("rw=copy"), message: /unknown rw/, line: 4 },
  { what: "zone mode", text: fio("zonemode=zbd"), message: /zone/, line: 4 },
  { what: "replay", text: fio("read_iolog=trace.log"), message: /dmasim replay/, line: 4 },
  { what: "network engine", text: fio("ioengine=net"), message: /ioengine net talks to a network/, line: 4 },
  { what: "misspelt engine", text: fio("ioengine=libiao"), message: /did you mean "libaio"/, line: 4 },
  { what: "rates that exclude each other", text: fio("rate=1m\nrate_iops=5"), message: /exclude/, line: 5 },
  { what: "minimum above the rate", text: fio("rate=1k\nrate_min=2k"), message: /minimum/, line: 5 },
  { what: "unknown verify", text: fio("verify=crc33"), message: /verify method/, line: 4 },
  { what: "unknown prefix base", text: fio("kb_base=1001"), message: /prefix base/, line: 4 },
  { what: "device memory for buffers", text: fio("mem=cudamalloc"), message: /bar:DEVICE/, line: 4 },
];

describe.each([
  ["YAML profile", "load.yaml", YAML],
  ["job file", "job.fio", FIO],
] as const)("malformed %s", (_, file, cases) => {
  it.each(cases)("$what", ({ text, message, line }) => {
    const error = withFiles(text === null ? {} : { [file]: text }, (folder) =>
      userError(() => loadProfile(join(folder, file))),
    );
    expect(error.message).toMatch(message);
    expect(error.exitCode).toBe(2);
    expect(error.code).toMatch(/^DMASIM_[A-Z_]+$/);
    expect(error.message).toMatch(/remedy: ./);
    expect(error.message).not.toMatch(/\n\s+at /);
    expect(error.parts.at?.file).toMatch(new RegExp(`${file}$`));
    expect(error.parts.at?.line).toBe(line ?? error.parts.at?.line);
    if (line !== undefined) expect(error.message).toContain(`${file}:${line}`);
  });
});
