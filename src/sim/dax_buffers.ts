/** The DAX file behind a clone's buffers. */
import type { HostContext } from "../host/context.ts";
import { DaxFile } from "../memory/dax_file.ts";
import type { CloneSpec } from "./load/clones.ts";
import type { System } from "./system.ts";

/** The file behind the clone's `tags` buffers; null when they are none. Every thread may have its own: pins are shared. */
export function daxFileOf(system: System, ctx: HostContext, { job, buffers }: CloneSpec, tags: number): DaxFile | null {
  if (job.file === undefined || buffers === null) return null;
  const extent = { offset: 0, phys: buffers.base, bytes: buffers.stride * (buffers.places ?? tags) };
  return new DaxFile(job.file, system.memmap, ctx.arena, ctx.lockOwner, [extent]);
}
