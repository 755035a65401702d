/** The verdict: the one line a reader would take away, in capitals, then why, then what would move it. */
import { formatCount, formatNumber } from "../base/units.ts";
import type { Bottleneck, JobResult, RunResult } from "../sim/result.ts";
import { activeDirections, bandText, gigabytes, plural, shareText } from "./figures.ts";
import { labelled, plain, type Screen, wrap } from "./style.ts";

/** The answer in a few words; `level` chooses the colour. */
export interface Verdict {
  /** `bad`: not to be trusted or not done; `warn`: done with a reservation; `good`: a plain answer. */
  readonly level: "bad" | "warn" | "good";
  readonly words: string;
}

const LIMITED_BY = "LIMITED BY";
/** More than this is no figure to plan with. */
const HEADROOM_MAX = 100;

type Judge = (result: RunResult) => Verdict | null;

/** In falling order of what a reader has to know first. */
const JUDGES: readonly Judge[] = [
  judgeWorker,
  judgeData,
  judgeDmaDebug,
  judgeLeaks,
  judgeJobs,
  judgeInterrupted,
  judgeLatencyTarget,
  judgeBottleneck,
];

/** What the run shows. Anything wrong with the run itself stands before any figure. */
export function judge(result: RunResult): Verdict {
  for (const candidate of JUDGES) {
    const verdict = candidate(result);
    if (verdict !== null) return verdict;
  }
  return judgeUnlimited(result);
}

function judgeWorker(result: RunResult): Verdict | null {
  const failure = result.host.worker_failure;
  if (failure === undefined) return null;
  return { level: "bad", words: `WORKER ${failure.worker} FAILED: ${failure.cause}; figures are incomplete` };
}

function judgeData({ host }: RunResult): Verdict | null {
  const { mismatches, first } = host.integrity;
  if (mismatches === 0) return null;
  const where = first[0] === undefined ? "" : `, first in job ${first[0].job} at I/O ${first[0].io}`;
  return { level: "bad", words: `WRONG DATA: ${plural(mismatches, "mismatch", "mismatches")}${where}` };
}

function judgeDmaDebug({ dma_debug: debug }: RunResult): Verdict | null {
  if (debug === undefined || debug.errors === 0) return null;
  return { level: "bad", words: `WRONG USE OF THE DMA API: ${plural(debug.errors, "error")} found by dma-debug` };
}

function judgeLeaks({ integrity }: RunResult): Verdict | null {
  if (integrity.leaks.length === 0) return null;
  const counts = new Map<string, number>();
  for (const leak of integrity.leaks) counts.set(leak.kind, (counts.get(leak.kind) ?? 0) + leak.count);
  const nouns = (kind: string) => (kind.endsWith("y") ? `${kind.slice(0, -1)}ies` : `${kind}s`);
  const words = [...counts].map(([kind, count]) => plural(count, kind, nouns(kind)));
  return { level: "bad", words: `LEAKED ${words.join(", ")}` };
}

function judgeJobs({ jobs }: RunResult): Verdict | null {
  const failed = jobs.filter((job) => job.error !== 0);
  const first = failed[0];
  if (first === undefined) return null;
  const who = jobs.length === 1 ? "THE JOB FAILED" : `${failed.length} OF ${jobs.length} JOBS FAILED`;
  return { level: "bad", words: `${who}: ${first.jobname}: ${first.error_text ?? `error ${first.error}`}` };
}

function judgeInterrupted(result: RunResult): Verdict | null {
  if (result.partial !== true) return null;
  return { level: "warn", words: `INTERRUPTED: ${throughputText(result)} until then` };
}

function judgeLatencyTarget(result: RunResult): Verdict | null {
  const missed = result.jobs.filter((job) => job.latency_target?.met === false);
  if (missed.length === 0) return null;
  const names = missed.map((job) => job.jobname).join(", ");
  return { level: "warn", words: `LATENCY TARGET MISSED by ${names}: ${throughputText(result)}` };
}

