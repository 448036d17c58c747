import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { NOON, storeForEach } from './support.ts';

describe('the ledger of alerts', () => {
  const store = storeForEach();
  const sign = { worker: 'one', startedMs: NOON, atMs: NOON, findings: { BrokerBlocked: 'memory' } };

  it('gives everybody the signs of all', async () => {
    const other = { ...sign, worker: 'two', findings: {} };
    await store.alerts.sign(sign);
    assert.deepEqual(await store.alerts.sign(other), [sign, other]);
    await store.alerts.forget(['one']);
    assert.deepEqual(await store.alerts.sign(other), [other]);
  });

  it('leaves out what it can’t read, and nothing else', async () => {
    const { connection, keys } = store;
    const strange = ['', '{', 'null', '[]', '7', '{"startedMs":"1","atMs":2,"findings":{}}'];
    for (const [i, text] of strange.entries()) await connection.hset(keys.alertSigns, `strange ${i}`, text);
    await connection.hset(keys.alertSigns, 'other', '{"startedMs":1,"atMs":2,"findings":{"A":"words","B":7}}');
    await connection.hset(keys.alertSigns, 'bare', '{"startedMs":1,"atMs":2}');
    assert.deepEqual(await store.alerts.sign(sign), [
      { worker: 'other', startedMs: 1, atMs: 2, findings: { A: 'words' } },
      { worker: 'bare', startedMs: 1, atMs: 2, findings: {} },
      sign,
    ]);
  });
});
