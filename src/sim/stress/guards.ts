/** Bytes around an operation's pieces that nobody may change. */
import { hex } from "../../base/addr.ts";
import { fillPhys, findOtherPhys } from "../../memory/copy.ts";
import { GUARD } from "../../memory/pattern.ts";
import type { Arena } from "../../shm/arena.ts";
import { FindingError } from "./finding.ts";
import type { Live } from "./live.ts";
import type { Piece } from "./operation.ts";

const GUARD_BYTES = 16;
/** Gap behind a piece that has room for a guard. */
const GAP_MIN = 32;

/** Writes the guards of an operation. */
export function setGuards(arena: Arena, live: Live): void {
  eachGuard(live, (at) => void fillPhys(arena, at, GUARD, GUARD_BYTES));
}

/** Throws a finding when a guard changed; `what` names the operation. */
export function checkGuards(arena: Arena, live: Live, what: string): void {
  eachGuard(live, (at) => {
    const bad = findOtherPhys(arena, at, GUARD, GUARD_BYTES);
    if (bad >= 0) throw new FindingError("guard", `byte ${hex(at + bad)} beside the buffer changed, ${what}`);
  });
}

/** Before the first piece, behind the last, and in gaps of the same area that have room. */
function eachGuard(live: Live, visit: (at: number) => void): void {
  const { pieces } = live.op;
  visit((live.starts[0] as number) - GUARD_BYTES);
  for (let i = 0; i < pieces.length; i += 1) {
    const piece = pieces[i] as Piece;
    const next = pieces[i + 1];
    const gap = next === undefined ? GAP_MIN : next.offset - piece.offset - piece.bytes;
    if (gap >= GAP_MIN) visit((live.starts[i] as number) + piece.bytes);
  }
}
