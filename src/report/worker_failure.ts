/** What a dead or hung worker left behind: locks it holds and I/O that was in flight. */
import type { RunResult } from "../sim/result.ts";
import { labelled, type Screen } from "./style.ts";

const IN_FLIGHT_SHOWN = 8;

/** Lines on the worker that ended the run; none when no worker failed. */
export function renderWorkerFailure(screen: Screen, result: RunResult): string[] {
  const failure = result.host.worker_failure;
  if (failure === undefined) return [];
  const locks = failure.locks.length === 0 ? "none" : failure.locks.join(", ");
  const more = failure.in_flight.length - IN_FLIGHT_SHOWN;
  const flights = failure.in_flight.length === 0 ? ["nothing"] : failure.in_flight.slice(0, IN_FLIGHT_SHOWN);
  return [
    ...labelled(screen, `worker ${failure.worker}`, failure.cause, screen.colors.red),
    ...labelled(screen, "holds locks", locks),
    ...flights.flatMap((text, index) => labelled(screen, index === 0 ? "in flight" : "", text)),
    ...(more > 0 ? labelled(screen, "", `and ${more} more: see --json`) : []),
  ];
}
