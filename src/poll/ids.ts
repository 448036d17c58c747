/**
 * What is taken for an id of Twitch's. Ids are opaque (Twitch does not promise digits), but they go into keys, an index, an
 * AMQP message id (255 bytes), headers, query strings and logs: 1 to 64 visible ASCII characters.
 */
export const ID = /^[\x21-\x7e]{1,64}$/;
/** What may be named as a target: its id goes into keys and URLs. */
export const TARGET_ID = /^[\w-]{1,64}$/;
/** A login name of Twitch's. */
export const LOGIN = /^\w{1,25}$/;
/** The address of a channel, as it is copied from a browser; its first group is the login. */
export const CHANNEL_URL = /^(?:https?:\/\/)?(?:(?:www|m)\.)?twitch\.tv\/(\w{1,25})\/?(?:\?.*)?$/i;
/** What ids are in practice: one that is no number makes Twitch refuse the request, and a word is mostly a name. */
export const NUMERIC_ID = /^\d{1,64}$/;
