/**
 * Why a list was refused: the entry that failed, the comparison with both numbers, the kernel's words and the way out.
 *
 * The mapping code undoes everything before it returns, so the failure is brought about again on a fresh machine: the
 * longest prefix that can be mapped is mapped, and the state that the next entry met is read.
 */
import { defined } from "../../base/assert.ts";
import { refusalLines, sgtableErrno } from "../../host/dma/refusal.ts";
import { failureOf, MAP_FAILURES } from "../../host/status.ts";
import type { System } from "../system.ts";
import { compareLimits } from "./comparison.ts";
import type { MapEntry } from "./entry.ts";
import { errnoName } from "./errno.ts";
import { MappingLab } from "./lab.ts";
import type { RefusalView } from "./view.ts";

/** Failures of the list as a whole: no single entry is to blame. */
const WHOLE_LIST: ReadonlySet<number> = new Set([
  MAP_FAILURES.noIova.code,
  MAP_FAILURES.noTable.code,
  MAP_FAILURES.noScatterlist.code,
]);

/** Explains failure `code` of mapping the lab's list, which holds `entries`. Leaves nothing mapped in it. */
export function explainRefusal(
  system: System,
  lab: MappingLab,
  entries: readonly MapEntry[],
  dir: number,
  attrs: number,
  code: number,
): RefusalView {
  const failure = defined(failureOf(code), "a failed mapping has a failure");
  const index = WHOLE_LIST.has(code) ? null : failingEntry(lab, dir, attrs);
  const before = index ?? 0;
  const again = new MappingLab(system, lab.device, entries, lab.call);
  if (before > 0) again.map(before, dir, attrs);
  const entry = entries[before] as MapEntry;
  const kernelLines = refusalLines(again.ctx, again.device, { phys: entry.phys, bytes: entry.bytes, attrs }, code);
  const comparison = compareLimits({ system, lab: again, entries, entry, dir, attrs }, code);
  const errno = sgtableErrno(system.machine.era, code);
  return {
    entry: index,
    name: comparison.name ?? failure.name,
    comparison: comparison.text,
    kernelLines: comparison.kernelLines ?? kernelLines,
    why: comparison.why,
    remedy: comparison.remedy ?? failure.remedy,
    mayRetry: failure.mayRetry,
    errno,
    errnoName: errnoName(errno),
  };
}

/** First entry that cannot be mapped with all before it: the shortest prefix that fails ends with it. */
function failingEntry(lab: MappingLab, dir: number, attrs: number): number {
  let maps = 0;
  let fails = lab.nents;
  while (fails - maps > 1) {
    const middle = Math.floor((maps + fails) / 2);
    if (lab.map(middle, dir, attrs) < 0) {
      fails = middle;
    } else {
      lab.unmap(middle, dir, attrs);
      maps = middle;
    }
  }
  return fails - 1;
}
