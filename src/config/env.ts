import { existsSync } from 'node:fs';
import { z } from 'zod';
import { TARGET_ID } from '../poll/ids.ts';
import { DEFAULT_INSTANCE, QUEUE_ENDINGS } from '../poll/names.ts';
import { Secret, secretUrl } from './secret.ts';

/** Splits a comma-separated list, dropping blanks and repeats. */
const idList = z
  .string()
  .default('')
  .transform((text) => [
    ...new Set(
      text
        .split(',')
        .map((id) => id.trim())
        .filter(Boolean),
    ),
  ])
  .refine((ids) => ids.every((id) => TARGET_ID.test(id)), {
    error:
      'expected ids separated by commas, for example 141981764,12826; names are looked up by ' +
      'npm run client -- targets add user --login NAME',
  });

function integer(min: number, max: number) {
  return z.coerce
    .number({ error: `expected a whole number from ${min} to ${max}` })
    .int({ error: `expected a whole number from ${min} to ${max}` })
    .min(min, { error: `expected a whole number from ${min} to ${max}` })
    .max(max, { error: `expected a whole number from ${min} to ${max}` });
}

function oneOf<const T extends readonly [string, ...string[]]>(values: T) {
  return z.enum(values, { error: `expected one of ${values.join(', ')}` });
}

function url(protocols: readonly string[], example: string) {
  const error = `expected a URL such as ${example}`;
  return z.string({ error: `is not set; ${error}` }).refine(
    (text) => {
      const parsed = URL.parse(text);
      return parsed !== null && protocols.includes(parsed.protocol) && parsed.hostname !== '';
    },
    { error },
  );
}

const reservedEndings = Object.values(QUEUE_ENDINGS);

const instance = z
  .string()
  .regex(/^[a-z\d][\w-]{0,39}$/i, {
    error: 'expected at most 40 letters, digits, "_" and "-", a letter or digit first',
  })
  .refine((name) => !reservedEndings.some((ending) => name === ending || name.endsWith(`-${ending}`)), {
    error: `expected a name that does not end in ${reservedEndings.join(' or ')}: task queues are called so`,
  });

/** An HTTP base URL without its trailing slash, so that paths can be appended. */
function baseUrl(fallback: string) {
  return url(['http:', 'https:'], fallback)
    .default(fallback)
    .transform((text) => text.replace(/\/+$/, ''));
}

/**
 * Every setting, its default and what it is for: the README's table is checked against this.
 * Temporal's own settings (`TEMPORAL_ADDRESS`, `TEMPORAL_NAMESPACE`, …) are read by `@temporalio/envconfig`.
 */
