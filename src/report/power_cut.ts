/** What was left after the power failed, and why. */
import { formatNs } from "../base/units.ts";
import type { PowerCutResult, RunResult } from "../sim/result.ts";
import { dataText, plural } from "./figures.ts";
import { labelled, plain, type Screen } from "./style.ts";

/** Lines on the power cut; none without one. */
export function renderPowerCut(screen: Screen, { power_cut: cut }: RunResult): string[] {
  if (cut === undefined) return [];
  const { colors } = screen;
  const kept = cut.acknowledged_ios - cut.lost_ios;
  const head = `at ${formatNs(cut.at_ns)}: ${plural(cut.acknowledged_ios, "acknowledged I/O")} in persistent memory, ${kept} survive, ${cut.lost_ios} lost; ${cut.in_flight_ios} in flight`;
  return [
    ...labelled(screen, "power cut", head, cut.lost_ios > 0 ? colors.red : colors.green),
    ...labelled(screen, "", `${domainText(cut)}; ${dataText(cut.rolled_back_bytes)} written were not persistent`),
    ...cut.first_lost
      .slice(0, 3)
      .flatMap(({ job, io, acknowledged_ns: ack, offset, phys }) =>
        labelled(
          screen,
          "",
          `lost: job ${plain(job)} I/O ${io}, acknowledged at ${formatNs(ack)}, from byte ${offset} on (${phys})`,
          colors.red,
        ),
      ),
    ...(cut.lost_ios === 0
      ? []
      : labelled(
          screen,
          "would keep it",
          "persist: flush in the job · persistence.ddio=false · persistence.eadr=true",
        )),
  ];
}

function domainText({ ddio, eadr }: PowerCutResult): string {
  if (!ddio) return "DDIO off: device writes are persistent when the memory controller has them (ADR)";
  if (eadr) return "DDIO on, eADR: caches are in the persistence domain";
  return "DDIO on, no eADR: device writes stay in the cache until they are flushed or evicted";
}
