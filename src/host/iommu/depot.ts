/**
 * Depots of full magazines, shared by the CPUs of a domain (struct iova_rcache).
 *
 * Words:      DEPOT (holder of its lock); MAGAZINE.next of depot and spare magazines (same);
 *             HEADER.magazineNext hands out never-used magazines by fetch-add.
 * States:     a magazine is loaded or previous on one CPU, full in the depot, or empty and spare.
 * Invariants: every magazine in the depot holds 127 pfns; last in, first out.
 * Ordering:   depot lock (rank 21) inside a magazine lock (20), outside the tree lock (22).
 * Progress:   a domain that finds no magazine frees into the tree instead.
 * Proof:      test/unit/host/iommu/magazine.test.ts, test/property/iova.test.ts, test/proof
 *
 * [6.1] The depot holds 32 magazines, the next one goes to the tree. [6.12+] It has no limit, and a worker
 * frees one magazine every 100 ms while the depot holds more than there are CPUs online.
 */
import { COST_LOCK } from "../../base/cost.ts";
import type { Arena } from "../../shm/arena.ts";
import { fetchAdd, load } from "../../shm/atomics.ts";
import { IOVA_ORDERS } from "../../shm/capacities.ts";
import { DEPOT, HEADER, MAGAZINE, REGIONS } from "../../shm/layout.ts";
import { lock, unlock } from "../../shm/mutex.ts";
import type { HostContext } from "../context.ts";
import type { DmaDomain } from "../dma/device.ts";
import { freeIovaBatch } from "./iova.ts";

/** MAX_GLOBAL_MAGS [6.1]. */
export const DEPOT_MAGAZINES_6_1 = 32;
/** IOVA_DEPOT_DELAY [6.12+]. */
export const DEPOT_TRIM_NS = 100e6;

const MAGAZINE_NEXT = REGIONS.header.word + HEADER.magazineNext;

/** Word index of the depot of `order` (log2 pages). */
export function depotWord(domain: number, order: number): number {
  return REGIONS.depots.word + (domain * IOVA_ORDERS + order) * REGIONS.depots.stride;
}

/** Puts a CPU's full magazine into the depot; returns an empty one in its place, 0 when none is left (nothing is pushed then). */
export function exchangeFull(ctx: HostContext, domain: DmaDomain, order: number, full: number): number {
  const { arena, cost } = ctx;
  const depot = depotWord(domain.index, order);
  cost.depotExchanges += 1;
  cost.addLock(COST_LOCK.depot, domain.index * IOVA_ORDERS + order, 1);
  lock(arena.i32, depot + DEPOT.lock, ctx.lockOwner);
  const overflow = ctx.era === "6.1" && (arena.i32[depot + DEPOT.size] as number) >= DEPOT_MAGAZINES_6_1;
  const empty = overflow ? full : takeSpare(arena, depot);
  if (!overflow && empty !== 0) pushFull(ctx, depot, full);
  unlock(arena.i32, depot + DEPOT.lock, ctx.lockOwner);
  if (overflow) emptyMagazine(ctx, domain, full);
  return empty;
}

/** Takes a full magazine from the depot and leaves the CPU's `empty` one (0 = none) as a spare; 0 when the depot is empty. */
export function exchangeEmpty(ctx: HostContext, domain: DmaDomain, order: number, empty: number): number {
  const { arena, cost } = ctx;
  const depot = depotWord(domain.index, order);
  cost.addLock(COST_LOCK.depot, domain.index * IOVA_ORDERS + order, 1);
  lock(arena.i32, depot + DEPOT.lock, ctx.lockOwner);
  const full = popFull(arena, depot);
  if (full !== 0 && empty !== 0) giveSpare(arena, depot, empty);
  unlock(arena.i32, depot + DEPOT.lock, ctx.lockOwner);
  if (full !== 0) cost.depotExchanges += 1;
  return full;
}

/** A CPU's first magazine; 0 when the arena has none left. */
export function firstMagazine(ctx: HostContext, domain: number, order: number): number {
  const depot = depotWord(domain, order);
  lock(ctx.arena.i32, depot + DEPOT.lock, ctx.lockOwner);
  const magazine = takeSpare(ctx.arena, depot);
  unlock(ctx.arena.i32, depot + DEPOT.lock, ctx.lockOwner);
  return magazine;
}