export const settingsSchema = z.object({
  INSTANCE: instance
    .default(DEFAULT_INSTANCE)
    .describe('Name of this installation, by which several keep apart in one Temporal namespace and store'),
  POLL_INTERVAL_SECONDS: integer(1, 86_400)
    .default(30)
    .describe("Seconds between two polls: the Temporal Schedule's interval"),
  TWITCH_CLIENT_ID: z
    .string({ error: 'is not set; expected the Client ID of your application at https://dev.twitch.tv/console/apps' })
    .regex(/^\w+$/, { error: 'expected letters and digits only, as shown at https://dev.twitch.tv/console/apps' })
    .describe("The Twitch application's Client ID"),
  TWITCH_CLIENT_SECRET: z
    .string({ error: 'is not set; expected the Client Secret of the same Twitch application' })
    .regex(/^\S+$/, { error: 'expected a secret without spaces' })
    .transform((text) => new Secret(text))
    .describe("The Twitch application's Client Secret"),
  DRAGONFLY_URL: url(['redis:', 'rediss:'], 'redis://localhost:6379')
    .transform(secretUrl)
    .describe('Dragonfly, Valkey or Redis: where targets and the live set are kept'),
  RABBITMQ_URL: url(['amqp:', 'amqps:'], 'amqp://guest:guest@localhost:5672')
    .transform(secretUrl)
    .describe('RabbitMQ, with its virtual host as the path'),
  TARGET_USER_IDS: idList.describe('Comma-separated Twitch user ids to watch, beside those that the client adds'),
  TARGET_GAME_IDS: idList.describe('Comma-separated Twitch game ids to watch, beside those that the client adds'),
  TWITCH_API_URL: baseUrl('https://api.twitch.tv/helix').describe('Base URL of the Helix API'),
  TWITCH_AUTH_URL: baseUrl('https://id.twitch.tv/oauth2').describe('Base URL of the OAuth endpoints'),
  TWITCH_REQUESTS_PER_MINUTE: integer(1, 1_000_000)
    .default(780)
    .describe('Helix requests per minute, over all workers together; Twitch allows 800 and bursts need the rest'),
  TWITCH_VALIDATE_TTL_SECONDS: integer(0, 3600)
    .optional()
    .describe('How long a validated token is trusted before /validate is asked again (0: before every request)'),
  OFFLINE_AFTER_MISSES: integer(1, 100)
    .default(2)
    .describe('Complete polls without a stream before it leaves the live set'),
  RECENTLY_LIVE_DAYS: integer(1, 365)
    .default(14)
    .describe('Users that were live within so many days stay in every poll when not all targets fit into an interval'),
  DORMANT_MAX_SECONDS: integer(60, 86_400)
    .default(900)
    .describe('The other users are then polled in turn, each at least this often'),
  FIRST_SIGHT: oneOf(['announce', 'silent'])
    .default('announce')
    .describe('What happens to a stream that started before its target was added'),
  RABBITMQ_PREFIX: z
    .string()
    .regex(/^(?!amq\.)[\w.:-]{1,100}$/, {
      error: 'expected at most 100 letters, digits, "_", ".", ":" and "-", and not the broker\'s own "amq."',
    })
    .default('')
    .describe('Begins the names of exchanges and queues, by which several installations keep apart on one broker'),
  RABBITMQ_TOPOLOGY: oneOf(['declare', 'check', 'off'])
    .default('declare')
    .describe('Declare the exchanges and queues, only check that they exist, or leave them alone'),
  HTTP_HOST: z.string().min(1).default('127.0.0.1').describe('Address on which the worker serves HTTP'),
  HTTP_PORT: integer(0, 65_535).default(8080).describe('Port on which the worker serves HTTP (0: any free one)'),
  TEMPORAL_UI_URL: url(['http:', 'https:'], 'http://localhost:8233')
    .transform((text) => text.replace(/\/+$/, ''))
    .optional()
    .describe("Temporal's Web UI, to which the pages then link each poll"),
  LOG_LEVEL: oneOf(['fatal', 'error', 'warn', 'info', 'debug', 'trace']).default('info').describe('Least level logged'),
  LOG_FORMAT: oneOf(['auto', 'json', 'pretty'])
    .default('auto')
    .describe('JSON, one object a line, or for reading; `auto`: for reading at a terminal, else JSON'),
  ADMIN_TOKEN: z
    .string()
    .min(16, { error: 'expected at least 16 characters' })
    .transform((text) => new Secret(text))
    .optional()
    .describe('Bearer token for HTTP requests that change something; without it there are no such routes'),
  HTTP_ALLOWED_ORIGINS: z
    .string()
    .default('')
    .transform((text) => [...new Set(text.split(',').map((origin) => origin.trim()))].filter(Boolean))
    .refine((origins) => origins.every((origin) => URL.parse(origin)?.origin === origin), {
      error: 'expected origins separated by commas, such as https://example.org',
    })
    .describe('Comma-separated origins whose pages may use the HTTP API in a browser (CORS)'),
  HTTP_ALLOWED_HOSTS: z
    .string()
    .default('')
    .transform((text) =>
      [
        ...new Set(
          text
            .toLowerCase()
            .split(',')
            .map((name) => name.trim()),
        ),
      ].filter(Boolean),
    )
    .refine((names) => names.every((name) => /^[a-z\d_-]+(\.[a-z\d_-]+)*$/.test(name)), {
      error: 'expected names of hosts separated by commas, without scheme and port, such as poller.example.org',
    })
    .describe(
      'Comma-separated names by which browsers and the HTTP API reach the worker, beside addresses and local names',
    ),
  ALERT_WEBHOOK_URL: url(['http:', 'https:'], 'https://discord.com/api/webhooks/…')
    .transform((text) => new Secret(text))
    .optional()
    .describe('Where workers post alerts, and their ends; a secret, since it holds a token (docs/operations.md)'),
  ALERT_WEBHOOK_FORMAT: oneOf(['json', 'discord', 'slack'])
    .default('json')
    .describe("The form in which it takes them: json is Alertmanager's"),
  HTTP_READS: oneOf(['open', 'token'])
    .default('open')
    .describe('Whether reading from the HTTP API needs the token, too (probes and metrics never do)'),
});

export type Settings = Omit<z.output<typeof settingsSchema>, 'TWITCH_VALIDATE_TTL_SECONDS'> & {
  TWITCH_VALIDATE_TTL_SECONDS: number;
};

/** Thrown with every problem at once, one line each: `NAME: what is expected`. */
export class SettingsError extends Error {
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(`The settings are not usable:\n${problems.map((problem) => `  ${problem}`).join('\n')}`);
    this.name = 'SettingsError';
    this.problems = problems;
  }
}

type SettingName = keyof typeof settingsSchema.shape;

/**
 * Reads and validates the settings. An empty variable counts as not set.
 *
 * @param optional settings that this caller can do without (the client needs no Twitch secret to list targets);
 *   a missing one is left out of the result.
 * @throws SettingsError naming each variable that is missing or wrong, and what is expected of it
 */
export function readSettings(env: NodeJS.ProcessEnv): Settings;
export function readSettings<O extends SettingName>(
  env: NodeJS.ProcessEnv,
  optional: readonly O[],
): Omit<Settings, O> & Partial<Pick<Settings, O>>;
export function readSettings(env: NodeJS.ProcessEnv, optional: readonly SettingName[] = []): Partial<Settings> {
  const given: Record<string, string> = {};
  for (const name of Object.keys(settingsSchema.shape)) {
    const value = env[name]?.trim();
    if (value) given[name] = value;
  }
  const mask = Object.fromEntries(optional.map((name) => [name, true])) as Partial<Record<SettingName, true>>;
  const schema = settingsSchema.partial(mask as Record<SettingName, true>);
  const result = schema.safeParse(given);
  if (!result.success) {
    throw new SettingsError(result.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`));
  }
  if (result.data.HTTP_READS === 'token' && !result.data.ADMIN_TOKEN) {
    throw new SettingsError(['ADMIN_TOKEN: is not set; HTTP_READS=token expects it']);
  }
  return {
    ...result.data,
    TWITCH_VALIDATE_TTL_SECONDS: result.data.TWITCH_VALIDATE_TTL_SECONDS ?? result.data.POLL_INTERVAL_SECONDS,
  } as Partial<Settings>;
}

/** Loads `.env` of the working directory when there is one; variables that are already set win. */
export function loadDotEnv(): void {
  if (existsSync('.env')) process.loadEnvFile('.env');
}
