/** A validation as one HTML file without scripts or links: a panel a group, measured against predicted. */
import { formatNumber } from "../../base/units.ts";
import type { UnitSi } from "../../sim/validate/measurement.ts";
import type { RowResult, ValidateResult } from "../../sim/validate/result.ts";
import { median } from "../../sim/validate/summary.ts";
import { escapeHtml, renderScatter, type ScatterPoint } from "./scatter.ts";
import { describeRow, formatBias, formatError, formatSi } from "./values.ts";

const STYLE = `
:root { color-scheme: light dark; --ink: #1c2330; --soft: #667085; --line: #d9dee7; --paper: #ffffff; --page: #f4f6f9;
  --band: #cfe3d4; --in: #1d6fb8; --out: #c8372d; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e9ef; --soft: #9aa4b5; --line: #38414f; --paper: #1b212b;
  --page: #12161d; --band: #24402e; --in: #63b0f4; --out: #ff7b6e; } }
body { margin: 0; padding: 24px; background: var(--page); color: var(--ink); font: 14px/1.45 system-ui, sans-serif; }
h1 { font-size: 20px; margin: 0 0 4px; } h2 { font-size: 16px; margin: 28px 0 10px; }
p { margin: 0 0 6px; color: var(--soft); max-width: 80ch; }
.panels { display: grid; grid-template-columns: repeat(auto-fill, minmax(300px, 1fr)); gap: 14px; }
figure { margin: 0; padding: 10px 10px 4px; background: var(--paper); border: 1px solid var(--line); border-radius: 6px; }
figcaption { font-weight: 600; overflow-wrap: anywhere; } figcaption small { display: block; font-weight: 400; color: var(--soft); }
svg { width: 100%; height: auto; display: block; } text { fill: var(--soft); font: 10px system-ui, sans-serif; }
.frame { fill: none; stroke: var(--line); } .grid { stroke: var(--line); stroke-width: .5; } .band { fill: var(--band); }
.equal { stroke: var(--soft); stroke-dasharray: 3 3; } circle { stroke: var(--paper); stroke-width: .8; fill-opacity: .85; }
.in { fill: var(--in); } .out { fill: var(--out); } .axis { font-size: 11px; }
`;

/** The page. Rows that are not predicted are counted in the captions. */
export function renderValidatePlot(result: ValidateResult): string {
  const { total, topics } = result;
  const head = `${total.supported} of ${total.rows} simulated rows predicted, ${total.within} within their tolerance, ${total.withinTwice} within twice that; median error ${formatError(total.median)}`;
  return [
    `<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>dmasim validate</title>`,
    `<meta name="viewport" content="width=device-width, initial-scale=1"><style>${STYLE}</style></head><body>`,
    `<h1>Measured against predicted</h1><p>${escapeHtml(head)}.</p>`,
    "<p>A panel a group. On the dashed line both agree; the band is the group's usual tolerance. Blue points are within their own row's tolerance, red ones are not. Figures that the source relates to a baseline are shown as ratios to it. Point at a dot for its row.</p>",
    ...topics.map(({ topic }) => renderTopic(topic, result)),
    "</body></html>\n",
  ].join("\n");
}

function renderTopic(topic: string, { groups, rows }: ValidateResult): string {
  const panels = groups
    .filter((group) => group.topic === topic)
    .map((group) => {
      const members = rows.filter(({ row, counted }) => counted && row.group === group.group && row.topic === topic);
      return [...quantitiesOf(members)].map((unit) =>
        renderPanel(
          group.group,
          members.filter((each) => unitOf(each) === unit),
        ),
      );
    });
  return `<section><h2>${escapeHtml(topic)}</h2><div class="panels">\n${panels.flat().join("\n")}\n</div></section>`;
}

/** Rows share an axis when they share a unit and are compared in the same way. */
function unitOf({ row, baseline }: RowResult): string {
  return `${baseline === null ? row.unitSi : "relative"} ${row.quantity}`;
}

function quantitiesOf(rows: readonly RowResult[]): Set<string> {
  return new Set(rows.map(unitOf));
}

function renderPanel(group: string, rows: readonly RowResult[]): string {
  const points = rows.flatMap(pointOf);
  const isRelative = rows[0]?.baseline !== null;
  const unit: UnitSi = rows[0]?.row.unitSi ?? "ratio";
  const tolerance = median(rows.flatMap(({ score }) => (score === null ? [] : [score.tolerance]))) ?? 0;
  const errors = rows.flatMap(({ score }) => (score === null ? [] : [score.error]));
  const within = rows.filter(({ score }) => score?.within === true).length;
  const what = `${rows[0]?.row.quantity ?? ""}${isRelative ? " over its baseline" : ""}`;
  const missing = rows.length - points.length;
  const caption = [
    `${what}: ${within} of ${rows.length} within ${formatError(tolerance)}`,
    errors.length === 0 ? "" : `median error ${formatError(median(errors))}`,
    missing === 0 ? "" : `${missing} not predicted`,
  ];
  const format = isRelative ? (value: number) => `${formatNumber(value)} x` : (value: number) => formatSi(value, unit);
  return `<figure><figcaption>${escapeHtml(group)}<small>${escapeHtml(caption.filter((part) => part !== "").join(" · "))}</small></figcaption>
${renderScatter({ points, tolerance, format })}</figure>`;
}

function pointOf(result: RowResult): ScatterPoint[] {
  const { row, prediction, baseline, score } = result;
  if (prediction.status !== "ok" || score === null) return [];
  const base = baseline?.prediction.status === "ok" ? baseline.prediction.valueSi : 1;
  const measured = row.measuredSi / (baseline?.row.measuredSi ?? 1);
  const predicted = base === 0 ? Number.NaN : prediction.valueSi / base;
  if (!Number.isFinite(predicted)) return [];
  const values = `measured ${formatSi(row.measuredSi, row.unitSi)}, predicted ${formatSi(prediction.valueSi, row.unitSi)}`;
  const text = `${row.id}\n${describeRow(result)}\n${values}\nerror ${formatBias(score.signedError)}, tolerance ${formatError(score.tolerance)}`;
  return [{ measured, predicted, within: score.within, text }];
}
