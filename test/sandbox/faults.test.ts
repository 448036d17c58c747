import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import type { FaultOrder } from '../../sandbox/twitch/index.ts';
import { idsOf, newToken, repeated, sandboxWithClient } from './harness.ts';

const { sandbox, world, faults, helix, send, post, auth } = await sandboxWithClient({ requestsPerMinute: 10_000 });
world.populate({ users: 100 });
const live = world.userIds(50).map((userId) => world.goLive({ userId, gameId: '743' }));
const fifty = `streams?first=20&${repeated('user_id', world.userIds(100))}`;
const next = (cursor: string) => `${fifty}&after=${encodeURIComponent(cursor)}`;

beforeEach(() => faults.clear());

async function struck(order: FaultOrder, path = fifty) {
  const fault = faults.add({ times: 1, ...order });
  const reply = await helix(path);
  assert.equal(fault.hits, 1);
  assert.equal(fault.active, false);
  assert.equal((await helix(path)).status, 200);
  return reply;
}

test('status: Twitch’s body, the gateway’s page, or any other', async () => {
  const failed = await struck({ kind: 'status', status: 500 });
  assert.equal(failed.status, 500);
  assert.deepEqual(failed.body, { error: 'Internal Server Error', status: 500, message: '' });
  assert.equal((await struck({ kind: 'status', status: 401 })).body.message, 'Invalid OAuth token');
  assert.match((await struck({ kind: 'status', status: 502, html: true })).text, /^<html>.*502 Bad Gateway/s);
  assert.equal((await struck({ kind: 'status', status: 503, body: '' })).text, '');
});

test('rateLimit: 429 with a reset of its own', async () => {
  const { status, headers } = await struck({ kind: 'rateLimit', resetInSeconds: 7 });
  assert.equal(status, 429);
  assert.equal(headers['ratelimit-remaining'], '0');
  const inSeconds = Number(headers['ratelimit-reset']) - Date.now() / 1000;
  assert.ok(inSeconds > 5 && inSeconds <= 8);
});

test('slowHeaders and slowBody: right, but late', async () => {
  for (const order of [
    { kind: 'slowHeaders', delayMs: 150 },
    { kind: 'slowBody', overMs: 150 },
  ] as const) {
    faults.clear();
    faults.add(order);
    const startedAtMs = performance.now();
    const { status, body } = await helix(fifty);
    assert.ok(performance.now() - startedAtMs >= 140);
    assert.equal(status, 200);
    assert.equal(body.data.length, 20);
  }
});

test('cut: before the headers and halfway through the body, with and without a reset', async () => {
  for (const at of ['headers', 'body'] as const) {
    for (const reset of [false, true]) {
      const fault = faults.add({ kind: 'cut', at, reset, times: 1 });
      await assert.rejects(helix(fifty), /other side closed|ECONNRESET|terminated|aborted/);
      assert.equal(fault.hits, 1);
    }
  }
  assert.equal(sandbox.stats().requests.streams?.cut, 4);
});

test('hang: no answer', async () => {
  faults.add({ kind: 'hang', times: 1 });
  const answered = helix(fifty).then(
    () => 'answered',
    () => 'failed',
  );
  assert.equal(await Promise.race([answered, delay(200, 'nothing')]), 'nothing');
});

test('garbage and malformed entries', async () => {
  const broken = await struck({ kind: 'garbage', as: 'invalidJson' });
  assert.equal(broken.status, 200);
  assert.throws(() => JSON.parse(broken.text));
  assert.deepEqual((await struck({ kind: 'garbage', as: 'wrongShape' })).body, { streams: 'none', data: 42 });
  const { body } = await struck({ kind: 'malformedEntry' });
  assert.equal(body.data.length, 21);
  assert.equal(body.data.filter(({ id }: { id: unknown }) => typeof id !== 'string').length, 1);
});

test('emptyData: strikes only where there are streams to hide', async () => {
  const fault = faults.add({ kind: 'emptyData', times: 1 });
  await helix('streams?user_id=nobody');
  assert.equal(fault.hits, 0);
  assert.deepEqual((await helix(fifty)).body, { data: [], pagination: {} });
  assert.equal(fault.hits, 1);
});

