/** How much memory a load works on, for what caches can hold of it. */
import type { CloneSpec } from "./clones.ts";

/** Memory that the buffers of a load cover, bytes. */
export function footprintOf(clones: readonly CloneSpec[]): number {
  return clones.reduce((sum, { buffers, depth, commandsPerIo, copy }) => {
    const ring = buffers === null ? 0 : buffers.stride * (buffers.places ?? depth * commandsPerIo);
    return sum + ring + (copy === null ? 0 : 2 * copy.bytes);
  }, 0);
}
