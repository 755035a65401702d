/**
 * Deferred invalidation of lazy domains (queue_iova and friends in drivers/iommu/dma-iommu.c).
 *
 * Unmapped ranges wait in a ring until one flush of the whole domain has covered them; until then the device may still
 * use their stale translations.
 *
 * ```
 * a ring a CPU    256 slots,   10 ms    the default
 * one shared    32768 slots, 1000 ms    shadow_on_flush: a flush makes a hypervisor copy tables, so few of them are wanted
 * ```
 * A shared ring lies over the words of the domain's rings, which it does not use: its head is the first CPU's.
 *
 * Words:      FQ (holder of its lock), DOMAIN.flushStart and flushFinish (any, fetch-add),
 *             DOMAIN.fqTimerArmed and fqDueNs (any).
 * States:     timer: 0 idle, 2 being armed, 1 armed; entries [head, tail) wait.
 * Invariants: an entry carries flushStart of the time it was queued and is freed only when flushFinish is
 *             beyond that: some flush began after it was queued and has ended.
 * Ordering:   flush-queue lock (rank 15) outside magazine, depot and tree locks: entries are freed while it is held.
 * Progress:   a full ring flushes in the caller; otherwise the timer does, at the age of the first entry that the options name.
 * Forbidden:  a range handed out again while an IOTLB may translate it.
 * Proof:      test/unit/host/iommu/flush_queue.test.ts
 *
 * [4.1] One ring of 250 entries serves all CPUs (here: of a domain; the Intel driver has one for all domains).
 */

import { assert } from "../../base/assert.ts";
import { COST_LOCK } from "../../base/cost.ts";
import { compareExchange, fetchAdd, load, store } from "../../shm/atomics.ts";
import { CPUS_MAX, FQ_DEPTH, FQ_SHARED_DEPTH } from "../../shm/capacities.ts";
import { domainWord } from "../../shm/domain_record.ts";
import { DOMAIN, FQ, FQ_ENTRY, REGIONS } from "../../shm/layout.ts";
import { lock, unlock } from "../../shm/mutex.ts";
import type { HostContext } from "../context.ts";
import type { DmaDomain, FlushQueueOptions } from "../dma/device.ts";
import { flushDeviceTlb } from "./device_tlb.ts";
import { freeIovaFast } from "./magazine.ts";

/** IOVA_DEFAULT_FQ_TIMEOUT. */
export const FQ_TIMEOUT_NS = 10e6;
/** IOVA_SINGLE_FQ_TIMEOUT. */
export const FQ_SHARED_TIMEOUT_NS = 1e9;
/** A queue for each CPU. */
export const FQ_PER_CPU: FlushQueueOptions = Object.freeze({
  shared: false,
  entries: FQ_DEPTH,
  timeoutNs: FQ_TIMEOUT_NS,
});
/** One large queue, of units whose flushes shadow tables (iommu_dma_init_options). */
export const FQ_SHARED: FlushQueueOptions = Object.freeze({
  shared: true,
  entries: FQ_SHARED_DEPTH,
  timeoutNs: FQ_SHARED_TIMEOUT_NS,
});
/** HIGH_WATER_MARK of the Intel driver [4.1]. */
export const FQ_ENTRIES_4_1 = 250;

const TIMER = Object.freeze({ idle: 0, armed: 1, arming: 2 });
const QUEUES_WORD = REGIONS.flushQueues.word;
const QUEUE_STRIDE = REGIONS.flushQueues.stride;

assert(
  FQ.entries + FQ_SHARED_DEPTH * FQ_ENTRY.WORDS <= CPUS_MAX * QUEUE_STRIDE,
  "a shared ring fits over those of a domain",
);

/** Queues an unmapped range on this CPU's ring or the shared one; frees what earlier flushes covered, and flushes at once when the ring is full. */
export function queueIova(ctx: HostContext, domain: DmaDomain, pfn: number, pages: number): void {
  const index = queueIndex(ctx, domain);
  const fq = QUEUES_WORD + index * QUEUE_STRIDE;
  const options = optionsOf(domain);
  const words = ctx.arena.i32;
  ctx.cost.addLock(COST_LOCK.flushQueue, index, 1);
  lock(words, fq + FQ.lock, ctx.lockOwner);
  freeFlushed(ctx, domain, fq);
  if (entriesWaiting(words, fq, options.entries) >= ringCapacity(ctx, options)) {
    flushDomain(ctx, domain);
    freeFlushed(ctx, domain, fq);
    // 4.1 stops the timer with every flush.
    if (ctx.era === "4.1") store(words, domainWord(domain.index) + DOMAIN.fqTimerArmed, TIMER.idle);
  }
  addEntry(ctx, domain, fq, pfn, pages);
  unlock(words, fq + FQ.lock, ctx.lockOwner);
  armTimer(ctx, domain);
}

/** The domain's timer: when it is due at `ctx.nowNs`, flushes the domain and frees the entries of every CPU on this one. True when it flushed. */
export function flushDue(ctx: HostContext, domain: DmaDomain): boolean {
  const base = domainWord(domain.index);
  const { arena } = ctx;
  if (load(arena.i32, base + DOMAIN.fqTimerArmed) !== TIMER.armed) return false;
  if (ctx.nowNs < (arena.f64[(base + DOMAIN.fqDueNs) >>> 1] as number)) return false;
  if (!compareExchange(arena.i32, base + DOMAIN.fqTimerArmed, TIMER.armed, TIMER.idle)) return false;
  flushDomain(ctx, domain);
  freeAllRings(ctx, domain);
  return true;
}

