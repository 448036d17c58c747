import type { TwitchError } from './errors.ts';

export const HELIX_ENDPOINTS = ['streams', 'users', 'games'] as const;
export type HelixEndpoint = (typeof HELIX_ENDPOINTS)[number];

/** How one request to Helix ended: with an HTTP status, or without a whole answer. */
export interface HelixResult {
  endpoint: HelixEndpoint;
  status: number | 'network' | 'timeout' | 'too_large' | 'cancelled';
  /** From the request's start to its last byte, without the wait for its turn. */
  ms: number;
}

export const TOKEN_ENDPOINTS = ['token', 'validate'] as const;
export const TOKEN_RESULTS = ['ok', 'refused', 'failed'] as const;

/** How one request about the app access token ended; `refused`: Twitch says that credentials or token are not valid. */
export interface TokenResult {
  endpoint: (typeof TOKEN_ENDPOINTS)[number];
  result: (typeof TOKEN_RESULTS)[number];
}

/** Is told of every request when it has ended. What it throws is ignored. */
export interface TwitchObserver {
  onHelix?: (result: HelixResult) => void;
  onToken?: (result: TokenResult) => void;
}

/** How a request ended that threw. */
export function statusOf(error: TwitchError | undefined): HelixResult['status'] {
  if (!error) return 'cancelled';
  if (error.kind === 'too_large') return 'too_large';
  const { name, code } = error.cause as NodeJS.ErrnoException;
  return name === 'TimeoutError' || /TIME(D)?OUT$/.test(code ?? '') ? 'timeout' : 'network';
}
