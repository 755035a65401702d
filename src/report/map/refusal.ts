/** What stands below the drawing of a refused mapping: the kernel's words, what they leave out, and the way out. */
import type { MappingPreview, RefusalView } from "../../sim/mapping/view.ts";
import { labelled, type Screen } from "../style.ts";
import { callLabel } from "./facts.ts";
import { isLong } from "./middle.ts";

/** Labelled lines of a refusal. */
export function renderRefusal(screen: Screen, preview: MappingPreview, refusal: RefusalView): string[] {
  const { colors } = screen;
  const { device, address } = preview.request;
  const lines = refusal.kernelLines.map((line) => `${address}: ${line}`);
  const says = lines.length === 0 ? ["nothing: the kernel is silent here"] : lines;
  return [
    ...says.flatMap((line, at) => labelled(screen, at === 0 ? "kernel log" : "", line, colors.red)),
    ...(refusal.comparison === "" || !isLong(refusal) ? [] : labelled(screen, "because", refusal.comparison)),
    ...(refusal.why === null ? [] : labelled(screen, "why", refusal.why)),
    ...labelled(screen, callLabel(preview), returnText(preview, refusal)),
    ...labelled(screen, "left behind", leftText(preview, device)),
    ...labelled(screen, "remedy", refusal.remedy, colors.green),
  ];
}

function returnText({ request }: MappingPreview, { errno, errnoName, mayRetry }: RefusalView): string {
  const retry = mayRetry ? " · a retry may help once other mappings are gone" : " · a retry does not help";
  if (request.call === "dma_map_resource") return `→ DMA_MAPPING_ERROR${retry}`;
  if (request.era === "4.1") return `→ 0 (4.1 has no errno)${retry}`;
  return `→ 0 · dma_map_sgtable → -${errnoName} (${errno})${retry}`;
}

function leftText({ entries }: MappingPreview, device: string): string {
  const undone = entries.filter((entry) => entry.state === "undone").length;
  if (undone === 0) return `nothing is mapped for ${device}`;
  return `nothing: ${undone === 1 ? "the entry" : `${undone} entries`} before it ${undone === 1 ? "was" : "were"} mapped and undone, without copying back`;
}
