/** `dmasim inspect topology` for people: the tree, the hosts' rules, the matrices, and what would help. */
import type { Machine } from "../../sim/machine/description.ts";
import type { PairView, PathClass, TopologyView } from "../../sim/topology/view.ts";
import { plural } from "../figures.ts";
import { machineForest } from "../inspect/machine.ts";
import { renderForest } from "../inspect/tree.ts";
import { labelled, plain, type Screen, shorten, wrap } from "../style.ts";

/** Word of a path in a cell, and what it means. */
const PATHS: Readonly<Record<PathClass, readonly [cell: string, meaning: string]>> = {
  self: ["own", "its own BAR"],
  switch: ["sw", "below a common bridge, bus addresses"],
  "switch-ats": ["ats", "below a common bridge past an ACS redirect: translated requests, IOMMU mapping"],
  root: ["root", "through the root complex"],
  bridges: ["rc", "across root complexes of one node"],
  sockets: ["sock", "across NUMA nodes"],
  staged: ["cpu", "refused between peers: staged through memory by the CPU"],
  aborted: ["0xFF", "refused, and forced by the driver: nobody answers"],
};
const GIGA = 1e9;
const REMEDIES_MAX = 4;

/** The whole page. */
export function renderTopology(screen: Screen, machine: Machine, view: TopologyView): string {
  const { colors } = screen;
  const providers = providersOf(view);
  return [
    `${colors.bold(view.machine)} ${colors.dim(view.title)}`,
    "",
    ...renderForest(machineForest(machine)).map((line) => ` ${line}`),
    "",
    ...hostLines(screen, view),
    "",
    colors.dim(" path and distance, clients by row, BARs by column"),
    ...matrix(screen, view, providers, pathCell),
    ...legend(screen, view),
    "",
    colors.dim(" predicted GB/s of writes into the BAR (virtual, fabric model; staged: one core stores)"),
    ...matrix(screen, view, providers, rateCell),
    "",
    ...remedies(screen, view, providers),
    ...withoutBar(screen, view, providers),
    "",
  ].join("\n");
}

/** Devices with a BAR; all when none has one, so that distances are still shown. */
function providersOf(view: TopologyView): string[] {
  const withBar = view.devices.filter(({ bars }) => bars > 0);
  return (withBar.length > 0 ? withBar : view.devices).map(({ name }) => name);
}

function hostLines(screen: Screen, view: TopologyView): string[] {
  const cpu = view.cpuForwards ? "forwards between its root ports (AMD family 17h and later)" : "not known to forward";
  return [
    ...labelled(screen, "CPU", cpu),
    ...view.hostBridges.flatMap(({ name, id, rule, node }) =>
      labelled(screen, `host bridge ${name}`.slice(0, 15), `${id ?? "no id"}, node ${node}: ${rule}`),
    ),
  ];
}

type Cell = (pair: PairView) => string;

function pathCell(pair: PairView): string {
  const [word] = PATHS[pair.path];
  return pair.path === "self" ? word : `${word} ${pair.distance}`;
}

function rateCell({ bytesPerS, path }: PairView): string {
  if (path === "self") return "own";
  return bytesPerS === null ? "-" : (bytesPerS / GIGA).toFixed(1);
}

function matrix(screen: Screen, view: TopologyView, providers: readonly string[], cell: Cell): string[] {
  const { colors } = screen;
  const rowWidth = Math.max(...view.devices.map(({ name }) => name.length), 6) + 2;
  const room = Math.floor((screen.width - 1 - rowWidth) / Math.max(1, providers.length));
  const width = Math.max(6, Math.min(room, 10));
  const head = providers.map((name) => shorten(name, width - 1).padStart(width)).join("");
  return [
    colors.dim(` ${"".padEnd(rowWidth)}${head}`),
    ...view.devices.map(({ name }) => {
      const cells = providers.map((provider) => {
        const pair = view.pairs.find((each) => each.client === name && each.provider === provider);
        return pair === undefined ? "".padStart(width) : paint(screen, pair, cell(pair).padStart(width));
      });
      return ` ${name.padEnd(rowWidth)}${cells.join("")}`;
    }),
  ];
}

function paint({ colors }: Screen, { path }: PairView, text: string): string {
  if (path === "staged") return colors.red(text);
  if (path === "self") return colors.dim(text);
  return path === "switch" || path === "switch-ats" ? colors.cyan(text) : colors.yellow(text);
}

function legend(screen: Screen, view: TopologyView): string[] {
  const seen = new Set(view.pairs.map(({ path }) => path));
  const words = [...seen].map((path) => `${PATHS[path][0]} = ${PATHS[path][1]}`);
  return wrap(words.join("; "), screen.width - 1).map((line) => screen.colors.dim(` ${line}`));
}

/** One line a reason and remedy, with how many pairs it concerns. */
function remedies(screen: Screen, view: TopologyView, providers: readonly string[]): string[] {
  const found = new Map<string, { remedy: string; pairs: PairView[] }>();
  for (const pair of view.pairs) {
    if (pair.remedy === null || pair.path === "self" || !providers.includes(pair.provider)) continue;
    const group = found.get(pair.reason) ?? { remedy: pair.remedy, pairs: [] };
    group.pairs.push(pair);
    found.set(pair.reason, group);
  }
  const lines = [...found].slice(0, REMEDIES_MAX).flatMap(([reason, { remedy, pairs }]) => {
    const first = pairs[0] as PairView;
    const more = pairs.length > 1 ? ` and ${plural(pairs.length - 1, "more pair")}` : "";
    return [
      ...labelled(screen, "why", `${first.client} to ${first.provider}${more}: ${reason}`, screen.colors.red),
      ...labelled(screen, "remedy", remedy),
    ];
  });
  const left = found.size - REMEDIES_MAX;
  return left > 0 ? [...lines, ` ${plural(left, "more reason")}: --json - has all`] : lines;
}

function withoutBar(screen: Screen, view: TopologyView, providers: readonly string[]): string[] {
  const clients = view.devices.filter(({ name }) => !providers.includes(name));
  if (clients.length === 0) return [];
  return labelled(screen, "no BAR", plain(`${clients.map(({ name }) => name).join(", ")}: clients only`));
}
