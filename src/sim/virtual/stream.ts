/** A command's transfer on its way through the fabric; one for each command that can be in flight, preallocated. */
import { DmaCursor } from "../../device/dma_cursor.ts";
import type { Lane } from "./lane.ts";

/** What a stream is doing. A copy reads all of its source, then writes. */
export interface Stream {
  readonly lane: Lane;
  readonly tag: number;
  readonly cursor: DmaCursor;
  /** DESC_OP. */
  op: number;
  /** The quantum in turn is a device write. */
  writing: boolean;
  bytes: number;
  /** Bytes of the current piece, and of the direction, whose quanta have not been issued. */
  pieceLeft: number;
  left: number;
  /** The piece has had a quantum: later ones wait for its fill instead of walking again. */
  pieceSeen: boolean;
  /** When the quantum that ends last ends. */
  endPs: number;
  /** Walks of a copy that no quantum has been charged for, and their levels. */
  walksLeft: number;
  /** When the current page of a copy is translated. */
  translatedPs: number;
  walkLevels: number;
}

/** A stream that is idle. */
export function makeStream(lane: Lane, tag: number): Stream {
  return {
    lane,
    tag,
    cursor: new DmaCursor(),
    op: 0,
    writing: false,
    bytes: 0,
    pieceLeft: 0,
    left: 0,
    pieceSeen: false,
    endPs: 0,
    walksLeft: 0,
    translatedPs: 0,
    walkLevels: 0,
  };
}

/** A transfer of `bytes` starts at `nowPs`. */
export function startStream(stream: Stream, bytes: number, nowPs: number): void {
  stream.bytes = bytes;
  stream.left = bytes;
  stream.pieceLeft = 0;
  stream.endPs = nowPs;
  stream.walksLeft = 0;
  stream.translatedPs = 0;
}
