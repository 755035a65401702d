/**
 * Block media as version stamps: what flash or a disk holds, without holding its bytes.
 *
 * A sector of 512 bytes (devices with larger ones stamp several) has a version, 0 = never written; its content is the verification pattern of (device,
 * sector, version). Sectors of one 64 KiB group that were written together share an extent: version and 128-bit mask.
 *
 * Words:      mediaBuckets (hash chains of extents), mediaExtents, mediaStripes (lock and free list of the
 *             buckets whose number ends in the stripe's), mediaNext (fresh extents, fetch-add).
 * Invariants: masks of a group's extents do not overlap; no extent of a chain has an empty mask.
 * Ordering:   chain, extents and free list of a stripe change under its lock (rank 60), reads take it too.
 * Progress:   one lock per group; running out of extents is the status false, never a throw.
 * Forbidden:  a reader that sees half of a write to a group; an extent in two chains.
 * Proof:      test/litmus/media.test.ts
 *
 * A transfer of several groups is not atomic as a whole, like one of several sectors on a real drive.
 */
import { mix32 } from "../base/prng.ts";
import type { Arena } from "../shm/arena.ts";
import { fetchAdd } from "../shm/atomics.ts";
import { MEDIA_GROUP_SECTORS } from "../shm/capacities.ts";
import { DEVICE, HEADER, MEDIA_EXTENT, MEDIA_STRIPE, REGIONS } from "../shm/layout.ts";
import { lock, unlock } from "../shm/mutex.ts";
import type { MediaRuns } from "./media_runs.ts";

/** A version that the pattern uses as "take it from the data"; never handed out. */
const VERSION_RESERVED = 0xffffffff;
const GROUPS_PER_DEVICE = 2 ** 40;
const EXTENTS = REGIONS.mediaExtents;
const BUCKETS = REGIONS.mediaBuckets;
const STRIPES = REGIONS.mediaStripes;
const EXTENT_NEXT = REGIONS.header.word + HEADER.mediaNext;
const MASK_WORDS = MEDIA_GROUP_SECTORS / 32;

/** A version that no write of `device` had before; 1 .. 2^32 - 2. */
export function nextVersion(arena: Arena, device: number): number {
  const word = REGIONS.devices.word + device * REGIONS.devices.stride + DEVICE.sequence;
  for (;;) {
    const version = (fetchAdd(arena.i32, word, 1) + 1) >>> 0;
    if (version !== 0 && version !== VERSION_RESERVED) return version;
  }
}

/** Stamps sectors [sector, sector + count); false when out of extents (groups before the one that failed are written). */
export function mediaWrite(
  arena: Arena,
  owner: number,
  device: number,
  sector: number,
  count: number,
  version: number,
): boolean {
  const end = sector + count;
  let at = sector;
  while (at < end) {
    const group = Math.floor(at / MEDIA_GROUP_SECTORS);
    const first = group * MEDIA_GROUP_SECTORS;
    const bucket = bucketOf(device, group);
    const stripe = stripeOf(bucket);
    const hi = Math.min(end - first, MEDIA_GROUP_SECTORS);
    lock(arena.i32, stripe + MEDIA_STRIPE.lock, owner);
    const written = stampGroup(arena, bucket, device * GROUPS_PER_DEVICE + group, at - first, hi, version);
    unlock(arena.i32, stripe + MEDIA_STRIPE.lock, owner);
    if (!written) return false;
    at = first + hi;
  }
  return true;
}

/** Fills `out` with the runs of equal version of [sector, sector + count), never-written sectors as version 0. */
export function mediaRead(
  arena: Arena,
  owner: number,
  device: number,
  sector: number,
  count: number,
  out: MediaRuns,
): void {
  const end = sector + count;
  let at = sector;
  out.clear();
  while (at < end) {
    const group = Math.floor(at / MEDIA_GROUP_SECTORS);
    const first = group * MEDIA_GROUP_SECTORS;
    const bucket = bucketOf(device, group);
    const stripe = stripeOf(bucket);
    const hi = Math.min(end - first, MEDIA_GROUP_SECTORS);
    lock(arena.i32, stripe + MEDIA_STRIPE.lock, owner);
    const room = readGroup(arena, bucket, device * GROUPS_PER_DEVICE + group, at - first, hi, out);
    unlock(arena.i32, stripe + MEDIA_STRIPE.lock, owner);
    if (!room) return;
    at = first + hi;
  }
}

