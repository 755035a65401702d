/** What the outcomes of faults mean in a load, where a refused mapping is tried again and a fault may meet nobody. */
import type { ProfileFault } from "./profile/faults.ts";
import { judge, type Verdict } from "./stress/faults/log.ts";

/** How a mapping that a fault had refused went on. */
export const REFUSED_THEN = Object.freeze({
  mapped: "mapped later",
  givenUp: "given up",
  ended: "load ended first",
});

/** A poisoned line that no device has read. */
export const LINE_LEFT = Object.freeze({
  unread: "nothing read the line",
  written: "written before it was read",
  noMedia: "no buffer in persistent memory",
});

const ENDINGS = Object.values(REFUSED_THEN).map((ending) => `; ${ending}`);
const LEFT: readonly string[] = Object.values(LINE_LEFT);

/** As a stress run judges; of a refused mapping the words before its ending count. */
export function judgeInLoad(fault: ProfileFault, outcome: string): Verdict {
  if (fault === "pmem-poison" && LEFT.includes(outcome)) return "harmless";
  const ending = ENDINGS.find((end) => outcome.endsWith(end));
  return judge(fault, ending === undefined ? outcome : outcome.slice(0, -ending.length));
}
