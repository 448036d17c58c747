import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sandboxWithClient } from './harness.ts';

const { sandbox, send, token } = await sandboxWithClient({ tokenLifetimeSeconds: 5_000_000 });

const credentials = {
  client_id: sandbox.clientId,
  client_secret: sandbox.clientSecret,
  grant_type: 'client_credentials',
};

function askToken(form: Record<string, string>) {
  const headers = { 'content-type': 'application/x-www-form-urlencoded' };
  return send('/oauth2/token', { method: 'POST', headers, body: new URLSearchParams(form).toString() });
}

test('a token is issued for a form, and for a query string', async () => {
  for (const reply of [
    await askToken(credentials),
    await send(`/oauth2/token?${new URLSearchParams(credentials)}`, { method: 'POST' }),
  ]) {
    assert.equal(reply.status, 200);
    assert.match(reply.body.access_token, /^[a-z0-9]{30}$/);
    assert.deepEqual(reply.body, {
      access_token: reply.body.access_token,
      expires_in: 5_000_000,
      token_type: 'bearer',
    });
  }
});

test('wrong credentials are refused in the OAuth shape', async () => {
  const refused = async (change: Record<string, string>) => (await askToken({ ...credentials, ...change })).body;
  assert.deepEqual(await refused({ client_id: 'other' }), { status: 400, message: 'invalid client' });
  assert.deepEqual(await refused({ client_secret: 'other' }), { status: 403, message: 'invalid client secret' });
  assert.deepEqual(await refused({ grant_type: 'password' }), { status: 400, message: 'invalid grant type' });
  assert.deepEqual(await refused({ grant_type: '' }), { status: 400, message: 'missing grant type' });
  assert.deepEqual(await refused({ client_id: '' }), { status: 400, message: 'missing client id' });
  assert.equal((await askToken({ ...credentials, client_secret: 'other' })).status, 403);
});

test('validate accepts OAuth and Bearer, and refuses what is missing or unknown', async () => {
  for (const scheme of ['OAuth', 'Bearer']) {
    const { status, body } = await send('/oauth2/validate', { headers: { authorization: `${scheme} ${token}` } });
    assert.equal(status, 200);
    assert.deepEqual(body, { client_id: sandbox.clientId, scopes: [], expires_in: body.expires_in });
    assert.ok(body.expires_in > 4_999_000);
  }
  const unknown = await send('/oauth2/validate', { headers: { authorization: 'OAuth nope' } });
  assert.equal(unknown.status, 401);
  assert.deepEqual(unknown.body, { status: 401, message: 'invalid access token' });
  assert.deepEqual((await send('/oauth2/validate')).body, { status: 401, message: 'missing authorization token' });
});

test('tokens expire, and can all be revoked at once', async () => {
  sandbox.faults.setTokenLifetime(0);
  const expired = (await askToken(credentials)).body.access_token;
  sandbox.faults.setTokenLifetime(100);
  const revoked = (await askToken(credentials)).body.access_token;
  const validate = (given: string) => send('/oauth2/validate', { headers: { authorization: `OAuth ${given}` } });
  assert.equal((await validate(expired)).status, 401);
  assert.equal((await validate(revoked)).status, 200);
  assert.ok(sandbox.faults.revokeTokens() >= 2);
  assert.equal((await validate(revoked)).status, 401);
  assert.equal((await validate(token)).status, 401);
});
