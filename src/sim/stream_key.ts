/** Which bytes a clone's I/Os carry. */
import { patternKey } from "../memory/pattern.ts";
import type { CloneSpec } from "./load/clones.ts";

/** Streams have no medium of their own: every clone has bytes of its own, with keys beyond those of devices. */
const STREAM_KEYS = 4096;

/** Key of the pattern that the clone's data follow: that of its device's medium, or its own. */
export function streamKey(spec: CloneSpec): ReturnType<typeof patternKey> {
  const ownStream = spec.isStream || spec.copy !== null;
  return patternKey(spec.seed, ownStream ? STREAM_KEYS + spec.index : spec.device);
}