/** Frees all pfns of a magazine into the tree. */
export function emptyMagazine(ctx: HostContext, domain: DmaDomain, magazine: number): void {
  const held = ctx.arena.i32[magazine + MAGAZINE.size] as number;
  if (held > 0) freeIovaBatch(ctx, domain, (magazine + MAGAZINE.pfns) >>> 1, held);
  ctx.arena.i32[magazine + MAGAZINE.size] = 0;
}

/** Frees every magazine of the depot into the tree (free_global_cached_iovas). */
export function flushDepot(ctx: HostContext, domain: DmaDomain, order: number): void {
  const depot = depotWord(domain.index, order);
  lock(ctx.arena.i32, depot + DEPOT.lock, ctx.lockOwner);
  for (let full = popFull(ctx.arena, depot); full !== 0; full = popFull(ctx.arena, depot)) {
    emptyMagazine(ctx, domain, full);
    giveSpare(ctx.arena, depot, full);
  }
  unlock(ctx.arena.i32, depot + DEPOT.lock, ctx.lockOwner);
}

/** The trimming worker: frees one magazine of each depot whose 100 ms are over by `ctx.nowNs`. Returns the magazines freed; cheap when none is due. */
export function trimDepot(ctx: HostContext, domain: DmaDomain): number {
  let freed = 0;
  for (let order = 0; order < IOVA_ORDERS; order += 1) {
    const depot = depotWord(domain.index, order);
    if (load(ctx.arena.i32, depot + DEPOT.trimArmed) !== 0 && trimOrder(ctx, domain, depot)) freed += 1;
  }
  return freed;
}

function trimOrder(ctx: HostContext, domain: DmaDomain, depot: number): boolean {
  const { arena } = ctx;
  const words = arena.i32;
  lock(words, depot + DEPOT.lock, ctx.lockOwner);
  const due =
    words[depot + DEPOT.trimArmed] === 1 && ctx.nowNs >= (arena.f64[(depot + DEPOT.trimDueNs) >>> 1] as number);
  let full = 0;
  if (due) {
    words[depot + DEPOT.trimArmed] = 0;
    if ((words[depot + DEPOT.size] as number) > domain.cpus) full = popFull(arena, depot);
  }
  if (full !== 0) {
    emptyMagazine(ctx, domain, full);
    giveSpare(arena, depot, full);
    armTrim(ctx, depot);
  }
  unlock(words, depot + DEPOT.lock, ctx.lockOwner);
  return full !== 0;
}

function armTrim(ctx: HostContext, depot: number): void {
  if (ctx.arena.i32[depot + DEPOT.trimArmed] === 1) return;
  ctx.arena.f64[(depot + DEPOT.trimDueNs) >>> 1] = ctx.nowNs + DEPOT_TRIM_NS;
  ctx.arena.i32[depot + DEPOT.trimArmed] = 1;
}

function pushFull(ctx: HostContext, depot: number, full: number): void {
  const words = ctx.arena.i32;
  words[full + MAGAZINE.next] = words[depot + DEPOT.head] as number;
  words[depot + DEPOT.head] = full;
  words[depot + DEPOT.size] = (words[depot + DEPOT.size] as number) + 1;
  if (ctx.era !== "6.1") armTrim(ctx, depot);
}

function popFull(arena: Arena, depot: number): number {
  const words = arena.i32;
  const full = words[depot + DEPOT.head] as number;
  if (full === 0) return 0;
  words[depot + DEPOT.head] = words[full + MAGAZINE.next] as number;
  words[depot + DEPOT.size] = (words[depot + DEPOT.size] as number) - 1;
  return full;
}

function giveSpare(arena: Arena, depot: number, empty: number): void {
  arena.i32[empty + MAGAZINE.next] = arena.i32[depot + DEPOT.spare] as number;
  arena.i32[depot + DEPOT.spare] = empty;
}

function takeSpare(arena: Arena, depot: number): number {
  const words = arena.i32;
  const spare = words[depot + DEPOT.spare] as number;
  if (spare !== 0) {
    words[depot + DEPOT.spare] = words[spare + MAGAZINE.next] as number;
    return spare;
  }
  const index = fetchAdd(words, MAGAZINE_NEXT, 1);
  if (index < REGIONS.magazines.count) return REGIONS.magazines.word + index * REGIONS.magazines.stride;
  fetchAdd(words, MAGAZINE_NEXT, -1);
  return 0;
}
