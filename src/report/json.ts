import type { RunResult } from "../sim/result.ts";

/** Any value as indented JSON with a final newline. */
export function renderJson(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

/** A result in its own schema (`dmasim/result@1`); keys keep the order of the contract. */
export function renderResultJson(result: RunResult): string {
  return renderJson(result);
}
