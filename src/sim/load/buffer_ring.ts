/** Buffers that commands take in turn, so that what arrived stays where it is until the ring comes round. */

/** One clone's ring; has at least twice as many places as commands can be in flight. */
export class BufferRing {
  readonly #placeOf: Int32Array;
  readonly #taken: Uint8Array;
  #next = 0;

  constructor(places: number, tags: number) {
    this.#placeOf = new Int32Array(tags).fill(-1);
    this.#taken = new Uint8Array(places);
  }

  /** The next place whose last command is not that of another tag, which may still be in flight. */
  take(tag: number): number {
    const before = this.#placeOf[tag] as number;
    if (before >= 0) this.#taken[before] = 0;
    while (this.#taken[this.#next] === 1) this.#step();
    const place = this.#next;
    this.#taken[place] = 1;
    this.#placeOf[tag] = place;
    this.#step();
    return place;
  }

  /** Place of the command of `tag`; -1 before its first. */
  placeOf(tag: number): number {
    return this.#placeOf[tag] as number;
  }

  #step(): void {
    this.#next = this.#next + 1 === this.#taken.length ? 0 : this.#next + 1;
  }
}
