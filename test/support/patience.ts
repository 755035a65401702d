/** How much longer things take now than on an idle computer: limits of time in tests are multiplied by it. */
const SPIN_CPU_MS = 100;
const FACTOR_MAX = 20;

/** Wall time over CPU time of a spinning thread: 1 when a core is free, more when other processes want it too. */
export function patience(): number {
  const cpuBefore = process.cpuUsage();
  const startMs = performance.now();
  let cpuMs = 0;
  while (cpuMs < SPIN_CPU_MS) {
    const { user, system } = process.cpuUsage(cpuBefore);
    cpuMs = (user + system) / 1000;
  }
  return Math.min(FACTOR_MAX, Math.max(1, (performance.now() - startMs) / cpuMs));
}
