/** Why a message is not confirmed; `late`: the caller's right to send it had run out. */
export const FAILURE_REASONS = [
  'nacked',
  'returned',
  'timeout',
  'closed',
  'blocked',
  'unavailable',
  'misconfigured',
  'late',
] as const;
export type FailureReason = (typeof FAILURE_REASONS)[number];

export interface Failure {
  reason: FailureReason;
  message: string;
}

/** How one attempt to bring a message to the broker ended. */
export interface PublishOutcome {
  result: 'confirmed' | FailureReason;
  /** From sending it to the broker's answer; absent when it was not sent, or not answered. */
  ms?: number;
}

/** Is told what becomes of messages and connections. What it throws is ignored. */
export interface PublisherObserver {
  onOutcome?: (outcome: PublishOutcome) => void;
  /** A connection is ready: the first one, or one more after a loss. */
  onConnected?: () => void;
}
