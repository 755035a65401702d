/** Key of the pattern that a clone's data follow. */
import { patternKey } from "../memory/pattern.ts";
import type { CloneSpec } from "./load/clones.ts";

/** Streams have no medium of their own: every clone has bytes of its own, with keys beyond those of devices. */
const STREAM_KEYS = 4096;

/** That of its device's medium; of its own for streams and copies. */
export function cloneKey(spec: CloneSpec): { readonly lo: number; readonly hi: number } {
  const ownStream = spec.isStream || spec.copy !== null;
  return patternKey(spec.seed, ownStream ? STREAM_KEYS + spec.index : spec.device);
}
