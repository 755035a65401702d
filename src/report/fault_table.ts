/** The table of faults: what goes wrong, what notices it, after how long, what data are at risk until then. */
import { FAULT_NAMES, FAULTS } from "../sim/stress/faults/table.ts";

const HEAD = ["fault", "what goes wrong", "detected by", "after", "harmless outcomes", "data at risk"];

/** Rows of Markdown, as they stand in docs/stress.md. */
export function faultTable(): string {
  const rows = FAULT_NAMES.map((name) => {
    const { what, detected, harmless, after, risk } = FAULTS[name];
    return [
      `\`${name}\``,
      what,
      detected.join("; "),
      after,
      harmless.length === 0 ? "none" : harmless.join("; "),
      risk,
    ];
  });
  const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |\n`;
  return `${line(HEAD)}|${HEAD.map(() => "---|").join("")}\n${rows.map(line).join("")}`;
}

/** The same for programs. */
export function faultTableJson(): unknown {
  return FAULT_NAMES.map((name) => {
    const { what, detected, harmless, after, risk } = FAULTS[name];
    return { name, what, detected, harmless, after, risk };
  });
}
