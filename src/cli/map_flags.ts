/** Flags of `dmasim map`, and the request that they and a case file make together. */

import { readMapCase } from "../sim/mapping/case_file.ts";
import type { MapWords } from "../sim/mapping/request.ts";
import type { Override } from "../sim/override.ts";

/** Flags as commander leaves them. */
export interface MapFlags {
  readonly machine?: string;
  readonly dev?: string;
  readonly dir?: string;
  readonly attr?: string;
  readonly resource?: boolean;
  readonly importer?: string;
  readonly mask?: string;
  readonly maxSeg?: string;
  readonly boundary?: string;
  readonly minAlignMask?: string;
  readonly arch?: string;
  readonly era?: string;
  readonly defects?: string;
  readonly set?: readonly Override[];
  readonly case?: string;
  readonly json?: string;
}

/** A flag wins over the case file; `--set` is applied after the file's; entries given replace the file's. */
export function wordsOf(entries: readonly string[], flags: MapFlags): MapWords {
  const { case: file, json: _json, set, ...own } = flags;
  if (file === undefined) return { ...own, set, entries };
  const read = readMapCase(file);
  return {
    ...read,
    ...own,
    set: [...(read.set ?? []), ...(set ?? [])],
    entries: entries.length > 0 ? entries : read.entries,
  };
}
