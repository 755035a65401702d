/**
 * A device function on its link: when each quantum of a transfer passes engine, tags, wire, root complex and memory.
 *
 * A quantum is at most one MRRS. Stages that a quantum passes are reserved in order of issue (the wire at the time at which it
 * would pass without stall), what stalls one quantum delays its own end: completions of other reads overtake it,
 * posted writes behind it do not.
 */
import { completionOverheadBytes, requestOverheadBytes, tlpBytesPerS } from "../../pcie/link.ts";
import { type Burst, RateServer, Server, type ServerStats, startBurst } from "../server.ts";
import type { StageLog } from "../stage_log.ts";
import { type HostPort, PortQueue } from "./host_port.ts";
import { issuePs } from "./issue.ts";
import type { FunctionShape, WayShape } from "./shape.ts";
import { TagPool } from "./tag_pool.ts";
import { climb, descend, type SharedLink } from "./uplinks.ts";

const PS_PER_S = 1e12;
const RCB_BYTES = 64;
/** Places of a log that have no server of this file. */
const WALKERS = "IOTLB walk";
const MEMORY = "memory";
const PEER_MEMORY = "peer memory";
const SWITCHES = "switches";

/** What a quantum meets behind the link: made once, set for each quantum. */
export interface Target {
  /** Time until the address is translated, from its arrival at the root complex. */
  translatePs: number;
  /** Latency of the memory itself. */
  memoryPs: number;
  /** Function whose BAR it is; null = memory of the host. */
  peer: DeviceFunction | null;
  /** The way to a peer leads over the root complex. */
  viaRoot: boolean;
  /** Uplinks that a way below a common switch crosses: own ones up, the peer's down. Nearest first. */
  ownLinks: number;
  peerLinks: number;
}

/** Servers of one function. Engine, tags and link belong to it, whatever its queue count. */
export class DeviceFunction {
  readonly up: RateServer;
  readonly down: RateServer;
  readonly tags: TagPool;
  readonly shape: FunctionShape;
  readonly way: WayShape;
  /** When the DMA block takes the next read, the next write. */
  readFreePs = 0;
  writeFreePs = 0;
  /** When the last write had left the device: posted, so that the device is done with it. */
  sentPs = 0;
  /** Log of the command whose quantum is next, when somebody follows it. */
  log: StageLog | null = null;
  readonly #reader: Server;
  readonly #writer: Server;
  readonly #mpsBytes: number;
  readonly #mrrsBytes: number;
  readonly #rcbBytes: number;
  /** Wire bytes of a request, and of a completion, besides the data. */
  readonly #requestBytes: number;
  readonly #completionBytes: number;
  readonly #posted: TagPool;
  readonly #port: HostPort;
  readonly #portQueue: PortQueue;
  /** A request, and a byte, on the wire. */
  readonly #requestPs: number;
  readonly #bytePs: number;
  readonly #hopsPs: number;
  /** Links between this one and the root complex, from the device up. */
  readonly #uplinks: readonly SharedLink[];
  /** What is on its way. */
  readonly #burst: Burst = { bytes: 0, pieces: 1, leadPs: 0 };
  /** Time on the wire of a full queue of posted TLPs. */
  readonly #queuedPs: number;

  constructor(name: string, shape: FunctionShape, way: WayShape, port: HostPort, uplinks: readonly SharedLink[] = []) {
    this.#uplinks = uplinks;
    this.shape = shape;
    this.way = way;
    const rate = tlpBytesPerS(way.link);
    this.up = new RateServer(`${name} link up`, "link", rate);
    this.down = new RateServer(`${name} link down`, "link", rate);
    this.tags = new TagPool(`${name} tags`, "tags", shape.tags);
    this.#mpsBytes = way.link.mpsBytes;
    this.#mrrsBytes = way.link.mrrsBytes;
    this.#rcbBytes = way.link.rcbBytes ?? RCB_BYTES;
    this.#requestBytes = requestOverheadBytes(way.link);
    this.#completionBytes = completionOverheadBytes(way.link);
    this.#reader = new Server(`${name} read engine`, "device");
    this.#writer = new Server(`${name} write engine`, "device");
    this.#posted = new TagPool(`${name} posted credits`, "credits", way.postedHeaders);
    this.#port = port;
    this.#portQueue = new PortQueue(port);
    this.#hopsPs = way.hops * way.hopPs;
    this.#bytePs = PS_PER_S / rate;
    this.#requestPs = Math.floor(this.#requestBytes * this.#bytePs);
    const tlpBytes = way.link.mpsBytes + this.#requestBytes;
    this.#queuedPs = Math.floor((way.postedHeaders * tlpBytes * PS_PER_S) / rate);
  }

