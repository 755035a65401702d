/** What crosses to a copy worker of the virtual clock. */
import type { ArenaHandle } from "../../shm/arena.ts";

export interface CopyTask {
  readonly kind: "copy";
  readonly arena: ArenaHandle;
  readonly worker: number;
}
