/** What a stress run says: live line, end of run, findings, the list of faults, JSON. */
import { PATH_NAMES } from "../base/cost.ts";
import { formatBytes, formatCount, formatNs } from "../base/units.ts";
import type { FaultCount } from "../sim/stress/faults/log.ts";
import type { ReplayFile } from "../sim/stress/replay_file.ts";
import type { RssVerdict } from "../sim/stress/rss_watch.ts";
import { medianSize } from "../sim/stress/sizes.ts";
import type { StressLook, StressResult } from "../sim/stress/stress.ts";

/** JSON of a run; stable keys. */
export function stressJson(
  result: StressResult,
  seed: number,
  reproduce: string | null,
  saved: string | null,
): unknown {
  const { totals, faults, finding, elapsedS, rounds } = result;
  return {
    schema: "dmasim/stress@1",
    seed,
    ops: transfersOf(result),
    bytes: sum(totals.bytes),
    bytes_median: medianSize(totals.sizes),
    bytes_mean: Math.round(meanOf(result)),
    bytes_max: totals.bytesMax,
    mappings: totals.ops,
    refused: totals.refused,
    rounds,
    paths: Object.fromEntries(
      PATH_NAMES.flatMap((name, path) => (totals.transfers[path] === 0 ? [] : [[name, pathJson(result, path)]])),
    ),
    faults: faults.map(({ name, injected, detected, harmless, unexplained, outcomes, latencyMaxHostNs }) => ({
      name,
      injected,
      detected,
      harmless,
      unexplained,
      outcomes,
      host: { latency_max_ns: Math.round(latencyMaxHostNs) },
    })),
    failures: (finding === null ? 0 : 1) + (result.rss?.holds === false ? 1 : 0),
    ...(finding === null ? {} : { finding: { kind: finding.kind, text: finding.text, reproduce, replay: saved } }),
    ...(result.partial ? { partial: true } : {}),
    host: {
      wall_s: elapsedS,
      ops_per_s: transfersOf(result) / elapsedS,
      peak_rss_bytes: process.resourceUsage().maxRSS * 1024,
      ...(result.rss === null ? {} : { rss: rssJson(result.rss) }),
    },
  };
}

function pathJson(result: StressResult, path: number): unknown {
  const { transfers, bytes } = result.totals;
  const ops = transfers[path] ?? 0;
  return { ops, bytes: bytes[path], share: Math.round((ops / transfersOf(result)) * 1e6) / 1e6 };
}

function rssJson({ secondMinuteBytes, lastMinuteBytes, limitBytes, holds }: RssVerdict): unknown {
  return {
    second_minute_bytes: secondMinuteBytes,
    last_minute_bytes: lastMinuteBytes,
    limit_bytes: limitBytes,
    holds,
  };
}

/** One line for stderr while the run goes on. */
export function stressLine({ round, machine, totals, elapsedS, poolSlots, poolSlotsTotal }: StressLook): string {
  const rates = PATH_NAMES.flatMap((name, path) =>
    totals.transfers[path] === 0 ? [] : [`${name} ${formatCount((totals.transfers[path] as number) / elapsedS)}/s`],
  );
  const pool =
    poolSlots === null || poolSlotsTotal === 0 ? "" : ` · pool ${Math.round((100 * poolSlots) / poolSlotsTotal)} %`;
  const done = `${formatCount(sum(totals.transfers))} transfers · ${formatBytes(sum(totals.bytes))}`;
  return `${elapsedS.toFixed(0)} s · round ${round} ${machine} · ${done} · ${totals.faults} faults · ${rates.join(" ")}${pool} · 0 failures`;
}

/** The end of a run. */
export function renderStress(result: StressResult, seed: number): string {
  const { totals, elapsedS, rounds, finding } = result;
  const ops = transfersOf(result);
  const grows = result.rss?.holds === false ? "the memory of this process grows" : "nothing is wrong";
  const verdict = finding === null ? grows : `FOUND: ${finding.kind}`;
  const lines = [
    `dmasim stress: ${verdict}`,
    "",
    `  ${formatCount(ops)} transfers, every byte compared: ${formatBytes(sum(totals.bytes))} in ${formatNs(elapsedS * 1e9)} on this computer`,
    `  ${formatCount(ops / elapsedS)} transfers/s; ${totals.refused} mappings refused as they may be`,
    `  sizes: median ${formatBytes(medianSize(totals.sizes))}, mean ${formatBytes(meanOf(result))}, largest ${formatBytes(totals.bytesMax)}`,
    `  seed ${seed}, ${rounds} ${rounds === 1 ? "machine" : "machines"}${result.partial ? " (interrupted)" : ""}`,
  ];
  for (const [path, transfers] of totals.transfers.entries()) {
    if (transfers === 0) continue;
    lines.push(
      `  ${(PATH_NAMES[path] ?? "").padEnd(8)} ${((100 * transfers) / ops).toFixed(1).padStart(5)} %  ${formatBytes(totals.bytes[path] ?? 0)}`,
    );
  }
  lines.push(`  ${rssText(result.rss)}`);
  if (result.faults.length > 0) lines.push("", ...faultRows(result.faults));
  if (finding === null && !result.partial) {
    lines.push("", "  no slot, IOVA, page-table entry, pin or list is left; locks are free, rings empty");
  }
  return `${lines.join("\n")}\n`;
}

/** What is known about a finding, and how to see it again. */
export function renderFinding(
  result: StressResult,
  reproduce: string,
  saved: { file: string; replay: ReplayFile } | null,
): string {
  const lines = [`\n  ${result.finding?.text ?? ""}`, `  reproduce: ${reproduce}`];
  if (saved !== null) {
    lines.push(
      `  shrunk to ${saved.replay.operations.length} operations of one thread: dmasim stress --replay ${saved.file}`,
    );
  } else lines.push("  no single thread's operations show it by themselves: it takes the threads together");
  return `${lines.join("\n")}\n`;
}

function faultRows(faults: readonly FaultCount[]): string[] {
  const head = `  ${"fault".padEnd(24)}${["injected", "detected", "harmless", "unexplained", "longest"].map((word) => word.padStart(12)).join("")}`;
  return [
    head,
    ...faults.map(({ name, injected, detected, harmless, unexplained, latencyMaxHostNs }) => {
      const cells = [
        injected,
        detected,
        harmless,
        unexplained,
        latencyMaxHostNs === 0 ? "" : formatNs(latencyMaxHostNs),
      ];
      return `  ${name.padEnd(24)}${cells.map((cell) => String(cell).padStart(12)).join("")}`;
    }),
  ];
}

function rssText(rss: RssVerdict | null): string {
  if (rss === null) return "memory of this process: not judged, the run is shorter than two minutes";
  const { secondMinuteBytes, lastMinuteBytes, limitBytes, holds } = rss;
  const verdict = holds ? "holds" : "GROWS";
  const medians = `median ${formatBytes(secondMinuteBytes)} in the second minute, ${formatBytes(lastMinuteBytes)} in the last`;
  return `memory of this process ${verdict}: ${medians} (at most ${formatBytes(limitBytes)})`;
}

function meanOf(result: StressResult): number {
  const ops = transfersOf(result);
  return ops === 0 ? 0 : sum(result.totals.bytes) / ops;
}

function transfersOf({ totals }: StressResult): number {
  return sum(totals.transfers);
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
