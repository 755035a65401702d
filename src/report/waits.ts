/** Where I/O waits: the resources of the machine by the waiting they caused, as bars. */
import type { ResourceResult, RunResult } from "../sim/result.ts";
import { shareText } from "./figures.ts";
import { LABEL_WIDTH, plain, type Screen, shorten } from "./style.ts";

const RESOURCES_SHOWN = 5;
/** Less waiting than this and less use than this is not worth a line. */
const SHARE_MIN = 0.005;
const BAR_WIDTH = 28;
const NAME_WIDTH = 20;

/** One line per resource that matters, the worst first; no lines when nothing waited and nothing was busy. */
export function renderWaits(screen: Screen, result: RunResult): string[] {
  const total = result.resources.reduce((sum, resource) => sum + resource.wait_ns, 0);
  const shareOf = (resource: ResourceResult) => (total === 0 ? 0 : resource.wait_ns / total);
  const shown = [...result.resources]
    .sort((a, b) => b.wait_ns - a.wait_ns || b.utilization - a.utilization)
    .filter((resource) => shareOf(resource) >= SHARE_MIN || resource.utilization >= SHARE_MIN)
    .slice(0, RESOURCES_SHOWN);
  return shown.map((resource, index) =>
    waitLine(screen, index === 0 ? "where I/O waits" : "", resource, shareOf(resource)),
  );
}

function waitLine(screen: Screen, label: string, resource: ResourceResult, share: number): string {
  const { colors } = screen;
  const name = shorten(plain(resource.name), NAME_WIDTH).padEnd(NAME_WIDTH);
  const waiting = shareText(share).padStart(5);
  const busy = `${shareText(resource.utilization).padStart(5)} busy`;
  const head = colors.dim(` ${label}`.padEnd(LABEL_WIDTH));
  const detail = colors.dim(`${busy}  ${plain(resource.kind)}`);
  return `${head}${name} ${barText(screen, share)} ${waiting}  ${detail}`.trimEnd();
}

const EIGHTHS = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];

/** A bar of BAR_WIDTH columns, resolved to an eighth of a column. */
function barText(screen: Screen, share: number): string {
  const eighths = Math.round(Math.min(Math.max(share, 0), 1) * BAR_WIDTH * 8);
  const bar = `${"█".repeat(Math.floor(eighths / 8))}${EIGHTHS[eighths % 8]}`;
  return `${screen.colors.cyan(bar)}${" ".repeat(BAR_WIDTH - bar.length)}`;
}
