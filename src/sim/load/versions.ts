/**
 * Version stamps of a clone's writes: what a write puts on the medium, and what a read of the verify pass must find.
 *
 * ```
 * (clone + 1) * 65536 + pass    passes that write every block once share a version
 * 2^31 + a number               random offsets without a map: each I/O has one of its own
 * ```
 */
import { nextVersion } from "../../memory/media.ts";
import type { Arena } from "../../shm/arena.ts";
import type { CloneSpec } from "./clones.ts";

/** Versions below this are made of clone and pass, above it they are unique. */
const UNIQUE_VERSIONS = 2 ** 31;
const PASSES = 65536;
/** Expected version of a sector of which only is known that it was written. */
export const VERSION_ANY = 1;

/** Version of a write in pass `pass`. */
export function writeVersion(arena: Arena, spec: CloneSpec, pass: number): number {
  if (!repeatsBlocks(spec)) return passVersion(spec, pass);
  return UNIQUE_VERSIONS + (nextVersion(arena, spec.device) & (UNIQUE_VERSIONS - 1));
}

/**
 * Oldest version that the write can have left which the verify pass reads back in pass `pass`. Unique versions are not
 * known again, and beyond 65536 passes versions repeat: VERSION_ANY.
 */
export function writtenVersion(spec: CloneSpec, pass: number): number {
  return repeatsBlocks(spec) || pass >= PASSES ? VERSION_ANY : passVersion(spec, pass);
}

/** Never written, or written by an earlier pass of the same clone; versions of other writers cannot be compared. */
export function isOlderVersion(version: number, expected: number): boolean {
  if (version === 0) return expected > 0;
  return version < expected && Math.floor(version / PASSES) === Math.floor(expected / PASSES);
}

function passVersion(spec: CloneSpec, pass: number): number {
  return (spec.index + 1) * PASSES + (pass & (PASSES - 1));
}

/** Random offsets without a map of those that were written: a pass may write a block more than once. */
function repeatsBlocks({ job }: CloneSpec): boolean {
  return job.norandommap && (job.rw === "randwrite" || job.rw === "randrw");
}
