/**
 * Runs the independent points of a sweep on threads: a point a Piscina task, results in the order of the points.
 *
 * Unlike the workers of one run (`workers.ts`), which each hold one task until its end, these take the next point when they
 * are free; so the order in which points end says nothing, and nothing may depend on it.
 */
import { Piscina } from "piscina";

/** Called after each point with how many are done, its value and its index. */
export type OnPoint<Value = unknown> = (done: number, value: Value, index: number) => void;

/**
 * Runs `points` in `workers` threads of the module `entry` (its default export takes a point). Rejects with the first error of a point,
 * after its threads have ended; an aborted `signal` rejects too.
 */
export async function sweepPoints<Point, Value>(
  entry: string,
  points: readonly Point[],
  workers: number,
  signal: AbortSignal,
  onPoint: OnPoint<Value>,
): Promise<Value[]> {
  const threads = Math.max(1, Math.min(workers, points.length));
  const piscina = new Piscina({
    filename: entry,
    minThreads: threads,
    maxThreads: threads,
    maxQueue: points.length + 1,
  });
  // Ending the threads rejects what is under way and what waits.
  const stop = (): void => void piscina.destroy();
  signal.addEventListener("abort", stop);
  let done = 0;
  try {
    signal.throwIfAborted();
    return await Promise.all(
      points.map(async (point, index) => {
        const value = (await piscina.run(point)) as Value;
        done += 1;
        onPoint(done, value, index);
        return value;
      }),
    );
  } finally {
    signal.removeEventListener("abort", stop);
    await piscina.destroy();
  }
}

/** The same in this thread, one after the other, for `--workers 0` and few points. */
export async function sweepHere<Point, Value>(
  run: (point: Point) => Promise<Value>,
  points: readonly Point[],
  signal: AbortSignal,
  onPoint: OnPoint<Value>,
): Promise<Value[]> {
  const values: Value[] = [];
  for (const point of points) {
    signal.throwIfAborted();
    const value = await run(point);
    values.push(value);
    onPoint(values.length, value, values.length - 1);
    // Lets signals and progress through between points.
    await new Promise(setImmediate);
  }
  return values;
}
