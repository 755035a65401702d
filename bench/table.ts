/** The terminal's form of a suite: its groups, each case beside its baseline. */
import type { CaseResult } from "./case.ts";

const NAME_WIDTH = 46;

/** Lines of the suite; ratios are speeds relative to the baseline. */
export function suiteTable(title: string, results: readonly CaseResult[]): string {
  const lines = [title];
  let group = "";
  for (const result of results) {
    if (result.group !== group) {
      group = result.group;
      lines.push(
        ` ${group}`.padEnd(NAME_WIDTH + 3) + "time/op".padStart(11) + "ops/s".padStart(12) + "ratio".padStart(8),
      );
    }
    lines.push(row(result));
  }
  return `${lines.join("\n")}\n\n`;
}

function row(result: CaseResult): string {
  const beside = result.ratio === undefined ? "" : `${result.ratio.toFixed(2)}  vs ${result.baseline}`;
  const figures = timeText(result.ns).padStart(11) + rateText(result.hz).padStart(12);
  return `   ${result.name.padEnd(NAME_WIDTH)}${figures}${beside === "" ? "" : `    ${beside}`}`;
}

function timeText(ns: number): string {
  if (ns < 1000) return `${ns.toFixed(1)} ns`;
  if (ns < 1e6) return `${(ns / 1000).toFixed(2)} us`;
  return `${(ns / 1e6).toFixed(2)} ms`;
}

function rateText(hz: number): string {
  if (hz >= 1e6) return `${(hz / 1e6).toFixed(2)} M`;
  if (hz >= 1000) return `${(hz / 1000).toFixed(2)} k`;
  return hz.toFixed(1);
}
