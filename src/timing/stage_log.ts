/**
 * Where the time of one command goes: steps that follow one another, each a wait for a place and the service there.
 *
 * Those who advance the command's time write down each step as they take it. A step begins where the one before ended, so
 * their sum is the time from the log's start to the last end, whatever was written. Only followed commands have a log.
 */
/** One step; picoseconds. `phase` is what the command was about, `place` the resource it met there. */
export interface LogStep {
  readonly phase: string;
  readonly place: string;
  waitPs: number;
  servicePs: number;
}

/** Log of one command; times are picoseconds since the clock's epoch. */
export class StageLog {
  readonly steps: LogStep[] = [];
  /** What the command is about until this changes. */
  phase = "";
  /** End of the last step. */
  atPs: number;
  /** Of the quantum that comes next: its wait for memory and for a walker, known before it starts. */
  memoryWaitPs = 0;
  walkWaitPs = 0;
  /** Time that was inserted by {@link insert}: what others measured without it comes so much later. */
  #insertedPs = 0;

  constructor(startPs: number) {
    this.atPs = startPs;
  }

  /**
   * The command waited until `startPs` for `place`, which was done with it at `endPs`. Of a stage that overlaps the one before,
   * as those of a pipeline do, only what comes later counts.
   */
  step(place: string, startPs: number, endPs: number): void {
    const start = Math.max(startPs + this.#insertedPs, this.atPs);
    const end = Math.max(endPs + this.#insertedPs, start);
    this.#add(place, start - this.atPs, end - start);
    this.atPs = end;
  }

  /** The command did nothing but wait for `place` until `atPs`. */
  wait(place: string, atPs: number): void {
    this.step(place, atPs, atPs);
  }

  /** `place` served it until `endPs`, from where it was. */
  serve(place: string, endPs: number): void {
    this.step(place, this.atPs - this.#insertedPs, endPs);
  }

  /** Time that the model adds elsewhere, put where hardware spends it; steps that follow shift until {@link settle}. */
  insert(place: string, waitPs: number, servicePs: number): void {
    this.#add(place, waitPs, servicePs);
    this.atPs += waitPs + servicePs;
    this.#insertedPs += waitPs + servicePs;
  }

  /** From here on the given times contain what was inserted. */
  settle(): void {
    this.#insertedPs = 0;
  }

  /** Appends the steps of a log that began `overlapPs` before this one ends; what they did until then is not repeated. */
  append(other: StageLog, overlapPs: number): void {
    let leftPs = overlapPs;
    for (const { phase, place, waitPs, servicePs } of other.steps) {
      const waitedPs = Math.min(leftPs, waitPs);
      const servedPs = Math.min(leftPs - waitedPs, servicePs);
      leftPs -= waitedPs + servedPs;
      this.phase = phase;
      this.#add(place, waitPs - waitedPs, servicePs - servedPs);
    }
    this.atPs = Math.max(other.atPs, this.atPs);
  }

  rebase(shiftPs: number): void {
    this.atPs -= shiftPs;
  }

  #add(place: string, waitPs: number, servicePs: number): void {
    if (waitPs === 0 && servicePs === 0) return;
    const last = this.steps.at(-1);
    if (last !== undefined && last.phase === this.phase && last.place === place) {
      last.waitPs += waitPs;
      last.servicePs += servicePs;
    } else this.steps.push({ phase: this.phase, place, waitPs, servicePs });
  }
}
