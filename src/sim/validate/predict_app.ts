/**
 * Rows of applications: I/O rates and bandwidths of programs whose drivers map and unmap for each I/O.
 *
 * A closed loop of jobs runs the production mapping code on a machine built from the row's parts; CPUs, locks, queues and the
 * device limit it (`host/io_loop.ts`). A topic that another model knows is one more entry of {@link KNOWN}.
 */
import type { Constants } from "../../timing/calibration/constant.ts";
import { predictAppDevice } from "./predict_app_device.ts";
import { predictNet } from "./predict_net.ts";
import { predictStorage } from "./predict_storage.ts";
import { type Prediction, type RowQuestion, rowText, unsupported } from "./row.ts";

/** Answers a row, or undefined when the row is none of its kind. */
type AppModel = (question: RowQuestion, constants: Constants) => Prediction | undefined;

const KNOWN: readonly AppModel[] = [predictStorage, predictNet, predictAppDevice];

/** Rate or bandwidth of an application. */
export function predictApp(question: RowQuestion, constants: Constants): Prediction {
  for (const model of KNOWN) {
    const prediction = model(question, constants);
    if (prediction !== undefined) return prediction;
  }
  const app = rowText(question.workload, "app", question.topic);
  return unsupported("software-outside-model", `the software of ${app} is not modelled`);
}
