/**
 * The PCIe tree that a case describes in words.
 *
 * ```
 * rc0 ─ rp0 ─ switch ─┬ downstream ─ provider        "below two downstream ports of one switch"
 *                     └ downstream ─ client
 * ```
 * Two questions decide the tree: what provider and client share, and how many switches each has below that.
 */
import type { PortNode } from "../../pcie/topology.ts";

/** Where both devices sit; a null port = not a PCI device. */
export interface PeerTree {
  readonly ports: readonly PortNode[];
  readonly providerPort: string;
  readonly clientPort: string | null;
  /** Client and provider are one device. */
  readonly isSelf: boolean;
}

type Shared = "device" | "port" | "switch" | "host bridge" | "nothing";

const SHARED: readonly (readonly [RegExp, Shared])[] = [
  [/functions? of|multi-?function/, "port"],
  [/itself|own bar|same device|one device/, "device"],
  [
    /(two|different|separate|distinct|other|another|second) (pcie? )?(host bridges?|root complex(es)?|sockets?|domains?)/,
    "nothing",
  ],
  [/(two|different|separate|distinct) downstream ports/, "switch"],
  [/(same|one) (downstream port|root port|port)\b/, "port"],
  [
    /(two|different|separate|distinct) root ports|(another|other|own) root port|directly \w+ (a|the|its) root port/,
    "host bridge",
  ],
  [/(two|different|separate|own) (different |separate |pcie? )?switch(es)?/, "host bridge"],
  [/switch/, "switch"],
];
const NO_ACS = /(?:,|;|\band\b)?\s*(?:no|without)(?: any)? acs[^,;.]*/g;
const ACS_CLAUSE = /([^,;.]*)\bacs\b([^,;.]*)/g;
const HARMLESS_ACS =
  /source validation|translation blocking|upstream forwarding|direct translated|off\b|clear|disabled|not set/;
const REDIRECTS = /redirect|egress|(?<!\w)(rr|cr|ec)\b/;

/** Builds the tree; `rootIds` are the root devices of the provider's and the client's host bridge. */
export function peerTree(words: string, rootIds: readonly [string | null, string | null]): PeerTree {
  const text = words.toLowerCase();
  const shared = sharedIn(text);
  const separate = shared === "nothing";
  const ports: PortNode[] = [rootComplex("rc0", rootIds[0]), rootPort("rp0", "rc0")];
  if (separate) ports.push(rootComplex("rc1", rootIds[1]));
  const atRoot = separate || shared === "host bridge";
  if (atRoot) ports.push(rootPort("rp1", separate ? "rc1" : "rc0"));
  const place = atRoot || shared === "switch" ? placeApart : placeTogether;
  const [providerPort, clientPort] = place(ports, text, atRoot);
  const isPci = !/not (a )?pci|non-?pci|platform device|no pci/.test(text);
  return {
    ports: withRedirects(ports, text, providerPort, clientPort),
    providerPort,
    clientPort: isPci ? clientPort : null,
    isSelf: shared === "device",
  };
}

/** The text of `base` with the changes of `text`, which says "same as ... but ..."; what base says of ACS is dropped if text speaks of it. */
export function variantOf(base: string, text: string): string {
  const changes = text.replace(/^.*?same as\s+\S+/i, "");
  const kept = /acs/i.test(changes) ? base.toLowerCase().replaceAll(NO_ACS, "") : base;
  return `${kept}; ${changes}`;
}

function sharedIn(text: string): Shared {
  return SHARED.find(([pattern]) => pattern.test(text))?.[1] ?? "host bridge";
}

/** Both directly below the same port: the root port, or a switch's downstream port where a switch is named. */
function placeTogether(ports: PortNode[], text: string): [string, string] {
  const port = /switch/.test(text) ? addSwitch(ports, "rp0", "sw0", 1) : "rp0";
  return [port, port];
}

/** Each below its own root port, or below its own downstream port of the shared switch; switches of their own in between. */
function placeApart(ports: PortNode[], text: string, atRoot: boolean): [string, string] {
  const [provider, client] = ownSwitches(text, atRoot);
  const shared = atRoot ? "" : addSwitch(ports, "rp0", "sw0", 2);
  const below = atRoot ? ["rp0", "rp1"] : [shared, "sw0-down1"];
  return [
    addChain(ports, below[0] as string, "provider-switch", provider),
    addChain(ports, below[1] as string, "client-switch", client),
  ];
}

/** Switches that only the provider, and only the client, sits below. */
function ownSwitches(text: string, atRoot: boolean): [number, number] {
  const clauses = /provider(?! and)(.*?)[,;]?\s*(?:and )?client(.*)/.exec(text);
  const nested = /nested|cascad|second-level|another switch|second switch|lower switch|two levels/;
  if (clauses !== null && !/provider and client/.test(text)) {
    const wanted = atRoot ? /switch/ : nested;
    return [wanted.test(clauses[1] ?? "") ? 1 : 0, wanted.test(clauses[2] ?? "") ? 1 : 0];
  }
  const both = (atRoot ? /switch/ : nested).test(text) || /two (different )?switches|different switches/.test(text);
  return both ? [1, 1] : [0, 0];
}

function addChain(ports: PortNode[], parent: string, name: string, switches: number): string {
  let port = parent;
  for (let i = 0; i < switches; i += 1) port = addSwitch(ports, port, `${name}${i}`, 1);
  return port;
}

/** An upstream port below `parent` and its downstream ports; name of the first of them. */
function addSwitch(ports: PortNode[], parent: string, name: string, downstream: number): string {
  ports.push({ name, kind: "switch-upstream", parent, acsRedirect: false, id: null });
  for (let i = 0; i < downstream; i += 1) {
    ports.push({ name: `${name}-down${i}`, kind: "switch-downstream", parent: name, acsRedirect: false, id: null });
  }
  return `${name}-down0`;
}

/** Sets ACS redirection where the text says so; the provider's port when it names no other. */
function withRedirects(ports: readonly PortNode[], text: string, provider: string, client: string): PortNode[] {
  const redirected = new Set<string>();
  for (const [, before = "", after = ""] of text.replaceAll(NO_ACS, "").matchAll(ACS_CLAUSE)) {
    if (HARMLESS_ACS.test(after) && !REDIRECTS.test(after)) continue;
    for (const port of portsMeant(ports, before, provider, client)) redirected.add(port);
  }
  return ports.map((port) => ({ ...port, acsRedirect: redirected.has(port.name) }));
}

function portsMeant(ports: readonly PortNode[], words: string, provider: string, client: string): string[] {
  const ofKind = (kind: PortNode["kind"]) => ports.filter((port) => port.kind === kind).map((port) => port.name);
  if (/\b(all|every|each|both)\b/.test(words)) return ports.map((port) => port.name);
  if (/root port/.test(words)) return ofKind("root-port");
  if (/upstream/.test(words)) return ofKind("switch-upstream");
  return [/client/.test(words) ? client : provider];
}

function rootComplex(name: string, id: string | null): PortNode {
  return { name, kind: "root-complex", parent: null, acsRedirect: false, id };
}

function rootPort(name: string, parent: string): PortNode {
  return { name, kind: "root-port", parent, acsRedirect: false, id: null };
}
