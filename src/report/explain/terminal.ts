/**
 * An explanation for people: verdict, why and what next of the run, then a waterfall of one median and one p99 I/O.
 *
 * ```
 * MEDIAN READ 255 us: 67 % waiting, most of it for cpu 0
 * stage   where          wait ns  service ns  share   0            128 us           255 us
 * media   nvme0 media      21487       74771   38 %   ▏█████████░░░
 * ```
 */
import { formatBytes, formatNs } from "../../base/units.ts";
import type { ExplainedIo, Explanation } from "../../sim/explain/result.ts";
import { plural, shareText } from "../figures.ts";
import { renderHeader } from "../header.ts";
import { renderHost, renderNotes } from "../notes.ts";
import { labelled, plain, type Screen, shorten, wrap } from "../style.ts";
import { renderTrust } from "../trust.ts";
import { renderVerdict } from "../verdict.ts";
import { type StageRow, stageRows } from "./stage_rows.ts";
import { axisText, timelineText } from "./timeline.ts";
import { renderDifference, renderWaitPlaces } from "./waits.ts";

const STAGE_WIDTH = 13;
const WHERE_WIDTH = 22;
const NS_WIDTH = 9;
const SHARE_WIDTH = 7;
const GAP = 2;
/** Columns before the bars, the leading space included. */
const HEAD_WIDTH = 1 + STAGE_WIDTH + WHERE_WIDTH + 2 * (NS_WIDTH + 1) + SHARE_WIDTH + GAP;

/** Whole report, ending in a newline. */
export function renderExplanation(screen: Screen, explanation: Explanation): string {
  const { run, transfers } = explanation;
  const blocks = [
    renderHeader(screen, run),
    [...renderVerdict(screen, run), ...renderWaitPlaces(screen, explanation)],
    explanation.partial === true ? renderCut(screen, explanation) : [],
    ...transfers.map((io) => renderIo(screen, explanation, io)),
    [
      ...renderDifference(screen, explanation),
      ...renderTrust(screen, run),
      ...renderNotes(screen, run),
      ...renderHost(screen, run),
    ],
  ];
  return `${blocks
    .filter((block) => block.length > 0)
    .map((block) => block.join("\n"))
    .join("\n\n")}\n`;
}

function renderCut(screen: Screen, { job, ios, direction }: Explanation): string[] {
  const text = `interrupted before an I/O could be followed; job ${plain(job)} had ended ${plural(ios, direction)}`;
  return labelled(screen, "partial", text, screen.colors.yellow);
}

function renderIo(screen: Screen, explanation: Explanation, io: ExplainedIo): string[] {
  const { colors } = screen;
  const barWidth = screen.width - HEAD_WIDTH;
  const title = `${io.which.toUpperCase()} ${explanation.direction.toUpperCase()} ${formatNs(io.latency_ns)}`;
  const head = wrap(plain(`${title}: ${storyOf(io)}`), screen.width - 1).map((line) => ` ${colors.bold(line)}`);
  const rows = stageRows(io);
  const columns = line("stage", "where most of it is", "wait ns", "service ns", "share");
  const total = Math.round(io.latency_ns);
  const waitNs = rows.reduce((sum, row) => sum + row.waitNs, 0);
  return [
    ...head,
    ` ${colors.dim(wrap(factsOf(explanation, io), screen.width - 1).join("\n "))}`,
    colors.dim(`${columns}${axisText(io.latency_ns, barWidth, formatNs)}`),
    ...rows.map((row) => renderRow(screen, row, io, barWidth)),
    line("sum", formatNs(io.latency_ns), String(waitNs), String(total - waitNs), "100 %").trimEnd(),
  ];
}

/** `67 % waiting, most of it for cpu 0`. */
function storyOf(io: ExplainedIo): string {
  if (io.wait_ns < io.latency_ns * 0.005) return "it waits for nobody";
  const longest = io.steps.reduce((best, step) => (step.wait_ns > best.wait_ns ? step : best));
  return `${shareText(io.wait_ns / io.latency_ns)} waiting, most of it for ${longest.place} (${longest.stage})`;
}

function factsOf({ job, ios }: Explanation, io: ExplainedIo): string {
  const parts = [
    `I/O ${io.io} of clone ${io.clone}, job ${plain(job)} (of ${ios})`,
    formatBytes(io.bytes),
    ...(io.commands > 1 ? [`${io.commands} commands, shown: the last to end`] : []),
    plural(io.quanta, "quantum", "quanta"),
    io.iotlb_misses === 0 ? "no IOTLB miss" : `${plural(io.iotlb_misses, "IOTLB miss", "IOTLB misses")}`,
    ...(io.walk_levels > 0 ? [`${io.walk_levels} levels walked`] : []),
  ];
  return parts.join(" · ");
}

function renderRow(screen: Screen, row: StageRow, io: ExplainedIo, barWidth: number): string {
  const { colors } = screen;
  const isAbsent = row.waitNs + row.serviceNs === 0;
  const text = line(
    row.stage,
    row.where,
    nsText(row.waitNs),
    nsText(row.serviceNs),
    isAbsent ? "–" : shareText(row.share),
  );
  if (isAbsent) return colors.dim(text.trimEnd());
  return `${text}${timelineText(screen, row.steps, io.latency_ns, barWidth)}`.trimEnd();
}

function nsText(ns: number): string {
  return ns === 0 ? "–" : String(ns);
}

function line(stage: string, where: string, wait: string, service: string, share: string): string {
  const place = shorten(plain(where), WHERE_WIDTH - 1).padEnd(WHERE_WIDTH);
  const figures = `${wait.padStart(NS_WIDTH)} ${service.padStart(NS_WIDTH + 1)}${share.padStart(SHARE_WIDTH)}`;
  return ` ${stage.padEnd(STAGE_WIDTH)}${place}${figures}${" ".repeat(GAP)}`;
}
