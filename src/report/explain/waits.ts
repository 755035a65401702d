/** Where one I/O waits, and what makes the slow one slow. */
import { formatNs } from "../../base/units.ts";
import type { ExplainedIo, Explanation } from "../../sim/explain/result.ts";
import { shareText } from "../figures.ts";
import { labelled, plain, type Screen } from "../style.ts";

const PLACES_SHOWN = 3;
/** Less of the latency than this is not worth naming. */
const SHARE_MIN = 0.005;

/** The places at which the median waits longest. */
export function renderWaitPlaces(screen: Screen, { transfers }: Explanation): string[] {
  return transfers.flatMap((io, index) => {
    const places = [...waitsOf(io)]
      .filter(([, ns]) => ns >= io.latency_ns * SHARE_MIN)
      .slice(0, PLACES_SHOWN)
      .map(([place, ns]) => `${place} ${formatNs(ns)} (${shareText(ns / io.latency_ns)})`);
    const text = `${io.which}: ${places.length === 0 ? "nowhere" : places.join(" · ")}`;
    return labelled(screen, index === 0 ? "one I/O waits" : "", text);
  });
}

/** What the p99 has more of than the median. */
export function renderDifference(screen: Screen, { transfers }: Explanation): string[] {
  const [median, p99] = transfers;
  if (median === undefined || p99 === undefined) return [];
  const before = timesOf(median);
  const more = [...timesOf(p99)]
    .map(([what, ns]) => [what, ns - (before.get(what) ?? 0)] as const)
    .filter(([, ns]) => ns > (p99.latency_ns - median.latency_ns) * SHARE_MIN && ns > 0)
    .sort((a, b) => b[1] - a[1])
    .slice(0, PLACES_SHOWN)
    .map(([what, ns]) => `${what} +${formatNs(ns)}`);
  const gap = `p99 is ${formatNs(p99.latency_ns - median.latency_ns)} longer`;
  return labelled(screen, "p99 - median", more.length === 0 ? gap : `${gap}: ${more.join(" · ")}`);
}

/** Waits by place, the longest first. */
function waitsOf(io: ExplainedIo): Map<string, number> {
  const waits = new Map<string, number>();
  for (const { place, wait_ns } of io.steps) waits.set(plain(place), (waits.get(plain(place)) ?? 0) + wait_ns);
  return new Map([...waits].sort((a, b) => b[1] - a[1]));
}

/** Times by stage and whether it waited. */
function timesOf(io: ExplainedIo): Map<string, number> {
  const times = new Map<string, number>();
  for (const { stage, wait_ns, service_ns } of io.stages) {
    times.set(`${stage} (waiting)`, wait_ns);
    times.set(stage, service_ns);
  }
  return times;
}
