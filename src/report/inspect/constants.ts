/** The timing constants of a machine for people: what each part takes, how well that is known, where it is from. */
import { CONSTANT_GROUPS, type MachineConstant } from "../../sim/machine_constants.ts";
import type { Screen } from "../style.ts";
import { type Column, renderTable } from "../table.ts";

const COLUMNS: readonly Column[] = [
  { head: "constant", align: "left" },
  { head: "value", align: "right" },
  { head: "unit", align: "left" },
  { head: "status", align: "left" },
  { head: "source", align: "left" },
];

/** One table with a line for the name of each group; a count by status first. */
export function renderConstants(screen: Screen, constants: readonly MachineConstant[]): string {
  const { colors } = screen;
  const rows = CONSTANT_GROUPS.flatMap((group) => {
    const own = constants.filter((constant) => constant.group === group);
    return own.length === 0 ? [] : [[group, "", "", "", ""], ...own.map(cells)];
  });
  const table = renderTable(screen, COLUMNS, rows, (cell, row) => (rows[row]?.[4] === "" ? colors.bold(cell) : cell));
  return [colors.dim(` timing constants: ${countsText(constants)}`), ...table, ""].join("\n");
}

function cells({ name, value, unit, status, source }: MachineConstant): string[] {
  return [`  ${name}`, numberText(value), unit, status, source];
}

/** Large figures by powers of ten, others as they stand. */
function numberText(value: number): string {
  return Math.abs(value) >= 1e6 ? value.toExponential().replace("e+", "e") : String(value);
}

function countsText(constants: readonly MachineConstant[]): string {
  const count = (status: MachineConstant["status"]) => constants.filter((each) => each.status === status).length;
  return `${count("calibrated")} calibrated, ${count("literature")} from literature, ${count("assumed")} assumed`;
}
