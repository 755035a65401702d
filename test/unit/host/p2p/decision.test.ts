import { describe, expect, it } from "vitest";
import { PEER_ROUTE } from "#dmasim/host/context.js";
import { decidePeer } from "#dmasim/host/p2p/decision.js";
import { hostAllows, hostBridgeRule } from "#dmasim/host/p2p/host_bridges.js";
import { peerKernelLines, peerReasonText, peerRemedyText } from "#dmasim/host/p2p/words.js";
import { type PortNode, Topology } from "#dmasim/pcie/topology.js";

const INTEL = { vendor: "intel", family: 6 };
const ZEN = { vendor: "amd", family: 0x17 };

interface Acs {
  readonly redirect?: readonly string[];
  readonly translated?: readonly string[];
}

/** rc0 ─ rp0 ─ sw0 ─ dn0, dn1 ─ inner (below dn1) ─ in0; rc0 ─ rp1; rc1 ─ rp2. */
function tree({ redirect = [], translated = [] }: Acs = {}, ids = ["8086:09a2", "8086:09a2"]): Topology {
  const port = (name: string, kind: PortNode["kind"], parent: string | null, id: string | null = null): PortNode => ({
    name,
    kind,
    parent,
    id,
    acsRedirect: redirect.includes(name),
    acsDirectTranslated: translated.includes(name),
  });
  return new Topology([
    port("rc0", "root-complex", null, ids[0] ?? null),
    port("rp0", "root-port", "rc0"),
    port("sw0", "switch-upstream", "rp0"),
    port("dn0", "switch-downstream", "sw0"),
    port("dn1", "switch-downstream", "sw0"),
    port("inner", "switch-upstream", "dn1"),
    port("in0", "switch-downstream", "inner"),
    port("rp1", "root-port", "rc0"),
    port("rc1", "root-complex", null, ids[1] ?? null),
    port("rp2", "root-port", "rc1"),
  ]);
}

function decide(topology: Topology, from: string | null, to: string, cpu = INTEL, sendsTranslated = false) {
  return decidePeer(topology, cpu, { port: to, device: 0 }, { port: from, device: 1, sendsTranslated });
}

describe("calc_map_type_and_dist", () => {
  it.each([
    ["dn1", "dn0", 4, "below sw0"],
    ["in0", "dn0", 6, "below sw0"],
    ["dn0", "dn0", 2, "below dn0"],
  ])("bus addresses below a common bridge: %s to %s", (from, to, distance, words) => {
    const decision = decide(tree(), from, to);
    expect(decision).toMatchObject({ route: PEER_ROUTE.busAddr, distance, hops: distance, reason: "below-bridge" });
    expect(peerReasonText(decision)).toContain(words);
    expect(peerRemedyText(decision)).toBeNull();
    expect(peerKernelLines(decision, "0000:01:00.0")).toEqual([]);
  });

  it("a device's own BAR, and a client that is no PCI device", () => {
    const own = decidePeer(tree(), INTEL, { port: "dn0", device: 7 }, { port: "dn0", device: 7 });
    expect(own).toMatchObject({ route: PEER_ROUTE.busAddr, distance: 0, reason: "own-bar" });
    expect(decide(tree(), null, "dn0")).toMatchObject({ route: PEER_ROUTE.notSupported, distance: -1, hops: -1 });
  });

  it("a redirect on either path counts, one above the common bridge does not", () => {
    for (const name of ["dn0", "dn1", "sw0"]) {
      const decision = decide(tree({ redirect: [name] }), "dn1", "dn0");
      expect(decision.redirecting.map((port) => port.name)).toEqual([name]);
      expect(decision).toMatchObject({ route: PEER_ROUTE.throughHostBridge, distance: 4, reason: "redirect" });
    }
    expect(decide(tree({ redirect: ["rp0"] }), "dn1", "dn0").route).toBe(PEER_ROUTE.busAddr);
  });

  it("refused: distance -1, the ports to clear, the kernel's lines", () => {
    const decision = decide(tree({ redirect: ["dn0", "dn1"] }, ["8086:1234"]), "dn1", "dn0");
    expect(decision).toMatchObject({ route: PEER_ROUTE.notSupported, distance: -1, hops: 4 });
    expect(peerReasonText(decision)).toBe(
      "ACS redirects at dn0, dn1 below sw0, and host bridge rc0 (8086:1234) is not on the list",
    );
    expect(peerRemedyText(decision)).toContain("pci=disable_acs_redir=dn0;dn1");
    expect(peerKernelLines(decision, "0000:03:00.0")).toEqual([
      "ACS redirect is set between the client and provider (0000:03:00.0)",
      "to disable ACS redirect for this path, add the kernel parameter: pci=disable_acs_redir=dn0;dn1",
      expect.stringContaining("do not share an upstream bridge or whitelisted host bridge"),
    ]);
  });

  it("across root ports and root complexes the hosts decide", () => {
    expect(decide(tree(), "rp1", "dn0")).toMatchObject({ route: PEER_ROUTE.throughHostBridge, common: null, hops: 6 });
    expect(decide(tree(), "rp2", "rp1")).toMatchObject({ route: PEER_ROUTE.throughHostBridge, hops: 4 });
    const sameOnly = tree({}, ["8086:2f00", "8086:2f00"]);
    expect(decide(sameOnly, "rp1", "dn0").route).toBe(PEER_ROUTE.throughHostBridge);
    expect(decide(sameOnly, "rp2", "dn0").route).toBe(PEER_ROUTE.notSupported);
    expect(decide(tree({}, ["1234:0001", "1234:0001"]), "rp2", "dn0", ZEN).allowance).toBe("cpu");
  });
});

describe("ACS Direct Translated P2P", () => {
  const both = ["dn0", "dn1"];

  it("lets translated requests of a client with ATS pass, the kernel's decision stays", () => {
    const decision = decide(tree({ redirect: both, translated: both }), "dn1", "dn0", INTEL, true);
    expect(decision).toMatchObject({ route: PEER_ROUTE.throughHostBridge, passesRedirect: true });
    expect(peerReasonText(decision)).toContain("translated requests (ATS) pass it");
  });

  it.each([
    ["a client without ATS", both, false, INTEL, ["8086:09a2"]],
    ["a port without the bit", ["dn0"], true, INTEL, ["8086:09a2"]],
    ["a host that does not allow: nothing is mapped", both, true, INTEL, ["8086:1234"]],
  ])("not for %s", (_what, translated, ats, cpu, ids) => {
    const decision = decide(tree({ redirect: both, translated }, ids), "dn1", "dn0", cpu, ats);
    expect(decision.passesRedirect).toBe(false);
  });
});

it("host bridges by id", () => {
  const root = (name: string, id: string | null): PortNode => ({
    name,
    kind: "root-complex",
    parent: null,
    id,
    acsRedirect: false,
  });
  expect(hostAllows(INTEL, root("a", "1ae0:1234"), root("b", "8086:2030"))).toBe("host-bridge");
  expect(hostAllows(INTEL, root("a", null), root("a", null))).toBeNull();
  expect(["8086:2f01", "8086:2033", null].map(hostBridgeRule)).toEqual([
    "on the list within itself",
    "on the list",
    "not on the list",
  ]);
});
