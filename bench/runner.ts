/**
 * Measures the cases of a group in turn, round after round, so that a busy computer slows all of them alike.
 *
 * Within a round tinybench takes the samples and gives their median. A case's figure is its best round, because other
 * work on the computer only ever adds time; its ratio is the quotient of the best rounds.
 */
import { Bench } from "tinybench";
import type { BenchCase, BenchGroup, BenchSuite, CaseResult, Effort } from "./case.ts";

/** Results of every case of the suite; throws when a check finds wrong bytes. */
export async function runSuite(suite: BenchSuite, effort: Effort): Promise<CaseResult[]> {
  const results: CaseResult[] = [];
  for (const group of suite.groups(effort)) {
    results.push(...(await runGroup(suite.name, group, effort)));
    const wrong = group.check();
    if (wrong !== null) throw new Error(`bench ${suite.name}, ${group.title}: ${wrong}`);
  }
  return results;
}

async function runGroup(suite: string, group: BenchGroup, effort: Effort): Promise<CaseResult[]> {
  const rounds: Map<string, number>[] = [];
  for (let round = 0; round < effort.rounds; round += 1) rounds.push(await runRound(group.cases, effort, round === 0));
  const best = (name: string): number => Math.min(...rounds.map((times) => nsOf(times, name)));
  return group.cases.map((each) => {
    const ns = best(each.name);
    const figures = { suite, group: group.title, name: each.name, hz: 1e9 / ns, ns };
    const { baseline } = each;
    return baseline === undefined ? figures : { ...figures, baseline, ratio: best(baseline) / ns };
  });
}

/** Nanoseconds an operation of every case, by name. */
async function runRound(cases: readonly BenchCase[], effort: Effort, first: boolean): Promise<Map<string, number>> {
  const times = new Map<string, number>();
  for (const each of cases) {
    const long = each.long === true;
    const bench = new Bench({
      time: long ? 0 : effort.roundMs,
      iterations: long || effort.smoke ? 1 : 5,
      warmup: first && !long && effort.warmupMs > 0,
      warmupTime: effort.warmupMs,
      warmupIterations: 2,
      throws: true,
    });
    // With `async` given tinybench does not call the case once more to find out.
    bench.add(each.name, () => measured(each), { async: long });
    const [task] = await bench.run();
    const result = task?.result;
    if (result?.state !== "completed") throw new Error(`case ${each.name} did not complete`);
    times.set(each.name, result.latency.p50 * 1e6);
  }
  return times;
}

/** tinybench's form of a sample: the mean time of one operation, and the whole stretch for its time budget. */
function measured(each: BenchCase): object | Promise<object> {
  const sample = each.sample();
  if (sample instanceof Promise) return sample.then(perOperation);
  return perOperation(sample);
}

function perOperation(sample: { readonly ops: number; readonly ms: number }): object {
  return { overriddenDuration: sample.ms / sample.ops, overriddenIterationCost: sample.ms };
}

function nsOf(times: ReadonlyMap<string, number>, name: string): number {
  const ns = times.get(name);
  if (ns === undefined) throw new Error(`no case ${name} in the group`);
  return ns;
}
