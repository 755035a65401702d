/**
 * Result of a media read: runs of sectors with one version, preallocated by the reader.
 */
import { MEDIA_GROUP_SECTORS } from "../shm/capacities.ts";
import { UNIT_BYTES } from "./pattern.ts";

/** Runs of [offset, offset + count) sectors with their version. Reused from read to read; appending does not allocate. */
export class MediaRuns {
  /** Runs filled. */
  length = 0;
  /** Sectors that the runs describe; fewer than asked for when `capacity` runs were not enough: read on from there. */
  sectors = 0;
  /** First sector of every run, counted from the start of the read. */
  readonly offset: Uint32Array;
  /** Sectors of every run. */
  readonly count: Uint32Array;
  /** Version of every run, 0 = never written. */
  readonly version: Uint32Array;
  /** Scratch of mediaRead: versions of the sectors of one group. */
  readonly groupVersions = new Uint32Array(MEDIA_GROUP_SECTORS);

  /** The run that {@link seek} moved to. */
  current = 0;

  /** `capacity` runs; as many as sectors of the largest transfer are always enough. */
  constructor(capacity: number) {
    this.offset = new Uint32Array(capacity);
    this.count = new Uint32Array(capacity);
    this.version = new Uint32Array(capacity);
  }

  clear(): void {
    this.length = 0;
    this.sectors = 0;
    this.current = 0;
  }

  /** Moves on to the run that holds byte `streamOff` of the read; bytes from there to its end, at least 1. */
  seek(streamOff: number): number {
    let end = this.#endOf(this.current);
    while (streamOff >= end && this.current + 1 < this.length) {
      this.current += 1;
      end = this.#endOf(this.current);
    }
    return Math.max(1, end - streamOff);
  }

  /** Appends `groupVersions[lo, hi)`, joining neighbours of one version; false when the runs are full. */
  appendVersions(lo: number, hi: number): boolean {
    let at = lo;
    while (at < hi) {
      const version = this.groupVersions[at] as number;
      let next = at + 1;
      while (next < hi && this.groupVersions[next] === version) next += 1;
      if (!this.append(next - at, version)) return false;
      at = next;
    }
    return true;
  }

  /** Appends `count` sectors of `version`; false when the runs are full. */
  append(count: number, version: number): boolean {
    const last = this.length - 1;
    if (last >= 0 && this.version[last] === version) {
      this.count[last] = (this.count[last] as number) + count;
    } else {
      if (this.length === this.offset.length) return false;
      this.offset[this.length] = this.sectors;
      this.count[this.length] = count;
      this.version[this.length] = version;
      this.length += 1;
    }
    this.sectors += count;
    return true;
  }

  /** First byte behind a run. */
  #endOf(run: number): number {
    return ((this.offset[run] as number) + (this.count[run] as number)) * UNIT_BYTES;
  }
}
