/** `dmasim inspect topology --pair A,B`: one pair, and the three ways to map the BAR side by side. */
import { hex } from "../../base/addr.ts";
import { formatBytes } from "../../base/units.ts";
import type { PairView } from "../../sim/topology/view.ts";
import type { WaysView, WayView } from "../../sim/topology/ways.ts";
import { labelled, type Screen } from "../style.ts";
import { renderTable } from "../table.ts";

const GIGA = 1e9;

/** Verdict, why, and the ways. `ways` null: the provider has no BAR. */
export function renderPair(screen: Screen, pair: PairView, ways: WaysView | null): string {
  const { colors } = screen;
  return [
    colors.bold(`${pair.client} to ${pair.provider}: ${pair.mapType}, distance ${pair.distance}`),
    "",
    ...labelled(screen, "why", pair.reason),
    ...(pair.remedy === null ? [] : labelled(screen, "remedy", pair.remedy)),
    ...pair.kernelLines.flatMap((line, at) => labelled(screen, at === 0 ? "kernel log" : "", line)),
    ...rateLines(screen, pair),
    ...(ways === null ? labelled(screen, "BAR", `${pair.provider} has none`) : wayLines(screen, ways)),
    "",
  ].join("\n");
}

function rateLines(screen: Screen, { bytesPerS, limit, exchangeBytesPerS, path }: PairView): string[] {
  if (bytesPerS === null) return [];
  const way = path === "staged" ? "staged through memory by the CPU" : "predicted";
  return [
    ...labelled(screen, "one way", `${(bytesPerS / GIGA).toFixed(1)} GB/s ${way}; limited by ${limit ?? "nothing"}`),
    ...labelled(screen, "both ways", `at most ${((exchangeBytesPerS ?? 0) / GIGA).toFixed(1)} GB/s each, by the links`),
  ];
}

function wayLines(screen: Screen, ways: WaysView): string[] {
  const { opsTables } = ways;
  const offset =
    ways.busOffset === 0 ? "" : `, bus offset ${ways.busOffset < 0 ? "-" : ""}${hex(Math.abs(ways.busOffset))}`;
  const columns = ["way", "DMA address", "what it is", "holds", "calls"].map((head) => ({
    head,
    align: "left" as const,
  }));
  const rows = ways.ways.map((way) => [way.way, ...outcome(way), `${way.call} (${way.since})`]);
  const takes = opsTables.takeWithSeries.join(", ");
  return [
    "",
    screen.colors.dim(` ${formatBytes(ways.bytes)} of BAR ${ways.bar} at ${hex(ways.phys)}${offset}, three ways`),
    ...renderTable(screen, columns, rows, (cell, _row, column) =>
      column === 1 && cell === "refused" ? screen.colors.red(cell) : cell,
    ),
    ...ways.ways.flatMap(({ way, refusal }) =>
      refusal === null
        ? []
        : labelled(
            screen,
            "refused",
            `${way}: ${[refusal.errnoName, refusal.why].filter((part) => part !== "").join(", ")}`,
          ),
    ),
    ...labelled(
      screen,
      "Linux 4.1",
      `${opsTables.refuseMainline} of ${opsTables.rows} ops tables have no map_peer_resource; the series of 2015 gave it to ${takes}`,
    ),
  ];
}

function outcome({ dmaAddr, space, held, heldAfter }: WayView): [string, string, string] {
  if (dmaAddr === null) return ["refused", "", ""];
  return [hex(dmaAddr), space ?? "", held === 0 ? "pages" : `${held} → ${heldAfter}`];
}
