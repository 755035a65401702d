/** Bends of throughput curves. Pure numbers, no allocation. */

/** Smaller of a demand and a capacity, rounded at the bend: ((1/a)^p + (1/b)^p)^(-1/p), never above either. */
export function kneeMin(demand: number, capacity: number, exponent: number): number {
  const low = Math.min(demand, capacity);
  const high = Math.max(demand, capacity);
  return low <= 0 ? 0 : low * (1 + (low / high) ** exponent) ** (-1 / exponent);
}

/** Time of two activities that overlap in part: exponent 1 one after the other, large = the longer of them. */
export function overlapNs(firstNs: number, secondNs: number, exponent: number): number {
  return (firstNs ** exponent + secondNs ** exponent) ** (1 / exponent);
}

/** Share of work that `customers` keep busy at `stations` when each picks one at random: n / (n + m - 1). */
export function balance(customers: number, stations: number): number {
  return customers / (customers + stations - 1);
}

/** Waiting before a server in use for `share` of the time, in units of its service: u / (1 - u), capped near saturation. */
export function queueing(share: number): number {
  const busy = Math.min(Math.max(share, 0), 0.95);
  return busy / (1 - busy);
}
