/** What a reader has to know about the run as a whole: scaled down, interrupted, notes, and the host's part. */
import { formatBytes, formatCount, formatNs } from "../base/units.ts";
import type { RunResult } from "../sim/result.ts";
import { dataText, plural } from "./figures.ts";
import { labelled, type Screen } from "./style.ts";

/** Lines that qualify every figure of the run; none when there is nothing to say. */
export function renderNotes(screen: Screen, result: RunResult): string[] {
  return [
    ...renderScaled(screen, result),
    ...(result.partial === true
      ? labelled(screen, "partial", "the run was interrupted; figures cover what had finished", screen.colors.yellow)
      : []),
    ...result.notes.flatMap((note, index) => labelled(screen, index === 0 ? "notes" : "", note)),
  ];
}

function renderScaled(screen: Screen, { scaled }: RunResult): string[] {
  if (scaled === undefined) return [];
  const text = `stopped at ${scaled.limit}; in full ${scaled.full} (--full)`;
  return labelled(screen, "scaled", text, screen.colors.yellow);
}

/** What the run cost this computer; every figure in it is a host figure. */
export function renderHost(screen: Screen, { host }: RunResult): string[] {
  const moved = host.payload ? `moved ${dataText(host.bytes_per_s)}/s` : "moved no bytes (payload off)";
  const text = [
    `${formatNs(host.wall_s * 1e9)} (CPU ${formatNs(host.cpu_s * 1e9)})`,
    `${plural(host.workers, "worker")} ${moved}, ${formatCount(host.ios_per_s)} I/O/s`,
    `peak ${formatBytes(host.peak_rss_bytes)}`,
    `Node ${host.node}`,
    plural(host.cpus, "CPU"),
  ];
  return labelled(screen, "host", text.join(" · "), screen.colors.dim);
}
