/** What the profile's faults did: how often, what noticed them, after how long. */
import { formatNs } from "../base/units.ts";
import type { FaultResult } from "../sim/fault_plan.ts";
import type { RunResult } from "../sim/result.ts";
import { dataText, plural } from "./figures.ts";
import { labelled, type Screen } from "./style.ts";

/** Lines of every fault; none without faults. */
export function renderFaults(screen: Screen, result: RunResult): string[] {
  return (result.faults ?? []).flatMap((fault) => renderFault(screen, fault));
}

function renderFault(screen: Screen, fault: FaultResult): string[] {
  const { injected, unexplained, outcomes, latency_ns: latency, bytes_at_risk: bytes } = fault;
  const place = fault.device === undefined ? "" : ` on ${fault.device}`;
  const paint = unexplained > 0 ? screen.colors.red : screen.colors.bold;
  const wrong = unexplained > 0 ? `, ${unexplained} UNEXPLAINED` : "";
  if (injected === 0) return labelled(screen, "fault", `${fault.fault}${place}: not reached`, screen.colors.bold);
  const after = latency.max === 0 ? "" : `, noticed after ${formatNs(latency.mean)} (longest ${formatNs(latency.max)})`;
  const risk = bytes === 0 ? "" : `, ${dataText(bytes)} in the commands hit`;
  return [
    ...labelled(screen, "fault", `${fault.fault}${place}: ${plural(injected, "time")}${wrong}${after}${risk}`, paint),
    ...Object.entries(outcomes).flatMap(([outcome, times]) => labelled(screen, "", `${times} x ${outcome}`)),
  ];
}
