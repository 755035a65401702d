/**
 * Rows that the arithmetic of one link answers alone: no device, root complex or memory in the way.
 *
 * Sources: see `pcie/link.ts`. DLLPs are charged at the specification's guide values, as published link models do.
 */
import {
  type LinkShape,
  payloadBytesPerS,
  rawBytesPerS,
  type TransferKind,
  tlpGuideBytesPerS,
} from "../../pcie/link.ts";
import { linkOf } from "./machine_parts.ts";
import { type Prediction, predicted, type RowKeys, type RowQuestion, rowNumber, rowText, unsupported } from "./row.ts";

const RCB_BYTES = 64;
const KINDS: Readonly<Record<string, TransferKind>> = { read: "read", write: "write", read_write: "both" };

/** Bandwidth of a link after coding (`raw`), for TLPs (`tlp`) or for payload. */
export function predictLink({ system, workload, quantity }: RowQuestion): Prediction {
  if (quantity !== "bandwidth") return unsupported("quantity-not-simulated", `link arithmetic has no ${quantity}`);
  const link = shapeOf(system);
  if (link === null) return unsupported("system-not-described", "pcie_gen and lanes are needed");
  const layer = rowText(workload, "layer", "payload");
  if (layer === "raw") return predicted(rawBytesPerS(link.gen, link.lanes));
  if (layer === "tlp") return predicted(tlpGuideBytesPerS(link));
  const kind = KINDS[rowText(workload, "op", "")];
  const bytes = rowNumber(workload, "access_bytes", 0);
  if (kind === undefined || bytes === 0) {
    return unsupported("quantity-not-simulated", "payload needs op read, write or read_write and access_bytes");
  }
  const oneWay = payloadBytesPerS(kind, bytes, link, tlpGuideBytesPerS(link));
  // Of reads and writes at once the figure is the total unless the row says otherwise.
  const isTotal = kind === "both" && rowText(workload, "aggregate", "sum") === "sum";
  return predicted(isTotal ? 2 * oneWay : oneWay);
}

/** The link with the way in which the root complex cuts completions. */
function shapeOf(system: RowKeys): LinkShape | null {
  const link = linkOf(system);
  if (link === null) return null;
  const completionChunk = rowText(system, "completion_chunk", "mps") === "rcb" ? "rcb" : "mps";
  return { ...link, completionChunk, rcbBytes: rowNumber(system, "rcb_bytes", RCB_BYTES) };
}
