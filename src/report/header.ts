/** First line of a report: machine · kernel · load · clock. */
import { formatNs } from "../base/units.ts";
import type { RunResult } from "../sim/result.ts";
import { describeLoad } from "./load.ts";
import { plain, type Screen, wrapParts } from "./style.ts";

/** One line, or two on a narrow screen. */
export function renderHeader(screen: Screen, result: RunResult): string[] {
  const { machine } = result;
  const defects = machine.defects === "corrected" ? " (defects corrected)" : "";
  const parts = [
    `machine ${machine.name}`,
    `Linux ${machine.era}${defects}`,
    `IOMMU ${machine.iommu}`,
    `${result.profile.name}: ${describeLoad(result.profile)}`,
    `seed ${result.seed}`,
    clockText(result),
  ];
  return wrapParts(parts.map(plain), screen.width).map((line) => screen.colors.dim(line));
}

/** `VIRTUAL 2 s (host 9.1 s)`: a virtual figure and a host figure, each with its label. */
function clockText(result: RunResult): string {
  const host = formatNs(result.host.wall_s * 1e9);
  if (result.virtual === null) return `WALL ${host} (host)`;
  return `VIRTUAL ${formatNs(result.virtual.duration_ns)} (host ${host})`;
}
