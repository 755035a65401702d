/** Directions and DMA attributes as cases write them. */
import { attrBit } from "../../host/dma/attr_names.ts";
import { DIR_NAMES } from "../../host/dma/device.ts";
import { type Given, numberOf, UnreadableCase } from "./given.ts";

/** DIR of a field such as `TO_DEVICE`, `DMA_TO_DEVICE` or a number. */
export function dirOf(given: Given, fallback: number, name = "dir"): number {
  const value = given.raw(name);
  if (value === undefined) return fallback;
  const number = numberOf(value);
  if (number !== undefined) return number;
  const index = (DIR_NAMES as readonly string[]).indexOf(String(value).toUpperCase().replace(/^DMA_/, ""));
  if (index >= 0) return index;
  throw new UnreadableCase(`${given.path}.${name} is no DMA direction`);
}

/** ATTR bits of a list of names, a `|`-joined text, or a number. */
export function attrsOf(given: Given, name = "attrs"): number {
  const value = given.raw(name);
  const number = numberOf(value);
  if (value === undefined || number !== undefined) return number ?? 0;
  const words = Array.isArray(value) ? value.map(String) : String(value).split("|");
  let attrs = 0;
  for (const word of words) {
    if (word.trim() === "") continue;
    const bit = attrBit(word);
    if (bit === undefined) throw new UnreadableCase(`${given.path}.${name}: no DMA attribute ${word}`);
    attrs |= bit;
  }
  return attrs;
}