  /**
   * A read of up to a page at `addr`, as requests of MRRS; returns when its data are in the device. `first` charges the command.
   * Sets {@link readFreePs}.
   */
  read(nowPs: number, addr: number, bytes: number, first: boolean, target: Target): number {
    const { shape } = this;
    const engineEndPs = this.#reader.serve(nowPs, issuePs(shape.read, addr, bytes, first));
    // Data that a read brings pass the path that writes use.
    if (shape.sharedBytePs > 0) this.#writer.serve(nowPs, Math.round(shape.sharedBytePs * bytes));
    const requests = Math.ceil(bytes / this.#mrrsBytes);
    const tagPs = this.tags.take(engineEndPs, requests);
    this.log?.step(this.#reader.name, this.#reader.startPs, engineEndPs);
    this.log?.wait(this.tags.name, tagPs);
    const sentPs =
      this.#sendUp(tagPs, startBurst(this.#burst, requests * this.#requestBytes, requests), target) -
      (requests - 1) * this.#requestPs;
    // Hardware translates on arrival; the model adds the same time to the completion.
    this.log?.insert(WALKERS, this.log.walkWaitPs, target.translatePs - this.log.walkWaitPs);
    const cutBytes = bytes < this.#port.shape.combineBytes ? this.#rcbBytes : this.#mpsBytes;
    const completions = Math.ceil(bytes / cutBytes);
    const wireBytes = bytes + this.#completionBytes * completions;
    const burst = startBurst(this.#burst, wireBytes, completions);
    const dataPs =
      target.peer === null ? this.#hostData(sentPs, bytes, target) : this.#peerData(target.peer, sentPs, burst, target);
    const wireEndPs = this.#sendDown(dataPs, burst, target);
    // Closed form of several requests: data flow as soon as the first is answered, the last one waited for the last tag.
    const stepPs = Math.floor((wireBytes * this.#bytePs) / requests);
    const arrivedPs = Math.max(wireEndPs, dataPs + this.tags.lastPs - tagPs + stepPs) + target.translatePs;
    this.log?.settle();
    this.log?.wait(this.tags.name, arrivedPs);
    this.tags.release(arrivedPs, requests, stepPs);
    this.readFreePs = Math.max(engineEndPs, this.tags.nextPs);
    return arrivedPs;
  }

  /** A posted write of up to a page; returns when memory has it, and sets {@link writeFreePs} and {@link sentPs}. */
  write(nowPs: number, addr: number, bytes: number, first: boolean, target: Target): number {
    const engineEndPs = this.#writer.serve(nowPs, issuePs(this.shape.write, addr, bytes, first));
    const tlps = Math.ceil(bytes / this.#mpsBytes);
    const creditPs = this.#posted.take(engineEndPs, tlps);
    const burst = startBurst(this.#burst, bytes + this.#requestBytes * tlps, tlps);
    // The first TLP leaves with the first credit, the last one waits for the last.
    burst.leadPs = this.#posted.lastPs - creditPs;
    this.sentPs = this.up.serveBurst(this.#posted.lastPs, burst);
    this.log?.step(this.#writer.name, this.#writer.startPs, engineEndPs);
    this.log?.wait(this.#posted.name, creditPs);
    this.log?.step(this.up.name, this.up.startPs, this.sentPs);
    // The function queues as many posted TLPs as its link has credits; requests wait behind them (PCIe ordering).
    this.writeFreePs = Math.max(engineEndPs, this.sentPs - this.#queuedPs);
    return target.peer === null ? this.#hostWrite(bytes, burst, target) : this.#peerWrite(target.peer, burst, target);
  }

  /** A small read beside the data: a command fetch. Returns when it has arrived. */
  controlRead(nowPs: number, bytes: number, target: Target): number {
    const sentPs = this.#sendUp(nowPs, startBurst(this.#burst, this.#requestBytes, 1), target);
    const dataPs = this.#hostData(sentPs, bytes, target);
    const arrivedPs = this.#sendDown(dataPs, startBurst(this.#burst, bytes + this.#completionBytes, 1), target);
    this.log?.serve(WALKERS, arrivedPs + target.translatePs);
    return arrivedPs + target.translatePs;
  }

  /** Small posted writes beside the data, `tlps` in a row: completion entry and message. Returns when memory has them. */
  controlWrite(nowPs: number, bytes: number, tlps: number, target: Target): number {
    const sentPs = this.#sendUp(nowPs, startBurst(this.#burst, bytes + tlps * this.#requestBytes, tlps), target);
    const orderedPs = this.#portQueue.commit(sentPs, sentPs + target.translatePs, bytes, target.memoryPs);
    this.log?.serve(WALKERS, sentPs + target.translatePs);
    this.log?.step(this.#port.name, orderedPs, orderedPs + this.#port.shape.writePs);
    return orderedPs + this.#port.shape.writePs;
  }

  /** TLPs of full size that the data link layer sends again: they take the wire, nothing else. */
  replay(nowPs: number, tlps: number, up: boolean): void {
    if (tlps === 0) return;
    const wire = up ? this.up : this.down;
    wire.serve(nowPs, tlps * (this.#mpsBytes + (up ? this.#requestBytes : this.#completionBytes)));
  }

  /** When the root complex has the data of a read that reached it at `sentPs`. */
  #hostData(sentPs: number, bytes: number, target: Target): number {
    const heldPs = this.#port.shape.readPs + target.memoryPs;
    const startPs = this.#portQueue.admitRead(sentPs, bytes, heldPs);
    const { log } = this;
    if (log !== null) {
      log.step(this.#port.name, startPs, startPs + this.#port.shape.readPs);
      log.step(MEMORY, startPs + this.#port.shape.readPs + log.memoryWaitPs, startPs + heldPs);
    }
    return startPs + heldPs;
  }

  #hostWrite(bytes: number, burst: Burst, target: Target): number {
    let arrivedPs = this.sentPs + this.#hopsPs;
    this.log?.serve(SWITCHES, arrivedPs);
    arrivedPs = climb(this.#uplinks, this.#uplinks.length, arrivedPs, burst, this.log);
    const orderedPs = this.#portQueue.commit(arrivedPs, arrivedPs + target.translatePs, bytes, target.memoryPs);
    this.#leave(arrivedPs, orderedPs, burst);
    const admittedPs = orderedPs + this.#port.shape.writePs;
    const { log } = this;
    if (log !== null) {
      log.step(WALKERS, arrivedPs + log.walkWaitPs, arrivedPs + target.translatePs);
      log.step(this.#port.name, orderedPs, admittedPs);
      log.step(MEMORY, admittedPs + log.memoryWaitPs, admittedPs + target.memoryPs);
    }
    return admittedPs + target.memoryPs;
  }

  #peerWrite(peer: DeviceFunction, burst: Burst, target: Target): number {
    let atPs = this.sentPs + this.#hopsPs;
    this.log?.serve(SWITCHES, atPs);
    atPs = target.viaRoot
      ? this.#throughRoot(atPs, burst)
      : climb(this.#uplinks, target.ownLinks, atPs, burst, this.log);
    atPs = descend(peer.#uplinks, peer.#peerLinks(target), atPs, burst, this.log);
    const arrivedPs = peer.down.serveBurst(atPs, burst);
    const endPs = arrivedPs + target.translatePs;
    this.#leave(arrivedPs, endPs, burst);
    const { log } = this;
    if (log !== null) {
      log.insert(WALKERS, log.walkWaitPs, target.translatePs - log.walkWaitPs);
      log.step(peer.down.name, peer.down.startPs, endPs - target.translatePs);
      log.settle();
      log.serve(PEER_MEMORY, endPs + target.memoryPs);
    }
    return endPs + target.memoryPs;
  }

  /** When a peer has sent the data of a read that reached it at `sentPs`. */
  #peerData(peer: DeviceFunction, sentPs: number, burst: Burst, target: Target): number {
    const endPs = peer.up.serveBurst(sentPs + target.memoryPs, burst);
    this.log?.serve(PEER_MEMORY, sentPs + target.memoryPs);
    this.log?.step(peer.up.name, peer.up.startPs, endPs);
    return climb(peer.#uplinks, peer.#peerLinks(target), endPs, burst, this.log);
  }

  #throughRoot(atPs: number, burst: Burst): number {
    const endPs = climb(this.#uplinks, this.#uplinks.length, atPs, burst, this.log);
    this.log?.serve(this.#port.name, endPs + this.#port.shape.peerPs);
    return endPs + this.#port.shape.peerPs;
  }

  /** Over this function's link and, unless it stays below the switch, those above it. */
  #sendUp(nowPs: number, burst: Burst, target: Target): number {
    const wireEndPs = this.up.serveBurst(nowPs, burst);
    let atPs = wireEndPs + this.#hopsPs;
    this.log?.step(this.up.name, this.up.startPs, wireEndPs);
    this.log?.serve(SWITCHES, atPs);
    atPs = climb(this.#uplinks, this.#ownLinks(target), atPs, burst, this.log);
    if (!target.viaRoot) return atPs;
    this.log?.serve(this.#port.name, atPs + this.#port.shape.peerPs);
    return atPs + this.#port.shape.peerPs;
  }

  #sendDown(nowPs: number, burst: Burst, target: Target): number {
    const atPs = descend(this.#uplinks, this.#ownLinks(target), nowPs, burst, this.log);
    const wireEndPs = this.down.serveBurst(atPs, burst);
    this.log?.step(this.down.name, this.down.startPs, wireEndPs);
    this.log?.serve(SWITCHES, wireEndPs + this.#hopsPs);
    return wireEndPs + this.#hopsPs;
  }

  /** The receiver has passed on a burst that came until `arrivedPs`: one TLP after the other, at once when they were held back. */
  #leave(arrivedPs: number, endPs: number, burst: Burst): void {
    const stepPs = endPs > arrivedPs || burst.pieces === 1 ? 0 : Math.floor(burst.leadPs / (burst.pieces - 1));
    this.#posted.release(endPs, burst.pieces, stepPs);
  }

  /** Own uplinks on the way: all to the host, to a peer those below the common switch. */
  #ownLinks(target: Target): number {
    return target.peer === null || target.viaRoot ? this.#uplinks.length : target.ownLinks;
  }

  /**
   * The same of a peer that is the target. Beyond the root complex they are not charged: their completions come a round trip
   * later, and a server that is reserved in order of issue would make everything behind them wait as long.
   */
  #peerLinks(target: Target): number {
    return target.viaRoot ? 0 : target.peerLinks;
  }

  /** Latency of a transfer of `bytes` inside the device, beside what its quanta meet. */
  latencyPs(bytes: number): number {
    return this.shape.startPs + Math.round(this.shape.bytePs * bytes);
  }

  servers(): readonly ServerStats[] {
    return [this.#reader, this.#writer, this.up, this.down, this.tags, this.#posted];
  }

  rebase(shiftPs: number): void {
    for (const part of [this.up, this.down, this.tags, this.#reader, this.#writer, this.#posted, this.#portQueue])
      part.rebase(shiftPs);
    this.readFreePs -= shiftPs;
    this.writeFreePs -= shiftPs;
    this.sentPs -= shiftPs;
  }
}
