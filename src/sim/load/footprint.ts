/** How much memory a load works on. */
import type { CloneSpec } from "./clones.ts";

/** Memory that the buffers of a load cover, bytes. */
export function footprintOf(clones: readonly CloneSpec[]): number {
  return clones.reduce((sum, { buffers, depth, commandsPerIo, copy }) => {
    const ring = buffers === null ? 0 : buffers.stride * depth * commandsPerIo;
    return sum + ring + (copy === null ? 0 : 2 * copy.bytes);
  }, 0);
}
