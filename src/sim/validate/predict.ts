/** Which model answers a row: by who starts the measured activity. */
import { AssertionError } from "../../base/assert.ts";
import { Constants, type ConstantTable } from "../../timing/calibration/constant.ts";
import { predictApp } from "./predict_app.ts";
import { predictCpu } from "./predict_cpu.ts";
import { predictDevice } from "./predict_device.ts";
import { predictDriver } from "./predict_driver.ts";
import { predictHostInterconnect } from "./predict_host_interconnect.ts";
import { predictLink } from "./predict_link.ts";
import { predictPmemBlock } from "./predict_pmem_block.ts";
import { type Prediction, type RowQuestion, rowText, unsupported } from "./row.ts";
import { unknownWord } from "./vocabulary.ts";

/** Quantities of published models. */
const OTHER_MODELS: ReadonlySet<string> = new Set(["model_constant", "model_error"]);

/** A prediction, the constants that it asked for, and the cause when the model itself failed. */
export interface Answer {
  readonly prediction: Prediction;
  readonly used: readonly string[];
  readonly failure: string | null;
}

/**
 * Answers one row with the constants of `table`, `replaced` ones first. A model that fails leaves its row unsupported and names
 * the cause, so that one row does not cost the reader all others.
 */
export async function answerRow(
  question: RowQuestion,
  table: ConstantTable,
  replaced: Readonly<Record<string, number>>,
): Promise<Answer> {
  const constants = new Constants(table, replaced);
  const { prediction, failure } = await guarded(question, constants);
  return { prediction, used: [...constants.used].sort(), failure };
}

async function guarded(question: RowQuestion, constants: Constants): Promise<Omit<Answer, "used">> {
  try {
    const prediction = unknownWord(question) ?? (await dispatch(question, constants));
    if (prediction.status === "ok" && !Number.isFinite(prediction.valueSi)) throw new AssertionError("it is no number");
    return { prediction, failure: null };
  } catch (error) {
    const failure = error instanceof Error ? error.message : String(error);
    return { prediction: unsupported("quantity-not-simulated", `the model failed: ${failure}`), failure };
  }
}

function dispatch(question: RowQuestion, constants: Constants): Prediction | Promise<Prediction> {
  if (isLinkArithmetic(question)) return predictLink(question);
  if (OTHER_MODELS.has(question.quantity) || question.topic === "model-error") {
    return unsupported("quantity-not-simulated", "it says something about another model, not about a machine");
  }
  if (question.topic === "host-interconnect") return predictHostInterconnect(question, constants);
  if (question.topic === "pmem-block") return predictPmemBlock(question, constants);
  return byInitiator(question, constants);
}

function byInitiator(question: RowQuestion, constants: Constants): Prediction | Promise<Prediction> {
  const initiator = rowText(question.workload, "initiator", "device");
  if (initiator === "cpu") return predictCpu(question, constants);
  if (initiator === "driver") return predictDriver(question, constants);
  if (initiator === "device") return predictDevice(question, constants);
  return predictApp(question, constants);
}

function isLinkArithmetic({ topic, workload }: RowQuestion): boolean {
  const layer = rowText(workload, "layer", "payload");
  return topic === "pcie-model" || layer === "raw" || layer === "tlp";
}
