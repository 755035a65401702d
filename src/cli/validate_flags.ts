/** Values of the flags of `dmasim validate`. */
import { DmasimError } from "../base/errors.ts";
import { WORKERS_MAX } from "../shm/capacities.ts";
import { numberFlag } from "./run_flags.ts";

const WORST_MAX = 100_000;

/** Rows to list; throws DmasimError outside 0 to 100000. */
export const parseWorst = numberFlag("--worst", 0, WORST_MAX);
/** Host threads, 0 = predict in the main thread; throws DmasimError outside 0 to WORKERS_MAX. */
export const parseValidateWorkers = numberFlag("--workers", 0, WORKERS_MAX);

/** Topics between commas; throws DmasimError when there is none. */
export function parseTopics(text: string): string[] {
  const topics = text.split(",").map((topic) => topic.trim());
  if (topics.every((topic) => topic !== "")) return topics;
  throw new DmasimError({
    code: "DMASIM_FLAG_INVALID",
    what: "--topic takes names of topics between commas",
    value: text,
    remedy: "see data/VOCABULARY.md for the topics",
  });
}