test('shortPage: fewer streams a page, none lost', async () => {
  faults.add({ kind: 'shortPage', size: 15 });
  const pages = [];
  for (let path = fifty; path; ) {
    const reply = await helix(path);
    pages.push(idsOf(reply));
    path = reply.body.pagination.cursor ? next(reply.body.pagination.cursor) : '';
  }
  assert.deepEqual(
    pages.map((page) => page.length),
    [15, 15, 15, 5],
  );
  assert.equal(new Set(pages.flat()).size, live.length);
});

test('loopCursor: the cursor leads to the same page again', async () => {
  const fault = faults.add({ kind: 'loopCursor', match: { page: 2 } });
  const first = await helix(fifty);
  const { cursor } = first.body.pagination;
  const second = await helix(next(cursor));
  assert.equal(second.body.pagination.cursor, cursor);
  assert.deepEqual(idsOf(await helix(next(cursor))), idsOf(second));
  assert.equal(fault.hits, 2);
});

test('invalidCursor: 400 for a cursor that was just given', async () => {
  const fault = faults.add({ kind: 'invalidCursor', times: 1 });
  const { cursor } = (await helix(fifty)).body.pagination;
  assert.equal(fault.hits, 0);
  const { status, body } = await helix(next(cursor));
  assert.equal(status, 400);
  assert.deepEqual(body, { error: 'Bad Request', status: 400, message: 'Invalid cursor' });
  assert.equal((await helix(next(cursor))).status, 200);
});

test('deadCursor: a cursor whose `a` is empty leads to an empty page; asked again, the page has a good one', async () => {
  const first = await struck({ kind: 'deadCursor' });
  const { cursor } = first.body.pagination;
  assert.deepEqual(JSON.parse(Buffer.from(cursor, 'base64').toString()).a, { Cursor: '' });
  assert.deepEqual((await helix(next(cursor))).body, { data: [], pagination: {} });
  const again = await helix(fifty);
  assert.deepEqual(idsOf(again), idsOf(first));
  assert.equal((await helix(next(again.body.pagination.cursor))).body.data.length, 20);
  // A last page is struck only when it is meant.
  const fault = faults.add({ kind: 'deadCursor' });
  await helix('streams?game_id=743&first=100');
  assert.equal(fault.hits, 0);
  faults.add({ kind: 'deadCursor', match: { lastPage: true } });
  assert.ok((await helix('streams?game_id=743&first=100')).body.pagination.cursor);
});

test('refusedIds: 400 for a request that holds one of them, as Twitch says it of what is no number', async () => {
  const [good, bad] = world.userIds(2);
  const fault = faults.add({ kind: 'refusedIds', ids: [bad as string] });
  assert.equal((await helix(`streams?user_id=${good}`)).status, 200);
  const { status, body } = await helix(`streams?user_id=${good}&user_id=${bad}`);
  assert.equal(status, 400);
  assert.match(body.message, /^The parameter "user_id" was malformed: the value must match/);
  assert.equal(fault.hits, 1);
});

test('grows: the chance of a fault rises with the ids and with the requests in flight', async () => {
  const busy = await sandboxWithClient({ requestsPerMinute: 100_000, latencyMs: 5 });
  busy.world.populate({ users: 100 });
  const hits = async (ids: number, atOnce: number) => {
    busy.faults.clear();
    const fault = busy.faults.add({ kind: 'status', status: 500, grows: { perId: 0.004, perConcurrent: 0.06 } });
    const path = `streams?${repeated('user_id', busy.world.userIds(ids))}`;
    for (let i = 0; i < 100; i += atOnce) await Promise.all(Array.from({ length: atOnce }, () => busy.helix(path)));
    return fault.hits;
  };
  assert.equal(await hits(1, 1), 0);
  const many = await hits(100, 1);
  assert.ok(many > 20 && many < 60, `${many} at 40 %`);
  const crowded = await hits(100, 10);
  assert.ok(crowded > many + 10, `${crowded} against ${many}`);
});

test('cursorToEmptyPage and noPagination', async () => {
  faults.add({ kind: 'cursorToEmptyPage', match: { lastPage: true }, times: 1 });
  const one = await helix('streams?game_id=743&first=100');
  assert.equal(one.body.data.length, 50);
  const empty = await helix(`streams?game_id=743&first=100&after=${encodeURIComponent(one.body.pagination.cursor)}`);
  assert.deepEqual(empty.body, { data: [], pagination: {} });
  const { body } = await struck({ kind: 'noPagination' });
  assert.deepEqual(Object.keys(body), ['data']);
});

