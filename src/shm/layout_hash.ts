/** What two builds compare before they share an arena. */
import { createHash } from "node:crypto";
import { REGIONS } from "./layout.ts";
import type { Region } from "./record.ts";

/** Hash over every declared name, position and size; two builds with the same hash agree on every byte. */
export function layoutHash(): string {
  const row = ({ name, byte, stride, count, record }: Region) => [name, byte, stride, count, record];
  const text = JSON.stringify(Object.values(REGIONS).map(row));
  return createHash("sha256").update(text).digest("hex");
}
