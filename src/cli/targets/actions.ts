import { once } from 'node:events';
import type { TargetKind } from '../../poll/model.ts';
import type { Targets } from '../../storage/targets.ts';
import { describeError, EXIT, usageError } from '../errors.ts';
import { ago, counted, printable } from '../format.ts';
import type { Output } from '../output.ts';
import { withStore } from '../store.ts';
import { isId, isLogin, isNumericId } from './import/line.ts';
import { TwitchLookUp } from './lookUp.ts';

const KINDS = ['user', 'game'] as const satisfies TargetKind[];

interface NamesOption {
  login?: string[];
  name?: string[];
}

interface Wanted {
  ids: string[];
  /** Ids of the names that Twitch knows. */
  named: Map<string, string>;
  unknown: string[];
  /** Why no name could be looked up. */
  failure?: unknown;
}

async function wantedTargets(kind: TargetKind, ids: string[], options: NamesOption): Promise<Wanted> {
  const names = kind === 'user' ? options.login : options.name;
  const others = kind === 'user' ? options.name : options.login;
  if (others)
    throw usageError(kind === 'user' ? 'users have a --login, games a --name' : 'games have a --name, users a --login');
  if (ids.length === 0 && !names?.length) {
    throw usageError(`name at least one ${kind}: an id, or ${kind === 'user' ? '--login NAME' : '--name "NAME"'}`);
  }
  const notIds = ids.filter((id) => !isId(id));
  if (notIds.length > 0) {
    throw usageError(`not ids of Twitch: ${notIds.join(', ')} (letters, digits, "_" and "-", at most 64)`);
  }
  const notLogins = kind === 'user' ? (names ?? []).filter((name) => !isLogin(name)) : [];
  if (notLogins.length > 0)
    throw usageError(`not logins: ${notLogins.join(', ')} (letters, digits and "_", at most 25)`);

  const wanted: Wanted = { ids: [...new Set(ids)], named: new Map(), unknown: [] };
  if (!names) return wanted;
  const lookUp = new TwitchLookUp();
  try {
    const found = await (kind === 'user' ? lookUp.users(names) : lookUp.games(names));
    for (const name of new Set(names)) {
      const id = found.get(name.toLowerCase());
      if (id === undefined) wanted.unknown.push(name);
      else wanted.named.set(name, id);
    }
  } catch (error) {
    wanted.failure = error;
    wanted.unknown = [...new Set(names)];
  } finally {
    await lookUp.close();
  }
  return wanted;
}

/** `targets add` */
export async function add(output: Output, kind: TargetKind, ids: string[], options: NamesOption): Promise<number> {
  const notNumbers = ids.filter((id) => !isNumericId(id));
  if (notNumbers.length > 0) {
    const names = kind === 'user' ? notNumbers.filter(isLogin).join(' ') : `"${notNumbers.join('" "')}"`;
    const hint = names && `; if they are names: targets add ${kind} ${kind === 'user' ? '--login' : '--name'} ${names}`;
    throw usageError(`not ids of Twitch: ${notNumbers.join(', ')} (ids are numbers)${hint}`);
  }
  const wanted = await wantedTargets(kind, ids, options);
  const { changed: added, rest: alreadyThere } = await apply(wanted, (targets, id) => targets.add(kind, [id]));
  output.answer(sentences('Added', kind, added, 'Already there', alreadyThere, wanted), {
    kind,
    added,
    alreadyThere,
    unknown: wanted.unknown,
  });
  return complain(output, kind, wanted);
}

/** `targets remove` */
export async function remove(output: Output, kind: TargetKind, ids: string[], options: NamesOption): Promise<number> {
  const wanted = await wantedTargets(kind, ids, options);
  const { changed: removed, rest: notThere } = await apply(wanted, (targets, id) => targets.remove(kind, [id]));
  if (removed.length > 0) {
    const named = await withStore(({ targets }) => targets.named(kind));
    const stay = removed.filter((id) => named.has(id));
    const setting = kind === 'user' ? 'TARGET_USER_IDS' : 'TARGET_GAME_IDS';
    if (stay.length > 0) output.note(`note: ${setting} of the workers names ${stay.join(', ')}; removed all the same`);
  }
  output.answer(sentences('Removed', kind, removed, 'Was not there', notThere, wanted), {
    kind,
    removed,
    notThere,
    unknown: wanted.unknown,
  });
  return complain(output, kind, wanted);
}

/** One by one, so that it can be said exactly what changed. */
async function apply(
  { ids, named }: Wanted,
  change: (targets: Targets, id: string) => Promise<number>,
): Promise<{ changed: string[]; rest: string[] }> {
  const all = [...new Set([...ids, ...named.values()])];
  if (all.length === 0) return { changed: [], rest: [] };
  const changes = await withStore(({ targets }) => Promise.all(all.map((id) => change(targets, id))));
  return { changed: all.filter((_, i) => changes[i]), rest: all.filter((_, i) => !changes[i]) };
}