function judgeBottleneck(result: RunResult): Verdict | null {
  const { bottleneck, resources } = result;
  if (bottleneck === null) return null;
  if (bottleneck.bound !== "resource")
    return { level: "good", words: `${unsaturatedWords(bottleneck)}: ${throughputText(result)}` };
  const resource = resources.find((candidate) => candidate.name === bottleneck.resource);
  const busy = resource === undefined ? "" : ` (${shareText(resource.utilization)} busy)`;
  return { level: "good", words: `${LIMITED_BY} ${bottleneck.resource}${busy}: ${throughputText(result)}` };
}

/** What stands in the place of a saturated resource. */
function unsaturatedWords({ bound, why, resource, share }: Bottleneck): string {
  if (bound === "pace") return "THE LOAD SETS THE PACE";
  if (bound === "mixed") return `NOTHING IS SATURATED (${resource} is ${shareText(share)} busy)`;
  return `LATENCY BOUND (${why.slice(why.indexOf(":") + 2, why.indexOf(";"))})`;
}

function judgeUnlimited(result: RunResult): Verdict {
  const words =
    result.clock === "wall" ? "MEASURED ON THIS COMPUTER" : "NO RESOURCE IS SATURATED, the load sets the pace";
  return { level: "good", words: `${words}: ${throughputText(result)}` };
}

/** `11.5 GB/s, 2.8 M IOPS ±15 %`. Jobs of different groups run one after the other, so their rates are not added. */
export function throughputText(result: RunResult): string {
  const groups = new Map<number, { bytes: number; ios: number }>();
  for (const job of result.jobs) {
    const sum = groups.get(job.groupid) ?? { bytes: 0, ios: 0 };
    groups.set(job.groupid, { bytes: sum.bytes + rateOf(job, "bw_bytes"), ios: sum.ios + rateOf(job, "iops") });
  }
  const sums = [...groups.values()];
  const bytes = rangeText(sums.map((sum) => sum.bytes).map((rate) => [rate, gigabytes(rate)]));
  const ios = rangeText(sums.map((sum) => sum.ios).map((rate) => [rate, formatCount(rate)]));
  const turns = groups.size > 1 ? ` in ${groups.size} groups, one after the other` : "";
  return `${bytes} GB/s, ${ios} IOPS${bandText(result.confidence.band)}${turns}`;
}

function rateOf(job: JobResult, key: "bw_bytes" | "iops"): number {
  return activeDirections(job).reduce((sum, direction) => sum + direction.result[key], 0);
}

function rangeText(rates: readonly (readonly [number, string])[]): string {
  const sorted = [...rates].sort((a, b) => a[0] - b[0]);
  const low = sorted[0]?.[1] ?? "0";
  const high = sorted.at(-1)?.[1] ?? "0";
  return low === high ? low : `${low} to ${high}`;
}

/** Why it is so, what would move it, and what would limit then. */
export function renderLimits(screen: Screen, { bound, why, moves, next }: Bottleneck): string[] {
  // The first half of a latency bound's reason is in the verdict.
  const lines = labelled(screen, "why", bound === "latency" ? why.slice(why.indexOf(";") + 2) : why);
  if (moves.length > 0) lines.push(...labelled(screen, "would move it", moves.join(" · "), screen.colors.green));
  const limits = next.map(
    ({ resource, share, headroom }) => `${resource} ${shareText(share)} busy, ${headroomText(headroom)} headroom`,
  );
  if (limits.length > 0) lines.push(...labelled(screen, "limits next", limits.join(" · ")));
  return lines;
}

function headroomText(factor: number): string {
  return factor >= HEADROOM_MAX ? `>${HEADROOM_MAX}×` : `${formatNumber(factor)}×`;
}

/** Verdict, why, and what would move it; the verdict's capitals are coloured by how bad it is. */
export function renderVerdict(screen: Screen, result: RunResult): string[] {
  const { level, words } = judge(result);
  const { colors } = screen;
  const paint = { bad: colors.red, warn: colors.yellow, good: colors.cyan }[level];
  const lines = wrap(plain(words), screen.width - 1).map((line) => ` ${colors.bold(paint(line))}`);
  const limit = judgeBottleneck(result);
  if (limit === null || result.bottleneck === null) return lines;
  // A worse verdict does not hide what the figures say.
  if (limit.words !== words) lines.push(...labelled(screen, "limited by", limit.words.replace(`${LIMITED_BY} `, "")));
  return [...lines, ...renderLimits(screen, result.bottleneck)];
}
