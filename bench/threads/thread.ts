/** Starts a thread of this folder and waits for the one message that it sends. */
import { Worker } from "node:worker_threads";
import { packagePath } from "../../src/base/package_root.ts";

/** `file` is the built module's name, such as `copy_thread.js`. */
export function runThread<Outcome>(file: string, workerData: unknown): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(packagePath("dist", "bench", "threads", file), { workerData });
    worker.once("message", resolve);
    worker.once("error", reject);
    worker.once("exit", () => reject(new Error(`${file} left before it reported`)));
  });
}
