import { condition } from '@temporalio/workflow';

/** Runs at most `limit` tasks at a time. After a task has failed, starting another or draining throws its error. */
export class Semaphore {
  readonly #limit: number;
  #active = 0;
  #failure: { error: unknown } | undefined;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** As many tasks run as may. */
  get full(): boolean {
    return this.#active >= this.#limit;
  }

  /** Waits until another task may run. */
  async free(): Promise<void> {
    await condition(() => !this.full || this.#failure !== undefined);
    this.#throwFailure();
  }

  /** Starts the task as soon as it may run; does not wait for its end. */
  async start(task: () => Promise<void>): Promise<void> {
    await condition(() => !this.full || this.#failure !== undefined);
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
