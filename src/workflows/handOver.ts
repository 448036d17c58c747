import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import { condition, getExternalWorkflowHandle, ParentClosePolicy, startChild } from '@temporalio/workflow';
import { DELIVERY_CHARACTERS, GATHER_MS, MESSAGE_CHARACTERS } from '../poll/limits.ts';
import type { Claimed } from '../poll/steps.ts';
import type { DeliverInput, deliverStreams } from './deliverStreams.ts';
import { HAND_OVER_SIGNAL } from './deliverStreams.ts';
import type { Delivery, Resume } from './input.ts';
import { summarizeEvents } from './summaries.ts';

/**
 * Gathers what the broker did not take, and hands it to the poll's delivery, a workflow that goes on when the poll has
 * ended. Gathered, so that a long outage costs a few activities a minute, however many streams go live.
 */
export class HandOver {
  readonly #state: Resume;
  readonly #waiting: { claim: Claimed; characters: number }[] = [];
  #closed = false;

  constructor(state: Resume) {
    this.#state = state;
  }

  add(claim: Claimed): void {
    this.#waiting.push({ claim, characters: JSON.stringify(claim).length });
  }

  /** No more will come: what is left goes to the delivery at once, and `run` ends. */
  close(): void {
    this.#closed = true;
  }

  async run(): Promise<void> {
    const isFull = () => this.#waiting.reduce((sum, { characters }) => sum + characters, 0) >= MESSAGE_CHARACTERS;
    for (;;) {
      await condition(() => this.#closed || this.#waiting.length > 0);
      if (this.#waiting.length === 0) return;
      if (!this.#closed && !isFull()) await condition(() => this.#closed || isFull(), GATHER_MS);
      const claims: Claimed[] = [];
      let characters = 0;
      for (const next of [...this.#waiting]) {
        if (claims.length > 0 && characters + next.characters > MESSAGE_CHARACTERS) break;
        this.#waiting.shift();
        claims.push(next.claim);
        characters += next.characters;
      }
      await this.#deliver(claims, characters);
    }
  }

  async #deliver(claims: Claimed[], characters: number): Promise<void> {
    this.#state.delivery ??= { no: 0, characters: 0 };
    const delivery = this.#state.delivery;
    const goToNext = () => Object.assign(delivery, { no: delivery.no + 1, characters: 0 });
    if (delivery.characters > 0 && delivery.characters + characters > DELIVERY_CHARACTERS) goToNext();
    // One that runs and takes no signal takes none later either.
    while (!(await this.#reach(delivery, claims))) goToNext();
    delivery.characters += characters;
  }

  /** Begins the delivery with the claims, or tells them to it while it runs. */
  async #reach({ no, characters }: Delivery, claims: Claimed[]): Promise<boolean> {
    const { poll } = this.#state;
    const workflowId = no === 0 ? `deliver:${poll.id}` : `deliver:${poll.id}+${no}`;
    if (characters > 0 && (await tell(workflowId, claims))) return true;
    // It has not been begun, or it has ended, or a poll that was reset has begun it before.
    return (await begin(workflowId, { poll, claims })) || tell(workflowId, claims);
  }
}

/** Starts a delivery. Returns false when one of this id runs already. */
export async function begin(workflowId: string, input: DeliverInput): Promise<boolean> {
  const events = input.claims ? input.claims.flatMap((claim) => claim.events) : input.events;
  try {
    await startChild<typeof deliverStreams>('deliverStreams', {
      args: [input],
      workflowId,
      parentClosePolicy: ParentClosePolicy.ABANDON,
      staticSummary: summarizeEvents(events),
    });
    return true;
  } catch (error) {
    if (error instanceof WorkflowExecutionAlreadyStartedError) return false;
    throw error;
  }
}

/** Tells more to a delivery. Returns false when it has ended, or takes no more. */
async function tell(workflowId: string, claims: Claimed[]): Promise<boolean> {
  try {
    await getExternalWorkflowHandle(workflowId).signal(HAND_OVER_SIGNAL, claims);
    return true;
  } catch {
    // Whatever the reason is, it has not arrived: the claims go to another delivery.
    return false;
  }
}
