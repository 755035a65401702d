/** The matrix of a topology as SVG: a cell for every client and BAR, coloured by path, with distance and rate. */
import type { PairView, PathClass, TopologyView } from "../../sim/topology/view.ts";

const COLOURS: Readonly<Record<PathClass, string>> = {
  self: "#e8e8e8",
  switch: "#9fd8c0",
  "switch-ats": "#b9d99a",
  root: "#f4d58d",
  bridges: "#f2b880",
  sockets: "#eb9c78",
  staged: "#e58a8a",
  aborted: "#b08ab8",
};
const CELL_WIDTH = 74;
const CELL_HEIGHT = 38;
const LEFT = 96;
const TOP = 64;
const LEGEND_HEIGHT = 56;
const GIGA = 1e9;

/** A complete SVG document. */
export function renderTopologySvg(view: TopologyView): string {
  const names = view.devices.map(({ name }) => name);
  const width = LEFT + names.length * CELL_WIDTH + 16;
  const height = TOP + names.length * CELL_HEIGHT + LEGEND_HEIGHT;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="12">`,
    `<title>${escapeXml(view.machine)}: peer-to-peer paths</title>`,
    `<rect width="${width}" height="${height}" fill="#ffffff"/>`,
    `<text x="12" y="22" font-size="15">${escapeXml(view.machine)}: client (row) to BAR (column)</text>`,
    ...names.map((name, at) => text(LEFT + (at + 0.5) * CELL_WIDTH, TOP - 8, name, "middle")),
    ...names.map((name, at) => text(LEFT - 8, TOP + (at + 0.6) * CELL_HEIGHT, name, "end")),
    ...view.pairs.flatMap((pair) => cell(pair, names.indexOf(pair.client), names.indexOf(pair.provider))),
    ...legend(view, TOP + names.length * CELL_HEIGHT + 24),
    "</svg>",
    "",
  ].join("\n");
}

function cell(pair: PairView, row: number, column: number): string[] {
  const [x, y] = [LEFT + column * CELL_WIDTH, TOP + row * CELL_HEIGHT];
  const rate =
    pair.bytesPerS === null ? (pair.bar === null ? "no BAR" : "") : `${(pair.bytesPerS / GIGA).toFixed(1)} GB/s`;
  const middle = x + CELL_WIDTH / 2;
  return [
    `<g><title>${escapeXml(`${pair.client} to ${pair.provider}: ${pair.mapType}; ${pair.reason}`)}</title>`,
    `<rect x="${x}" y="${y}" width="${CELL_WIDTH - 2}" height="${CELL_HEIGHT - 2}" rx="3" fill="${COLOURS[pair.path]}"/>`,
    text(middle, y + 15, pair.path === "self" ? "own" : `${pair.path} ${pair.distance}`, "middle"),
    text(middle, y + 30, rate, "middle"),
    "</g>",
  ];
}

function legend(view: TopologyView, y: number): string[] {
  const seen = [...new Set(view.pairs.map(({ path }) => path))];
  return seen.flatMap((path, at) => [
    `<rect x="${12 + at * 96}" y="${y - 10}" width="12" height="12" rx="2" fill="${COLOURS[path]}"/>`,
    text(28 + at * 96, y, path, "start"),
  ]);
}

function text(x: number, y: number, content: string, anchor: string): string {
  return `<text x="${x}" y="${y}" text-anchor="${anchor}">${escapeXml(content)}</text>`;
}

function escapeXml(content: string): string {
  return content.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
}
