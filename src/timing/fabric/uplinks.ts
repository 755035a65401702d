/** Links between a function and the root complex that several functions share: the uplinks of switches. */
import type { Burst, RateServer } from "../server.ts";
import type { StageLog } from "../stage_log.ts";

/** Both directions of the uplink of a switch. */
export interface SharedLink {
  readonly up: RateServer;
  readonly down: RateServer;
}

/** Over the first `count` links towards the root, nearest first: when the last piece of the burst has passed. */
export function climb(
  links: readonly SharedLink[],
  count: number,
  nowPs: number,
  burst: Burst,
  log: StageLog | null,
): number {
  let atPs = nowPs;
  for (let i = 0; i < count; i += 1) {
    const link = (links[i] as SharedLink).up;
    atPs = link.serveBurst(atPs, burst);
    log?.step(link.name, link.startPs, atPs);
  }
  return atPs;
}

/** Over the same links towards the function, the nearest last. */
export function descend(
  links: readonly SharedLink[],
  count: number,
  nowPs: number,
  burst: Burst,
  log: StageLog | null,
): number {
  let atPs = nowPs;
  for (let i = count - 1; i >= 0; i -= 1) {
    const link = (links[i] as SharedLink).down;
    atPs = link.serveBurst(atPs, burst);
    log?.step(link.name, link.startPs, atPs);
  }
  return atPs;
}
