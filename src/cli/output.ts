import { EXIT } from './errors.ts';

/** Where a command's words go: its answer to standard output, everything else to standard error. */
export class Output {
  readonly json: boolean;

  constructor(json: boolean) {
    this.json = json;
  }

  /** The answer: `words` for people, or with `--json` the value alone. Returns the exit code of a command that is done. */
  answer(words: string, value: unknown): number {
    process.stdout.write(this.json ? `${JSON.stringify(value)}\n` : `${words}\n`);
    return EXIT.ok;
  }

  /** Something to know on the way; never part of what another program reads. */
  note(words: string): void {
    process.stderr.write(`${words}\n`);
  }
}
