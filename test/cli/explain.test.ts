import { describe, expect, it } from "vitest";
import type { Explanation } from "#dmasim/sim/explain/result.js";
import { dmasim } from "../support/cli.js";

describe("dmasim explain", () => {
  it("draws a median and a p99 I/O, and says what limits the run", () => {
    const { code, stdout, stderr } = dmasim(["explain", "rand-read-4k", "--limit-ios", "400"]);
    expect(stderr).toBe("");
    expect(code).toBe(0);
    for (const text of ["LIMITED BY", "limits next", "one I/O waits", "MEDIAN READ", "P99 READ", "p99 - median"]) {
      expect(stdout).toContain(text);
    }
    for (const stage of "map bounce submit doorbell fetch media link walk memory completion unmap".split(" ")) {
      expect(stdout).toMatch(new RegExp(`^ ${stage} `, "m"));
    }
    expect(stdout.match(/^ sum .*100 %$/gm)).toHaveLength(2);
  });

  it("--json: the explanation and nothing else; steps sum to the latency", () => {
    const args = ["explain", "mixed-70-30", "--limit-ios", "300", "--set", "iommu.mode=lazy", "--json", "-"];
    const { code, stdout } = dmasim(args);
    expect(code).toBe(0);
    const found = JSON.parse(stdout) as Explanation;
    expect(found.schema).toBe("dmasim/explain@1");
    expect(found.run.machine.iommu).toBe("lazy");
    for (const io of found.transfers) {
      const sum = io.steps.reduce((all, { wait_ns, service_ns }) => all + wait_ns + service_ns, 0);
      expect(Math.abs(sum - io.latency_ns)).toBeLessThan(1e-3);
    }
  });

  it("--job chooses; an unknown one is wrong use", () => {
    expect(dmasim(["explain", "demo", "--job", "bounce", "--limit-ios", "100"]).stdout).toMatch(
      /^ bounce +bounce copy/m,
    );
    const { code, stderr } = dmasim(["explain", "demo", "--job", "bonce"]);
    expect(code).toBe(2);
    expect(stderr).toContain('did you mean "bounce"?');
  });
});