/** Flushes once if anything waits, frees everything and stops the timer. For the end of a run and domain teardown. */
export function drainFlushQueues(ctx: HostContext, domain: DmaDomain): void {
  let waiting = 0;
  const { entries } = optionsOf(domain);
  const rings = ringCount(domain);
  for (let cpu = 0; cpu < rings; cpu += 1) {
    waiting += entriesWaiting(ctx.arena.i32, queueWord(domain.index, cpu), entries);
  }
  if (waiting > 0) {
    flushDomain(ctx, domain);
    freeAllRings(ctx, domain);
  }
  store(ctx.arena.i32, domainWord(domain.index) + DOMAIN.fqTimerArmed, TIMER.idle);
}

/** Word index of the ring of `cpu`; the shared ring is that of CPU 0. */
export function queueWord(domain: number, cpu: number): number {
  return QUEUES_WORD + (domain * CPUS_MAX + cpu) * QUEUE_STRIDE;
}

/** Ranges that wait in a ring of `entries` slots; exact only under its lock. */
export function entriesWaiting(words: Int32Array, fq: number, entries: number = FQ_DEPTH): number {
  return ((words[fq + FQ.tail] as number) - (words[fq + FQ.head] as number)) & (entries - 1);
}

function optionsOf(domain: DmaDomain): FlushQueueOptions {
  return domain.flushQueue ?? FQ_PER_CPU;
}

function ringCount(domain: DmaDomain): number {
  return optionsOf(domain).shared ? 1 : domain.cpus;
}

function queueIndex(ctx: HostContext, domain: DmaDomain): number {
  return domain.index * CPUS_MAX + (ctx.era === "4.1" || optionsOf(domain).shared ? 0 : ctx.cpu);
}

/** One slot stays free, so that full and empty differ. */
function ringCapacity(ctx: HostContext, options: FlushQueueOptions): number {
  return ctx.era === "4.1" ? FQ_ENTRIES_4_1 : options.entries - 1;
}

function addEntry(ctx: HostContext, domain: DmaDomain, fq: number, pfn: number, pages: number): void {
  const words = ctx.arena.i32;
  const tail = words[fq + FQ.tail] as number;
  const entry = fq + FQ.entries + tail * FQ_ENTRY.WORDS;
  ctx.arena.f64[(entry + FQ_ENTRY.pfn) >>> 1] = pfn;
  words[entry + FQ_ENTRY.pages] = pages;
  words[entry + FQ_ENTRY.counter] = load(words, domainWord(domain.index) + DOMAIN.flushStart);
  words[fq + FQ.tail] = (tail + 1) & (optionsOf(domain).entries - 1);
}

/** Counters are 32 bits wide and compared by difference, so they may wrap. */
function freeFlushed(ctx: HostContext, domain: DmaDomain, fq: number): void {
  const words = ctx.arena.i32;
  const mask = optionsOf(domain).entries - 1;
  const finished = load(words, domainWord(domain.index) + DOMAIN.flushFinish);
  const tail = words[fq + FQ.tail] as number;
  let head = words[fq + FQ.head] as number;
  while (head !== tail) {
    const entry = fq + FQ.entries + head * FQ_ENTRY.WORDS;
    if ((((words[entry + FQ_ENTRY.counter] as number) - finished) | 0) >= 0) break;
    const pfn = ctx.arena.f64[(entry + FQ_ENTRY.pfn) >>> 1] as number;
    freeIovaFast(ctx, domain, pfn, words[entry + FQ_ENTRY.pages] as number);
    head = (head + 1) & mask;
  }
  words[fq + FQ.head] = head;
}

function freeAllRings(ctx: HostContext, domain: DmaDomain): void {
  const rings = ringCount(domain);
  for (let cpu = 0; cpu < rings; cpu += 1) {
    const fq = queueWord(domain.index, cpu);
    lock(ctx.arena.i32, fq + FQ.lock, ctx.lockOwner);
    freeFlushed(ctx, domain, fq);
    unlock(ctx.arena.i32, fq + FQ.lock, ctx.lockOwner);
  }
}

function flushDomain(ctx: HostContext, domain: DmaDomain): void {
  const base = domainWord(domain.index);
  fetchAdd(ctx.arena.i32, base + DOMAIN.flushStart, 1);
  ctx.invalidation.invalidateDomain(domain.unit, domain.index);
  flushDeviceTlb(ctx, domain);
  fetchAdd(ctx.arena.i32, base + DOMAIN.flushFinish, 1);
  ctx.cost.domainFlushes += 1;
}

/** The middle state keeps a reader from pairing "armed" with the previous due time. */
function armTimer(ctx: HostContext, domain: DmaDomain): void {
  const word = domainWord(domain.index) + DOMAIN.fqTimerArmed;
  if (load(ctx.arena.i32, word) !== TIMER.idle) return;
  if (!compareExchange(ctx.arena.i32, word, TIMER.idle, TIMER.arming)) return;
  ctx.arena.f64[(domainWord(domain.index) + DOMAIN.fqDueNs) >>> 1] = ctx.nowNs + optionsOf(domain).timeoutNs;
  store(ctx.arena.i32, word, TIMER.armed);
}
