// Predicts the shipped measurements, and writes what came out: data/validation.json (which runs read their error bands from)
// and the table of the README. `--check` writes nothing and fails when either is not what it would write.
import { spawnSync } from "node:child_process";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { ROOT } from "./source_hash.mjs";

const SUMMARY = join(ROOT, "data/validation.json");
const README = join(ROOT, "README.md");
const TABLE = /(?<=<!-- validation table -->\n)[\s\S]*?(?=<!-- end -->)/;
const BAND_SHARE = 0.9;
const DIGITS = 3;

/** data/validation.json from the JSON of `dmasim validate` and the rows that it read. */
export function summaryOf(report, measurements) {
  const systemOf = new Map(measurements.map(({ id, system }) => [id, system]));
  const counted = report.rows.filter((row) => row.counted);
  return {
    schema: "dmasim/validation@1",
    version: report.version,
    total: figures(
      report.total,
      counted.filter(({ scope }) => scope === "simulated"),
    ),
    topics: report.topics.map((topic) => {
      const rows = counted.filter((row) => row.topic === topic.topic);
      return { topic: topic.topic, ...figures(topic, rows), systems: systemsOf(rows, systemOf) };
    }),
  };
}

function figures({ rows, supported, within, withinTwice, median, worst, bias }, list) {
  const errors = list.flatMap(({ error }) => error ?? []).sort((a, b) => a - b);
  const p90 = errors[Math.ceil(errors.length * BAND_SHARE) - 1] ?? null;
  const rounded = Object.entries({ median, p90, worst, bias }).map(([key, value]) => [key, round(value)]);
  return { rows, supported, within, withinTwice, ...Object.fromEntries(rounded) };
}

function round(value) {
  return value === null ? null : Number(value.toFixed(DIGITS)) + 0;
}

/** What the predicted rows of a topic were measured on: core family and IOMMU, each pair once. */
function systemsOf(rows, systemOf) {
  const keys = rows
    .filter(({ error }) => error !== null)
    .map(({ id }) => {
      const { uarch = null, iommu_kind: iommu = null } = systemOf.get(id) ?? {};
      return JSON.stringify({ uarch, iommu });
    });
  return [...new Set(keys)].sort().map((key) => JSON.parse(key));
}

/** The README's table, ending in a newline. */
export function tableOf(summary) {
  const lines = summary.topics.map((topic) => line(topic.topic, topic));
  return [
    "| topic | rows | predicted | within tolerance | within twice | median error | 9 of 10 rows | worst |",
    "|---|---:|---:|---:|---:|---:|---:|---:|",
    ...lines,
    line("**all but `pcie-model`**", summary.total),
    "",
  ].join("\n");
}

function line(name, { rows, supported, within, withinTwice, median, p90, worst }) {
  const cells = [name, rows, supported, within, withinTwice, percent(median), percent(p90), percent(worst)];
  return `| ${cells.join(" | ")} |`;
}

function percent(ratio) {
  return ratio === null ? "–" : `${(ratio * 100).toFixed(1)} %`;
}

/** One object a line for topics, so that a change shows what it changed. */
export function jsonText({ topics, ...head }) {
  const rest = JSON.stringify(head, null, 2).slice(0, -2);
  return `${rest},\n  "topics": [\n${topics.map((topic) => `    ${JSON.stringify(topic)}`).join(",\n")}\n  ]\n}\n`;
}

/** The README with the table of `summary`. */
export function withTable(readme, summary) {
  if (!TABLE.test(readme)) throw new Error("README.md has no place for the validation table");
  return readme.replace(TABLE, () => tableOf(summary));
}

function predict() {
  const file = join(tmpdir(), `dmasim-validation-${process.pid}.json`);
  try {
    const run = spawnSync(process.execPath, [join(ROOT, "bin/dmasim.mjs"), "validate", "measurements", "--json", file]);
    if (run.status !== 0) throw new Error(String(run.stderr));
    return JSON.parse(readFileSync(file, "utf8"));
  } finally {
    rmSync(file, { force: true });
  }
}

function main() {
  const measurements = JSON.parse(readFileSync(join(ROOT, "data/measurements.json"), "utf8"));
  const summary = summaryOf(predict(), measurements);
  const wanted = [
    [SUMMARY, jsonText(summary)],
    [README, withTable(readFileSync(README, "utf8"), summary)],
  ];
  if (process.argv.includes("--check")) {
    const stale = wanted.filter(([file, text]) => readFileSync(file, "utf8") !== text).map(([file]) => file);
    if (stale.length > 0) console.error(`not up to date: ${stale.join(", ")}; run node scripts/validation_table.mjs`);
    process.exitCode = stale.length > 0 ? 1 : 0;
    return;
  }
  for (const [file, text] of wanted) writeFileSync(file, text);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) main();
