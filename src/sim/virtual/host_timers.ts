/**
 * What host code schedules for later: the flush of a lazy domain, the growth of the bounce pool.
 *
 * Host code arms a timer in shared state; here the timer becomes an event of the virtual clock.
 */
import type { HostContext } from "../../host/context.ts";
import type { DmaDomain } from "../../host/dma/device.ts";
import { flushDue } from "../../host/iommu/flush_queue.ts";
import { growPools, growthRequested } from "../../host/swiotlb/grown.ts";
import { DOMAIN, REGIONS } from "../../shm/layout.ts";
import type { EventQueue } from "../../timing/event_queue.ts";
import type { System } from "../system.ts";
import type { VirtualClock } from "./clock.ts";

/** What the loop calls these events, and their priority among events of one time. */
export interface TimerEvents {
  /** Subject: index of the domain. */
  readonly flush: number;
  readonly grow: number;
  readonly priority: number;
}

/** Timers of one run. */
export class HostTimers {
  readonly #system: System;
  readonly #ctx: HostContext;
  readonly #clock: VirtualClock;
  readonly #queue: EventQueue;
  readonly #events: TimerEvents;
  readonly #flushArmed: Uint8Array;
  #growArmed = false;

  constructor(system: System, ctx: HostContext, clock: VirtualClock, queue: EventQueue, events: TimerEvents) {
    this.#system = system;
    this.#ctx = ctx;
    this.#clock = clock;
    this.#queue = queue;
    this.#events = events;
    this.#flushArmed = new Uint8Array(system.devices.length);
  }

  /** A lazy domain's timer, armed by the flush queue itself, becomes an event. */
  armFlush(domain: DmaDomain | null): void {
    if (domain === null || domain.mode !== "lazy" || this.#flushArmed[domain.index] === 1) return;
    const base = REGIONS.domains.word + domain.index * REGIONS.domains.stride;
    if ((this.#ctx.arena.i32[base + DOMAIN.fqTimerArmed] as number) === 0) return;
    this.#flushArmed[domain.index] = 1;
    const duePs = this.#clock.psAt(this.#ctx.arena.f64[(base + DOMAIN.fqDueNs) >>> 1] as number);
    this.#queue.push(duePs, this.#events.priority, this.#events.flush, domain.index, 0);
  }

  /** The timer of a domain is due. */
  flush(domainIndex: number): void {
    this.#flushArmed[domainIndex] = 0;
    const domain = this.#system.devices[domainIndex]?.domain ?? null;
    if (domain === null) return;
    this.#ctx.nowNs = this.#clock.nowNs;
    this.#ctx.cost.reset();
    flushDue(this.#ctx, domain);
    this.armFlush(domain);
  }

  /** The growth worker, scheduled by a map without room, runs when that map has returned. */
  armGrowth(atPs: number): void {
    const pool = this.#system.pool;
    if (pool?.growth === undefined || this.#growArmed || !growthRequested(this.#ctx.arena, pool)) return;
    this.#growArmed = true;
    this.#queue.push(atPs, this.#events.priority, this.#events.grow, 0, 0);
  }

  /** The growth worker runs. */
  grow(): void {
    this.#growArmed = false;
    if (this.#system.pool !== null) growPools(this.#ctx, this.#system.pool);
  }
}
