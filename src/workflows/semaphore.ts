import { condition } from '@temporalio/workflow';

/** Runs at most `limit` tasks at a time. After a task has failed, starting another or draining throws its error. */
export class Semaphore {
  readonly #limit: number;
  #active = 0;
  #failure: { error: unknown } | undefined;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** All lanes are taken. */
  get full(): boolean {
    return this.#active >= this.#limit;
  }

  /** Waits for a free lane. */
  async free(): Promise<void> {
    await condition(() => !this.full || this.#failure !== undefined);
    this.#throwFailure();
  }

  /** Waits for a free lane and starts the task in it; does not wait for the task. */
  async start(task: () => Promise<void>): Promise<void> {
    await condition(() => this.#active < this.#limit || this.#failure !== undefined);
    this.#throwFailure();
    this.#active += 1;
    void task()
      .catch((error: unknown) => {
        this.#failure ??= { error };
      })
      .finally(() => {
        this.#active -= 1;
      });
  }

  /** Waits until no task runs. */
  async drain(): Promise<void> {
    await condition(() => this.#active === 0);
    this.#throwFailure();
  }

  #throwFailure(): void {
    if (this.#failure) throw this.#failure.error;
  }
}