/** Neighbouring groups get neighbouring buckets, and so different stripes; higher parts of the number are spread. */
function bucketOf(device: number, group: number): number {
  const high = Math.floor(group / BUCKETS.count);
  return (group ^ mix32(high * 64 + device)) & (BUCKETS.count - 1);
}

function stripeOf(bucket: number): number {
  return STRIPES.word + (bucket & (STRIPES.count - 1)) * STRIPES.stride;
}

/** Bits of sectors [lo, hi) of a group that lie in word `index` of its mask. */
function maskOf(lo: number, hi: number, index: number): number {
  const from = Math.max(lo - index * 32, 0);
  const to = Math.min(hi - index * 32, 32);
  if (from >= to) return 0;
  return (to === 32 ? -1 : (1 << to) - 1) & (-1 << from);
}

/** Gives sectors [lo, hi) of the group to `version`. Changes nothing when it needs an extent and there is none. */
function stampGroup(arena: Arena, bucket: number, group: number, lo: number, hi: number, version: number): boolean {
  const words = arena.i32;
  let target = findTarget(arena, bucket, group, lo, hi, version);
  if (target === 0) {
    target = allocExtent(arena, bucket);
    if (target === 0) return false;
    linkExtent(arena, bucket, group, target);
  }
  const base = extentWord(target);
  words[base + MEDIA_EXTENT.version] = version;
  // Masks do not overlap: when the target holds the whole range already, no other extent has a sector of it.
  if (holdsAll(words, base + MEDIA_EXTENT.mask, lo, hi)) return true;
  clearOthers(arena, bucket, group, lo, hi, target);
  for (let i = 0; i < MASK_WORDS; i += 1) {
    words[base + MEDIA_EXTENT.mask + i] = (words[base + MEDIA_EXTENT.mask + i] as number) | maskOf(lo, hi, i);
  }
  return true;
}

/** First extent of the group that may take [lo, hi): it has `version`, or [lo, hi) covers it whole and replaces its version; 0 = none. */
function findTarget(arena: Arena, bucket: number, group: number, lo: number, hi: number, version: number): number {
  const words = arena.i32;
  let extent = words[BUCKETS.word + bucket] as number;
  while (extent !== 0) {
    const base = extentWord(extent);
    if (arena.f64[(base + MEDIA_EXTENT.group) >>> 1] === group) {
      if (words[base + MEDIA_EXTENT.version] === (version | 0)) return extent;
      if (isCovered(words, base + MEDIA_EXTENT.mask, lo, hi)) return extent;
    }
    extent = words[base + MEDIA_EXTENT.next] as number;
  }
  return 0;
}

/** True when the mask has every bit of [lo, hi). */
function holdsAll(words: Int32Array, mask: number, lo: number, hi: number): boolean {
  let missing = 0;
  for (let i = 0; i < MASK_WORDS; i += 1) missing |= maskOf(lo, hi, i) & ~(words[mask + i] as number);
  return missing === 0;
}

/** True when the mask has no bit outside [lo, hi). */
function isCovered(words: Int32Array, mask: number, lo: number, hi: number): boolean {
  let outside = 0;
  for (let i = 0; i < MASK_WORDS; i += 1) outside |= (words[mask + i] as number) & ~maskOf(lo, hi, i);
  return outside === 0;
}

/** Puts an extent without sectors at the head of its bucket. */
function linkExtent(arena: Arena, bucket: number, group: number, extent: number): void {
  const words = arena.i32;
  const base = extentWord(extent);
  arena.f64[(base + MEDIA_EXTENT.group) >>> 1] = group;
  for (let i = 0; i < MASK_WORDS; i += 1) words[base + MEDIA_EXTENT.mask + i] = 0;
  words[base + MEDIA_EXTENT.next] = words[BUCKETS.word + bucket] as number;
  words[BUCKETS.word + bucket] = extent;
}

