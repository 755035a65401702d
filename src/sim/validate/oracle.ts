/**
 * Predictions under changing constants, remembered.
 *
 * A prediction depends on its question and on the constants that it reads, and nothing else; so an answer holds for all values of
 * the constants that it did not ask for, and a calibration repeats only what the moved constant concerns.
 */
import type { ConstantTable } from "../../timing/calibration/constant.ts";
import { type Measurement, questionOf } from "./measurement.ts";
import { type Answer, answerRow } from "./predict.ts";

interface Remembered {
  readonly answer: Answer;
  /** Replaced values of the constants that the answer used. */
  readonly values: readonly (number | undefined)[];
}

/** Answers remembered of one row: the best values so far, and those just tried. */
const ANSWERS_MAX = 4;

/** Answers rows with some constants replaced. */
export class Oracle {
  readonly table: ConstantTable;
  readonly #answers = new Map<string, Remembered[]>();

  constructor(table: ConstantTable) {
    this.table = table;
  }

  /** The answer to `row` when the constants in `values` have those values. */
  async ask(row: Measurement, values: Readonly<Record<string, number>>): Promise<Answer> {
    const known = this.#answers.get(row.id) ?? [];
    const found = known.find((each) => each.answer.used.every((name, index) => values[name] === each.values[index]));
    if (found !== undefined) {
      this.#answers.set(row.id, [found, ...known.filter((each) => each !== found)]);
      return found.answer;
    }
    const answer = await answerRow(questionOf(row), this.table, values);
    const remembered = { answer, values: answer.used.map((name) => values[name]) };
    this.#answers.set(row.id, [remembered, ...known].slice(0, ANSWERS_MAX));
    return answer;
  }
}
