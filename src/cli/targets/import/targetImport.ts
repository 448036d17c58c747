import { readLines } from '../../../lib/readLines.ts';
import { IDS_PER_REQUEST, TARGET_KINDS, type TargetKind } from '../../../poll/model.ts';
import type { Targets } from '../../../storage/targets.ts';
import type { LookUp } from '../lookUp.ts';
import { type Entry, parseLine } from './line.ts';

/** Ids in one script call: the store's own limit for one. */
const IDS_PER_CALL = 5_000;
/** Bad lines that are kept to be shown; all are counted. */
const BAD_LINES_KEPT = 20;
const SHOWN_LENGTH = 60;

/** A line that was not imported. */
export interface BadLine {
  /** From 1. */
  line: number;
  /** Its beginning. */
  text: string;
  expected: string;
}

/** How far an import has come. An import that is run again adds only what is missing. */
export interface ImportProgress {
  bytes: number;
  lines: number;
  /** Good lines by kind, repeated ones included. */
  good: Record<TargetKind, number>;
  /** Targets that were new. */
  added: Record<TargetKind, number>;
  /** The first ones. */
  bad: BadLine[];
  badCount: number;
}

export interface ImportOptions {
  input: AsyncIterable<Buffer>;
  /** Kind of ids without a prefix; default: user, or what a CSV header says. */
  kind?: TargetKind | undefined;
  /** Undefined: nothing is stored and no name is looked up. */
  store?: { targets: Pick<Targets, 'add'>; lookUp: Pick<LookUp, 'ids'> } | undefined;
  /** Called now and then. */
  onProgress?: (progress: ImportProgress) => void;
  /** Ends the import early; what has been read until then is stored. */
  signal?: AbortSignal;
}

interface PendingName {
  line: number;
  name: string;
}

/** Reads targets from a stream of lines (see `parseLine`) and adds them, in bounded memory whatever the stream's length. */
export class TargetImport {
  readonly progress: ImportProgress = {
    bytes: 0,
    lines: 0,
    good: { user: 0, game: 0 },
    added: { user: 0, game: 0 },
    bad: [],
    badCount: 0,
  };
  readonly #options: ImportOptions;
  readonly #ids: Record<TargetKind, string[]> = { user: [], game: [] };
  readonly #names: Record<TargetKind, PendingName[]> = { user: [], game: [] };
  #kind: TargetKind;
  #sawText = false;

  constructor(options: ImportOptions) {
    this.#options = options;
    this.#kind = options.kind ?? 'user';
  }

  /** @throws what reading, the store or Twitch throws; `progress` then tells what was stored until then */
  async run(): Promise<ImportProgress> {
    const { signal } = this.#options;
    try {
      await this.#readAll();
      if (!signal?.aborted) await this.#resolve();
    } catch (error) {
      // Ending a stream early is an error to whoever reads it.
      if (!signal?.aborted) throw error;
    } finally {
      await this.#store();
    }
    return this.progress;
  }

  async #readAll(): Promise<void> {
    const { input, signal, onProgress } = this.#options;
    for await (const { lines, bytes } of readLines(input)) {
      for (const line of lines) await this.#take(line);
      this.progress.bytes = bytes;
      onProgress?.(this.progress);
      if (signal?.aborted) return;
    }
  }

  async #take(line: string): Promise<void> {
    this.progress.lines += 1;
    const parsed = parseLine(line, this.#kind, !this.#sawText);
    if (parsed.type === 'bad') {
      this.#sawText = true;
      this.#noteBad(this.progress.lines, line, parsed.expected);
    } else if (parsed.type === 'entry') {
      this.#sawText = true;
      await this.#add(parsed.entry);
    } else if (parsed.headerKind && !this.#options.kind) {
      this.#kind = parsed.headerKind;
    }
  }

  async #add(entry: Entry): Promise<void> {
    if ('id' in entry) return this.#addId(entry.kind, entry.id);
    const names = this.#names[entry.kind];
    names.push({ line: this.progress.lines, name: 'login' in entry ? entry.login : entry.name });
    if (names.length >= IDS_PER_REQUEST) await this.#resolve([entry.kind]);
  }

  async #addId(kind: TargetKind, id: string): Promise<void> {
    this.progress.good[kind] += 1;
    this.#ids[kind].push(id);
    if (this.#ids[kind].length >= IDS_PER_CALL) await this.#store([kind]);
  }

  async #resolve(kinds: readonly TargetKind[] = TARGET_KINDS): Promise<void> {
    for (const kind of kinds) {
      const pending = this.#names[kind];
      if (pending.length === 0) continue;
      this.#names[kind] = [];
      const { store, signal } = this.#options;
      if (!store) {
        this.progress.good[kind] += pending.length;
        continue;
      }
      const names = [...new Set(pending.map(({ name }) => name))];
      const found = await store.lookUp.ids(kind, names, signal);
      for (const { line, name } of pending) {
        const id = found.get(name.toLowerCase());
        if (id !== undefined) await this.#addId(kind, id);
        else this.#noteBad(line, name, `a ${kind === 'user' ? 'login' : 'game'} that Twitch knows`);
      }
    }
  }

  async #store(kinds: readonly TargetKind[] = TARGET_KINDS): Promise<void> {
    for (const kind of kinds) {
      const ids = this.#ids[kind];
      this.#ids[kind] = [];
      const { store } = this.#options;
      if (store && ids.length > 0) this.progress.added[kind] += await store.targets.add(kind, ids);
    }
  }

  #noteBad(line: number, text: string, expected: string): void {
    this.progress.badCount += 1;
    if (this.progress.bad.length >= BAD_LINES_KEPT) return;
    const shown = text.length > SHOWN_LENGTH ? `${text.slice(0, SHOWN_LENGTH)}…` : text;
    this.progress.bad.push({ line, text: shown, expected });
  }
}
