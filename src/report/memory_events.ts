/** What hotplug events of a run did: blocks, masks, and the paths that each job took before and after. */
import { hex } from "../base/addr.ts";
import { formatBytes, formatNs } from "../base/units.ts";
import type { MemoryEventResult, RunResult } from "../sim/result.ts";
import { dataText, plural } from "./figures.ts";
import { labelled, type Screen } from "./style.ts";

/** Lines of every event; none without events. */
export function renderMemoryEvents(screen: Screen, result: RunResult): string[] {
  return (result.memory_events ?? []).flatMap((event) => renderEvent(screen, event));
}

function renderEvent(screen: Screen, event: MemoryEventResult): string[] {
  const bad = event.outcome === "refused" || event.outcome === "busy";
  const paint = bad ? screen.colors.yellow : screen.colors.bold;
  const head = `at ${formatNs(event.at_ns)}: ${event.region} ${outcomeText(event)}`;
  const changed = event.devices.filter(
    (device) => device.way !== device.way_before || device.required_mask !== device.required_mask_before,
  );
  return [
    ...labelled(screen, event.event.replace("_", "-"), head, paint),
    ...changed.flatMap(({ device, required_mask: mask, required_mask_before: before, way, way_before: was }) =>
      labelled(
        screen,
        "",
        `${device}: required mask ${hex(before)} → ${hex(mask)}, ${was === way ? way : `${was} → ${way}`}`,
      ),
    ),
    ...event.paths.flatMap(({ job, before, after }) =>
      labelled(screen, "", `job ${job}: ${pathsText(before)} before, ${pathsText(after)} after`),
    ),
  ];
}

function outcomeText({
  event,
  outcome,
  ret,
  blocks,
  memmap_bytes: memmap,
  waited_ns: waited,
  tries,
  pinned_pages: pinned,
}: MemoryEventResult): string {
  if (outcome === "online") return `online, ${plural(blocks, "memory block")}, ${formatBytes(memmap)} of struct pages`;
  if (outcome === "refused" && event === "truncate") return `refused (${ret}): no file of a filesystem`;
  if (outcome === "refused") return `refused (${ret}): not whole memory blocks`;
  if (outcome === "not reached") return "not reached: the load had ended";
  const pins = pinned === 0 ? "no page was pinned" : `up to ${plural(pinned, "page")} pinned`;
  if (outcome === "truncated")
    return `file truncated after ${formatNs(waited)} and ${plural(tries, "try", "tries")}, ${pins}`;
  if (outcome === "offline") return `offline after ${formatNs(waited)} and ${plural(tries, "try", "tries")}, ${pins}`;
  if (event === "truncate") return `file not truncated (${ret}): ${pins} after ${formatNs(waited)}`;
  return `still online (${ret}): ${pins} after ${formatNs(waited)}`;
}

function pathsText(paths: MemoryEventResult["paths"][number]["before"]): string {
  const texts = Object.entries(paths).map(([path, bytes]) => `${path} ${dataText(bytes)}`);
  return texts.length === 0 ? "nothing" : texts.join(" + ");
}
