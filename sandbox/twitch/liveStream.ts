/** A stream on air. Never altered: a change gives the user a new object. */
export interface LiveStream {
  readonly id: string;
  readonly userId: string;
  readonly userLogin: string;
  readonly userName: string;
  /** Empty for a stream without a category. */
  readonly gameId: string;
  readonly gameName: string;
  readonly title: string;
  /** RFC 3339, UTC, whole seconds, as Twitch sends it. */
  readonly startedAt: string;
  readonly viewers: number;
  readonly language: string;
  readonly tags: readonly string[];
}

export interface GoLive {
  /** A user that the world does not know is added with the login `channel_<id>`. */
  userId: string;
  /** Default: none, an empty string. Need not be a game that exists. */
  gameId?: string;
  title?: string;
  /** Default: now. */
  startedAt?: Date | string;
  /** Default: a new one. */
  streamId?: string;
  viewers?: number;
  language?: string;
}

export interface StreamChange {
  title?: string;
  gameId?: string;
  login?: string;
  viewers?: number;
}
