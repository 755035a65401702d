/**
 * The report of `dmasim check` for people: a table by area, then what failed, then what is not supported.
 *
 * ```
 * area   passed failed unsupported
 *
 * FAILED iova-002 (iova, iova_sequence)
 *   results[1]   expected 0xffc00000   actual 4290772992 (0xffc00000)
 * ```
 */
import type { Difference } from "../sim/check/compare.ts";
import type { CaseResult, CheckResult } from "../sim/check/runner.ts";
import { plain, type Screen, shorten } from "./style.ts";
import { type Column, renderTable } from "./table.ts";

const COLUMNS: readonly Column[] = [
  { head: "area", align: "left" },
  { head: "passed", align: "right" },
  { head: "failed", align: "right" },
  { head: "unsupported", align: "right" },
];
const DIFFERENCES_SHOWN = 12;
const VALUE_WIDTH = 400;
const HEX_FROM = 10;

/** Whole report, ending in a newline. */
export function renderCheck(screen: Screen, result: CheckResult): string {
  const failed = result.cases.filter(({ status }) => status === "failed");
  const unsupported = result.cases.filter(({ status }) => status === "unsupported");
  const blocks = [
    renderAreas(screen, result.cases),
    ...failed.map((each) => renderFailure(screen, each)),
    unsupported.map((each) => ` ${screen.colors.yellow("unsupported")} ${nameOf(each)}: ${plain(each.reason ?? "")}`),
    [totals(screen, result)],
  ];
  const text = blocks.filter((block) => block.length > 0).map((block) => block.join("\n"));
  return `${text.join("\n\n")}\n`;
}

function renderAreas(screen: Screen, cases: readonly CaseResult[]): string[] {
  const areas = [...new Set(cases.map(({ area }) => area))];
  const count = (area: string, status: CaseResult["status"]) =>
    cases.filter((each) => each.area === area && each.status === status).length;
  const rows = areas.map((area) => [
    plain(area),
    String(count(area, "passed")),
    String(count(area, "failed")),
    String(count(area, "unsupported")),
  ]);
  return renderTable(screen, COLUMNS, rows, (cell, _row, column) => {
    const isBad = cell.trim() !== "0" && column >= 2;
    if (!isBad) return cell;
    return column === 2 ? screen.colors.red(cell) : screen.colors.yellow(cell);
  });
}

function renderFailure(screen: Screen, each: CaseResult): string[] {
  const diff = each.diff ?? [];
  const shown = diff.slice(0, DIFFERENCES_SHOWN).flatMap((difference) => renderDifference(screen, difference));
  const more = diff.length - DIFFERENCES_SHOWN;
  return [
    ` ${screen.colors.red("FAILED")} ${screen.colors.bold(nameOf(each))}${each.reason === undefined ? "" : `: ${plain(each.reason)}`}`,
    ...(each.reason === undefined ? shown : []),
    ...(more > 0 ? [`   and ${more} more differences`] : []),
  ];
}

function renderDifference(screen: Screen, { path, expected, actual }: Difference): string[] {
  const { dim } = screen.colors;
  return [
    `   ${plain(path)}`,
    `     ${dim("expected")} ${valueText(expected)}`,
    `     ${dim("actual  ")} ${valueText(actual)}`,
  ];
}

/** JSON; integers from 10 on in hexadecimal as well, because cases use both. */
function valueText(value: unknown): string {
  if (value === undefined) return "nothing";
  const text = shorten(plain(JSON.stringify(value) ?? String(value)), VALUE_WIDTH);
  const isAddress = typeof value === "number" && Number.isInteger(value) && value >= HEX_FROM;
  return isAddress ? `${text} (0x${value.toString(16)})` : text;
}

function nameOf({ id, area, op }: CaseResult): string {
  return plain(`${id} (${area}, ${op})`);
}

function totals(screen: Screen, { passed, failed, unsupported, cases }: CheckResult): string {
  const paint = failed > 0 ? screen.colors.red : screen.colors.green;
  return ` ${paint(`${passed} of ${cases.length} passed, ${failed} failed, ${unsupported} unsupported`)}`;
}
