/** Every incident of data/incidents.json is shown by a test that exists, or says why the model cannot show it. */
import { existsSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { packagePath } from "#dmasim/base/package_root.js";

interface Incident {
  readonly id: string;
  readonly class: string;
  readonly source: string;
  readonly given: string;
  readonly expect: string;
  /** `name`: words of the test's title, when it is not the incident's id; `limits`: what of the symptom it does not show. */
  readonly shown?: { readonly test: string; readonly name?: string; readonly limits?: string };
  readonly absent?: string;
}

const { cases } = JSON.parse(readFileSync(packagePath("data", "incidents.json"), "utf8")) as { cases: Incident[] };
/** Classes whose incidents the model has to show. */
const SHOWN_CLASSES: ReadonlySet<string> = new Set(["p2p", "bar", "pmem"]);

describe("incidents", () => {
  it("are 50, each once", () => {
    expect(cases).toHaveLength(50);
    expect(new Set(cases.map(({ id }) => id)).size).toBe(50);
  });

  it.each(cases.map((incident) => [incident.id, incident] as const))("%s", (id, incident) => {
    for (const text of [incident.source, incident.given, incident.expect]) expect(text.length).toBeGreaterThan(10);
    const { shown, absent } = incident;
    if (shown === undefined) {
      expect(SHOWN_CLASSES.has(incident.class)).toBe(false);
      expect(absent?.length).toBeGreaterThan(30);
      return;
    }
    expect(absent).toBeUndefined();
    expect(existsSync(packagePath(...shown.test.split("/")))).toBe(true);
    expect(readFileSync(packagePath(...shown.test.split("/")), "utf8")).toContain(shown.name ?? id);
  });
});
