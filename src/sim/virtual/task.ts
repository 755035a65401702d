/** What crosses to a copy worker of the virtual clock. */
import type { ArenaHandle } from "../../shm/arena.ts";

/** Sent as structured clone; `worker` numbers the thread's WORKER record and its copy ring. */
export interface CopyTask {
  readonly kind: "copy";
  readonly arena: ArenaHandle;
  readonly worker: number;
}
