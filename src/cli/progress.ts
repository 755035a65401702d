/** Progress of a run on stderr, drawn only on a terminal. */
import { SingleBar } from "cli-progress";
import { formatNs } from "../base/units.ts";
import type { RunProgress } from "../sim/run_options.ts";
import type { Output } from "./output.ts";

/** A progress bar that is drawn, or nothing when stderr is no terminal. */
export interface Progress {
  readonly update: (progress: RunProgress) => void;
  /** Removes the bar. */
  readonly stop: () => void;
}

const STEPS = 1000;

/** Starts drawing on stderr; the caller must `stop` before it prints. */
export function startProgress(output: Output): Progress {
  if (!output.progressWanted) return { update: () => {}, stop: () => {} };
  const bar = new SingleBar({
    format: " {bar} {percentage} %  {left}  {text}",
    barsize: 30,
    barCompleteChar: "█",
    barIncompleteChar: "░",
    stream: process.stderr,
    hideCursor: true,
    clearOnComplete: true,
    // The run's own signal handling ends it; the bar must not end the process.
    gracefulExit: false,
  });
  bar.start(STEPS, 0, { left: "", text: "starting" });
  return {
    update: ({ doneShare, etaS, text }) => {
      const left = etaS === null ? "" : `${formatNs(Math.ceil(etaS) * 1e9)} left`;
      bar.update(Math.round(Math.min(Math.max(doneShare, 0), 1) * STEPS), { left, text });
    },
    stop: () => bar.stop(),
  };
}
