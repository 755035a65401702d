/** What a cross-check finds wrong with a machine that its schema accepts; `load.ts` gives it its place in the file. */
import { hex } from "../../base/addr.ts";
import { formatBytes } from "../../base/units.ts";
import type { DocumentPath } from "../override.ts";

/** A DmasimError to be, without file and line; `limit` says what is allowed, `remedy` what to do. */
export interface MachineFault {
  /** `DMASIM_MACHINE_` and upper-case words. */
  readonly code: string;
  /** Key that is wrong. */
  readonly path: DocumentPath;
  readonly what: string;
  readonly value: unknown;
  readonly limit: string;
  readonly remedy: string;
}

/** First fault of `items`, in their order. */
export function firstFault<T>(
  items: readonly T[],
  check: (item: T, index: number) => MachineFault | undefined,
): MachineFault | undefined {
  for (const [index, item] of items.entries()) {
    const fault = check(item, index);
    if (fault !== undefined) return fault;
  }
  return undefined;
}

/** `[0x1000, 0x2000) (4 KiB)`. */
export function formatRange(start: number, bytes: number): string {
  return `[${hex(start)}, ${hex(start + bytes)}) (${formatBytes(bytes)})`;
}

/** Names of a list for a limit; `none` when it is empty. */
export function nameList(items: readonly { readonly name: string }[]): string {
  return items.length === 0 ? "none" : items.map((item) => item.name).join(", ");
}
