/**
 * An IOMMU's invalidation queue as the CPUs meet it: enter, publish commands, wait for the synchronisation.
 *
 * ```
 * alone      own commands, publishing, one round trip of the synchronisation
 * contended  one CPU after the other: a hand-over of the queue's line (transfers x (line + share across dies x hop)), then
 *            its round trip, for each that came before
 * ```
 * The wait of a contended CPU is split as its parts are: round trips to the synchronisation, hand-overs to entering.
 * Sources: arm-smmu-v3's arm_smmu_cmdq_issue_cmdlist (compare-and-exchange loop, owner publishes, each waits for its own
 * CMD_SYNC), intel-iommu's qi_submit_sync.
 */
import type { ServerStats } from "../server.ts";
import { crossNodeShare, type HostPrices } from "./prices.ts";

const INSIDE_MAX = 1024;

/** One queue; times in picoseconds. */
export class CommandQueue implements ServerStats {
  readonly name: string;
  readonly kind = "invalidation";
  readonly width = 1;
  busyPs = 0;
  waitPs = 0;
  /** Of the last submission: what it waited for those before it. */
  queuedPs = 0;
  /** Of the last submission: from the call to the end of the synchronisation, and the synchronisation alone. */
  issuePs = 0;
  syncPs = 0;
  readonly #prices: HostPrices;
  readonly #ends = new Float64Array(INSIDE_MAX);
  #inside = 0;
  #freeAtPs = 0;

  constructor(name: string, prices: HostPrices) {
    this.name = name;
    this.#prices = prices;
  }

  /** One batch of `commands` and its synchronisation; returns when the CPU goes on. */
  submit(nowPs: number, commands: number): number {
    this.#leave(nowPs);
    const { queue } = this.#prices;
    const alonePs = queue.syncPs + queue.trafficPs;
    const handoverPs = this.#inside > 0 ? this.#handoverPs(this.#inside + 1) : 0;
    const turnPs = handoverPs + queue.syncPs;
    const startPs = Math.max(nowPs, this.#freeAtPs);
    this.#freeAtPs = startPs + turnPs;
    const queuedPs = this.#freeAtPs - nowPs;
    this.syncPs = Math.max(alonePs, turnPs > 0 ? (queuedPs * queue.syncPs) / turnPs : 0) + queue.trapPs;
    const ownPs = commands * queue.commandPs + queue.issuePs;
    this.issuePs = Math.round(ownPs + Math.max(alonePs, queuedPs) + queue.trapPs);
    const endPs = nowPs + this.issuePs;
    this.#enter(endPs);
    this.busyPs += turnPs;
    this.waitPs += startPs - nowPs;
    this.queuedPs = startPs - nowPs;
    return endPs;
  }

  rebase(shiftPs: number): void {
    this.#freeAtPs -= shiftPs;
    for (let i = 0; i < this.#inside; i += 1) this.#ends[i] = (this.#ends[i] as number) - shiftPs;
  }

  #enter(endPs: number): void {
    if (this.#inside === INSIDE_MAX) return;
    this.#ends[this.#inside] = endPs;
    this.#inside += 1;
  }

  /** Hand-over from one CPU to the next while `cpus` are inside. */
  #handoverPs(cpus: number): number {
    const { queue, linePs, nodeHopPs, coresPerNode } = this.#prices;
    const linesPs = linePs + crossNodeShare(cpus, coresPerNode) * nodeHopPs;
    return queue.entryTransfers * linesPs + queue.lockedPs;
  }

  /** Forgets who has left by now. */
  #leave(nowPs: number): void {
    let kept = 0;
    for (let i = 0; i < this.#inside; i += 1) {
      const endPs = this.#ends[i] as number;
      if (endPs <= nowPs) continue;
      this.#ends[kept] = endPs;
      kept += 1;
    }
    this.#inside = kept;
  }
}
