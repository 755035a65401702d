import { EXIT } from "../base/errors.ts";
import type { RunResult } from "../sim/result.ts";

/**
 * Exit code of a finished run. Wrong data, a dead worker and wrong use of the DMA API outrank an interruption; leaks do not,
 * because an interrupted run has I/O that nobody gave back. A job that a refused mapping or a fault ended has missed its objective.
 */
export function exitCodeOf(result: RunResult): number {
  const { host, integrity } = result;
  if (host.integrity.mismatches > 0 || host.worker_failure !== undefined) return EXIT.verification;
  if (result.dma_debug !== undefined && result.dma_debug.errors > 0) return EXIT.verification;
  if (result.power_cut !== undefined && result.power_cut.lost_ios > 0) return EXIT.verification;
  if (result.faults?.some(({ unexplained }) => unexplained > 0) === true) return EXIT.verification;
  if (result.partial === true) return EXIT.interrupted;
  if (integrity.leaks.length > 0) return EXIT.verification;
  if (result.jobs.some((job) => job.error > 0 || job.latency_target?.met === false)) return EXIT.objective;
  return EXIT.ok;
}