function sentences(
  verb: string,
  kind: TargetKind,
  changed: string[],
  restVerb: string,
  rest: string[],
  { named }: Wanted,
): string {
  const namesById = new Map([...named].map(([name, id]) => [id, name]));
  const show = (id: string) => (namesById.has(id) ? `${id} (${namesById.get(id)})` : id);
  const lines = [
    `${verb} ${counted(changed.length, kind)}${changed.length > 0 ? `: ${changed.map(show).join(', ')}` : ''}.`,
  ];
  if (rest.length > 0) lines.push(`${restVerb}: ${rest.map(show).join(', ')}.`);
  return lines.join('\n');
}

function complain(output: Output, kind: TargetKind, { unknown, failure }: Wanted): number {
  if (unknown.length === 0) return EXIT.ok;
  const names = unknown.map((name) => `"${name}"`).join(', ');
  if (failure) output.note(`${describeError(failure)}\nNot looked up: ${names}.`);
  else output.note(`Twitch knows no ${kind === 'user' ? 'user with the login' : 'game with the exact name'} ${names}.`);
  return EXIT.failed;
}

const IDS_PER_READ = 5_000;

interface ListOptions {
  limit: number;
  all?: boolean;
  after?: string;
  refused?: boolean;
  gone?: boolean;
}

/** `targets list` */
export async function list(
  output: Output,
  kind: TargetKind | undefined,
  { limit, all, after, refused, gone }: ListOptions,
): Promise<number> {
  if (refused && gone) throw usageError('either --refused or --gone');
  if (refused) return listRefused(output, kind);
  if (gone) return listGone(output);
  if (after !== undefined && kind === undefined) throw usageError('--after needs a kind: targets list user --after ID');
  return withStore(async ({ targets }) => {
    const [user, game] = await Promise.all(KINDS.map((each) => targets.count(each)));
    const found: { kind: TargetKind; id: string }[] = [];
    let left = all ? Number.POSITIVE_INFINITY : limit;
    for (const each of kind ? [kind] : KINDS) {
      let from = after;
      while (left > 0) {
        const ids = await targets.list(each, from, Math.min(left, IDS_PER_READ));
        if (output.json) found.push(...ids.map((id) => ({ kind: each, id })));
        else if (!process.stdout.write(ids.map((id) => `${each}:${id}\n`).join('')))
          await once(process.stdout, 'drain');
        left -= ids.length;
        from = ids.at(-1);
        if (ids.length < IDS_PER_READ) break;
      }
    }
    const counts = { user: user ?? 0, game: game ?? 0 };
    if (output.json) output.answer('', { counts, targets: found });
    output.note(`${counted(counts.user, 'user')} and ${counted(counts.game, 'game')} in all`);
    if (left === 0) output.note('There may be more: --all lists them, --limit and --after a part.');
    return EXIT.ok;
  });
}

/** `targets list --refused` */
async function listRefused(output: Output, kind: TargetKind | undefined): Promise<number> {
  const kinds = kind ? [kind] : KINDS;
  const found = await withStore(({ targets }) => Promise.all(kinds.map((each) => targets.refused.list(each))));
  const refused = kinds.flatMap((each, i) =>
    (found[i] ?? []).map(({ id, reason, sinceMs, retryAtMs, tries }) => ({
      kind: each,
      id,
      reason,
      since: new Date(sinceMs).toISOString(),
      retryAt: new Date(retryAtMs).toISOString(),
      tries,
    })),
  );
  const now = Date.now();
  const lines = refused.map(
    (each) =>
      `${each.kind}:${each.id}  # refused ${ago(each.since, now)}, tried again at ${each.retryAt}: ${printable(each.reason)}`,
  );
  output.answer(lines.join('\n'), { refused });
  output.note(`${counted(refused.length, 'target')} refused by Twitch: the others are polled without them`);
  if (refused.length > 0)
    output.note('Remove what is no id (targets remove), or add it again to have it tried at once.');
  return EXIT.ok;
}

/** `targets list --gone` */
async function listGone(output: Output): Promise<number> {
  const gone = await withStore(({ targets }) => targets.gone.list());
  const now = Date.now();
  const users = gone.map(({ id, sinceMs, checks }) => ({
    kind: 'user',
    id,
    since: new Date(sinceMs).toISOString(),
    checks,
  }));
  output.answer(users.map(({ id, since }) => `user:${id}  # gone since ${ago(since, now)}`).join('\n'), {
    gone: users,
  });
  output.note(`${counted(users.length, 'user')} that Twitch no longer knows (banned, deleted, or never there)`);
  if (users.length > 0)
    output.note('They stay targets: some come back. To watch them no longer: targets remove user ID');
  return EXIT.ok;
}
