/** From a finding of a run with many threads to a short list that one thread repeats. */

import { resolveChoice } from "./machine.ts";
import { replayOperations } from "./replay.ts";
import type { ReplayFile } from "./replay_file.ts";
import { sourceOf } from "./round_source.ts";
import { shrinkOperations } from "./shrink.ts";
import type { RoundFinding, StressOptions } from "./stress.ts";

const TRIES_MAX = 400;
const SECONDS_MAX = 40;
/** Workers whose list is tried for a finding that belongs to none. */
const STEPS_MAX = 200_000;

/** The shortest list found, null when no single worker's operations show the finding by themselves (a race). */
export function reduceFinding(finding: RoundFinding, options: StressOptions): ReplayFile | null {
  if (finding.worker < 0 || finding.steps === 0 || finding.steps > STEPS_MAX) return null;
  const machine = resolveChoice(finding.choice);
  const { seed, workers } = options;
  const { worker, round } = finding;
  const source = sourceOf({ seed, round, worker, workers, machine, only: options.only, faults: options.faults });
  const operations = Array.from({ length: finding.steps }, () => source.next());
  const deadlineMs = performance.now() + SECONDS_MAX * 1000;
  let text = finding.text;
  const shrunk = shrinkOperations(
    operations,
    (list) => {
      const found = replayOperations({ seed, worker, workers, machine, operations: list });
      if (found === null || found.kind !== finding.kind) return false;
      text = found.text;
      return true;
    },
    TRIES_MAX,
    () => performance.now() > deadlineMs,
  );
  if (shrunk === null) return null;
  return { ...finding.choice, seed, worker, workers, finding: text, operations: shrunk.operations };
}