test('a fault matches by endpoint, id, page or predicate; OAuth only when named', async () => {
  const validate = () => send('/oauth2/validate', { headers: { authorization: 'OAuth x' } });
  faults.add({ kind: 'status', status: 500, match: { endpoint: 'users' } });
  assert.equal((await helix('streams')).status, 200);
  assert.equal((await helix('users?id=1')).status, 500);
  faults.clear();
  faults.add({ kind: 'status', status: 500, match: { id: live[0]?.userId ?? '' } });
  assert.equal((await helix(`streams?user_id=${live[1]?.userId}`)).status, 200);
  assert.equal((await helix(`streams?user_id=${live[0]?.userId}`)).status, 500);
  faults.clear();
  faults.add({ kind: 'status', status: 500, match: ({ ids }) => ids.length === 2 });
  assert.equal((await helix('streams?user_id=1&user_id=2')).status, 500);
  assert.equal((await helix('streams?user_id=1')).status, 200);
  faults.clear();
  faults.add({ kind: 'status', status: 500 });
  assert.equal((await validate()).status, 401);
  faults.clear();
  faults.add({ kind: 'status', status: 403, match: { endpoint: 'token' } });
  const refused = await send('/oauth2/token', { method: 'POST' });
  assert.deepEqual(refused.body, { status: 403, message: 'invalid client secret' });
});

test('a fault ends after its time, when removed, and when all are cleared', async () => {
  const status = async () => (await helix('streams')).status;
  faults.add({ kind: 'status', status: 500, forMs: 100 });
  assert.equal(await status(), 500);
  await delay(120);
  assert.equal(await status(), 200);
  const fault = faults.add({ kind: 'status', status: 500 });
  assert.equal(await status(), 500);
  fault.remove();
  assert.equal(await status(), 200);
  faults.add({ kind: 'status', status: 500 });
  faults.clear();
  assert.equal(await status(), 200);
});

test('a probability is drawn from the seed', async () => {
  const run = async () => {
    const { faults, helix } = await sandboxWithClient({ seed: 99 });
    faults.add({ kind: 'status', status: 500, probability: 0.5 });
    const statuses = [];
    for (let i = 0; i < 40; i++) statuses.push((await helix('streams')).status);
    return statuses;
  };
  const statuses = await run();
  assert.deepEqual(await run(), statuses);
  const failed = statuses.filter((status) => status === 500).length;
  assert.ok(failed > 8 && failed < 32, `${failed} of 40`);
});

test('an answer counts as served only when it was whole and good', async () => {
  const { id, userId } = world.goLive({ userId: world.userIds(1, 99)[0] ?? '' });
  for (const order of [
    { kind: 'emptyData' },
    { kind: 'garbage', as: 'invalidJson' },
    { kind: 'status', status: 500 },
  ] as const) {
    await struckOnce(order, userId);
    assert.equal(sandbox.firstServedAtMs(id), undefined);
  }
  const fault = faults.add({ kind: 'slowHeaders', delayMs: 100, times: 1 });
  const aborting = send(`/helix/streams?user_id=${userId}`, { headers: auth, signal: AbortSignal.timeout(40) });
  await assert.rejects(aborting, { name: 'TimeoutError' });
  await delay(120);
  assert.equal(fault.hits, 1);
  assert.equal(sandbox.stats().requests.streams?.gone, 1);
  assert.equal(sandbox.firstServedAtMs(id), undefined);
  await helix(`streams?user_id=${userId}`);
  assert.ok(Date.now() - (sandbox.firstServedAtMs(id) ?? 0) < 1000);
});

async function struckOnce(order: FaultOrder, userId: string): Promise<void> {
  faults.add({ ...order, times: 1 });
  await helix(`streams?user_id=${userId}`);
}

test('revoked tokens are refused by Helix until a new one is fetched', async () => {
  assert.ok(faults.revokeTokens() > 0);
  assert.deepEqual((await helix('streams')).body, {
    error: 'Unauthorized',
    status: 401,
    message: 'Invalid OAuth token',
  });
  const authorization = `Bearer ${await newToken(sandbox)}`;
  assert.equal((await helix('streams', { authorization, 'client-id': sandbox.clientId })).status, 200);
  assert.deepEqual((await post('/sandbox/revoke-tokens')).body, { revoked: 1 });
});
