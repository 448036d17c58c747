/** Who or what an id stands for. */
export interface Entry {
  id: string;
  /** Display name; lookups ignore its case. */
  name: string;
}

/**
 * Ids and names of users or games: some stored, and a range of any length that is computed, so that a million cost
 * nothing: index `i` has the id `base + i` and the name `prefix + i`.
 */
export class Directory {
  readonly #base: number;
  readonly #prefix: string;
  readonly #stored = new Map<string, string>();
  readonly #idByName = new Map<string, string>();
  #computed = 0;

  constructor(base: number, prefix: string) {
    this.#base = base;
    this.#prefix = prefix;
  }

  get size(): number {
    let size = this.#computed;
    for (const id of this.#stored.keys()) if (this.#indexOf(id) === undefined) size++;
    return size;
  }

  /** How many ids the computed range holds from now on. */
  populate(count: number): void {
    this.#computed = count;
  }

  /** Ids of the computed range, in order. */
  ids(from = 0, count = this.#computed - from): string[] {
    const length = Math.max(0, Math.min(count, this.#computed - from));
    return Array.from({ length }, (_, i) => String(this.#base + from + i));
  }

  stored(): string[] {
    return [...this.#stored.keys()];
  }

  /** Adds an entry, or renames the one that has this id. */
  set(id: string, name: string): Entry {
    const before = this.#stored.get(id);
    if (before !== undefined && this.#idByName.get(before.toLowerCase()) === id) {
      this.#idByName.delete(before.toLowerCase());
    }
    this.#stored.set(id, name);
    this.#idByName.set(name.toLowerCase(), id);
    return { id, name };
  }

  get(id: string): Entry | undefined {
    const name = this.#stored.get(id);
    if (name !== undefined) return { id, name };
    const index = this.#indexOf(id);
    return index === undefined ? undefined : { id, name: this.#prefix + index };
  }

  find(name: string): Entry | undefined {
    const wanted = name.toLowerCase();
    const id = this.#idByName.get(wanted) ?? this.#idOf(wanted);
    return id === undefined ? undefined : this.get(id);
  }

  #indexOf(id: string): number | undefined {
    const index = Number(id) - this.#base;
    const known = Number.isInteger(index) && index >= 0 && index < this.#computed && String(this.#base + index) === id;
    return known ? index : undefined;
  }

  #idOf(name: string): string | undefined {
    const prefix = this.#prefix.toLowerCase();
    const digits = name.slice(prefix.length);
    if (!name.startsWith(prefix) || !/^(0|[1-9]\d*)$/.test(digits)) return undefined;
    const id = String(this.#base + Number(digits));
    return this.#indexOf(id) !== undefined && !this.#stored.has(id) ? id : undefined;
  }
}