/** Takes sectors [lo, hi) away from every extent of the group but `keep`; extents left empty are freed. */
function clearOthers(arena: Arena, bucket: number, group: number, lo: number, hi: number, keep: number): void {
  const words = arena.i32;
  let link = BUCKETS.word + bucket;
  for (let extent = words[link] as number; extent !== 0; extent = words[link] as number) {
    const base = extentWord(extent);
    const other = extent !== keep && arena.f64[(base + MEDIA_EXTENT.group) >>> 1] === group;
    if (other && clearMask(words, base + MEDIA_EXTENT.mask, lo, hi) === 0) {
      words[link] = words[base + MEDIA_EXTENT.next] as number;
      freeExtent(words, bucket, extent);
    } else {
      link = base + MEDIA_EXTENT.next;
    }
  }
}

/** Clears bits [lo, hi); 0 when no bit is left. */
function clearMask(words: Int32Array, mask: number, lo: number, hi: number): number {
  let left = 0;
  for (let i = 0; i < MASK_WORDS; i += 1) {
    const kept = (words[mask + i] as number) & ~maskOf(lo, hi, i);
    words[mask + i] = kept;
    left |= kept;
  }
  return left;
}

/** Appends the versions of sectors [lo, hi) of the group to `out`; false when it is full. */
function readGroup(arena: Arena, bucket: number, group: number, lo: number, hi: number, out: MediaRuns): boolean {
  const words = arena.i32;
  let found = 0;
  let extent = words[BUCKETS.word + bucket] as number;
  while (extent !== 0 && found < hi - lo) {
    const base = extentWord(extent);
    if (arena.f64[(base + MEDIA_EXTENT.group) >>> 1] === group) {
      const version = words[base + MEDIA_EXTENT.version] as number;
      if (holdsAll(words, base + MEDIA_EXTENT.mask, lo, hi)) return out.append(hi - lo, version >>> 0);
      if (found === 0) out.groupVersions.fill(0, lo, hi);
      found += scatterVersion(words, base + MEDIA_EXTENT.mask, lo, hi, version, out.groupVersions);
    }
    extent = words[base + MEDIA_EXTENT.next] as number;
  }
  return found === 0 ? out.append(hi - lo, 0) : out.appendVersions(lo, hi);
}

/** Stores `version` for every bit of the mask in [lo, hi); returns how many. */
function scatterVersion(
  words: Int32Array,
  mask: number,
  lo: number,
  hi: number,
  version: number,
  to: Uint32Array,
): number {
  let found = 0;
  for (let i = lo >>> 5; i < MASK_WORDS; i += 1) {
    let bits = (words[mask + i] as number) & maskOf(lo, hi, i);
    while (bits !== 0) {
      to[i * 32 + 31 - Math.clz32(bits & -bits)] = version;
      bits &= bits - 1;
      found += 1;
    }
  }
  return found;
}

function extentWord(extent: number): number {
  return EXTENTS.word + extent * EXTENTS.stride;
}

/** Under the stripe's lock: an extent of the stripe's free list, else a fresh one; 0 = none left. */
function allocExtent(arena: Arena, bucket: number): number {
  const words = arena.i32;
  const free = stripeOf(bucket) + MEDIA_STRIPE.free;
  const reused = words[free] as number;
  if (reused !== 0) {
    words[free] = words[extentWord(reused) + MEDIA_EXTENT.next] as number;
    return reused;
  }
  const fresh = fetchAdd(words, EXTENT_NEXT, 1);
  if (fresh < EXTENTS.count) return fresh;
  fetchAdd(words, EXTENT_NEXT, -1);
  return 0;
}

function freeExtent(words: Int32Array, bucket: number, extent: number): void {
  const free = stripeOf(bucket) + MEDIA_STRIPE.free;
  words[extentWord(extent) + MEDIA_EXTENT.next] = words[free] as number;
  words[free] = extent;
}
