import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { Ajv } from 'ajv';
import ajvFormats from 'ajv-formats';
import { parse } from 'yaml';
import { toMessage } from '../../src/publisher/message.ts';
import { topologyOf } from '../../src/publisher/topology.ts';
import { event, POLL_ID } from './support.ts';

interface AsyncApiChannel {
  address: string;
  bindings: { amqp: { exchange?: { name: string; type: string; durable: boolean }; queue?: { name: string } } };
  'x-queue-arguments'?: object;
}

const folder = join(import.meta.dirname, '../../docs/schema');
const bodySchema = JSON.parse(readFileSync(join(folder, 'stream.online.schema.json'), 'utf8'));
const asyncapi = parse(readFileSync(join(folder, 'asyncapi.yaml'), 'utf8'));
const ajv = new Ajv({ allErrors: true });
ajvFormats.default(ajv);
const validBody = ajv.compile(bodySchema);
const validHeaders = ajv.compile(asyncapi.components.schemas.headers);
const validProperties = ajv.compile(asyncapi.components.schemas.properties);

const body = { user_id: '1', user_login: 'a', game_id: '', title: '', started_at: '2026-11-24T09:30:00Z' };

/** The properties as they travel: amqplib turns `persistent` into the delivery mode, and `mandatory` is no property. */
function onTheWire(properties: ReturnType<typeof toMessage>['properties']) {
  const { headers, persistent, mandatory, ...rest } = properties;
  return { headers, properties: { ...rest, deliveryMode: persistent ? 2 : 1 }, mandatory };
}

describe('message schema', () => {
  for (const reason of ['started', 'entered_game', 'first_sight'] as const) {
    test(`a message for ${reason} is valid`, () => {
      const message = toMessage(event('1', { reason, gameId: '', title: '' }), POLL_ID);
      const { headers, properties, mandatory } = onTheWire(message.properties);
      assert.ok(validBody(JSON.parse(message.content.toString())), ajv.errorsText(validBody.errors));
      assert.ok(validHeaders(headers), ajv.errorsText(validHeaders.errors));
      assert.ok(validProperties(properties), ajv.errorsText(validProperties.errors));
      assert.equal(mandatory, true);
    });
  }

  test('the same event gives the same message at every attempt', () => {
    assert.deepEqual(toMessage(event('1'), POLL_ID), toMessage(event('1'), POLL_ID));
  });

  test('the body schema allows these five fields and needs them all', () => {
    assert.ok(validBody(body));
    assert.ok(!validBody({ ...body, type: 'live' }));
    assert.ok(!validBody({ ...body, started_at: 'yesterday' }));
    for (const field of Object.keys(body)) assert.ok(!validBody({ ...body, [field]: undefined }), field);
  });

  test('headers and properties that are missing or of another kind are not valid', () => {
    const { headers, properties } = onTheWire(toMessage(event('1'), POLL_ID).properties);
    for (const name of Object.keys(headers)) assert.ok(!validHeaders({ ...headers, [name]: undefined }), name);
    assert.ok(!validHeaders({ ...headers, 'x-reason': 'ended' }));
    assert.ok(validHeaders({ ...headers, 'x-later': 'more' }));
    assert.ok(validHeaders(toMessage(event('1'), POLL_ID, ['customer 7']).properties.headers));
    assert.ok(!validHeaders({ ...headers, 'x-labels': 'customer 7' }));
    for (const name of Object.keys(properties)) assert.ok(!validProperties({ ...properties, [name]: undefined }), name);
    assert.ok(!validProperties({ ...properties, deliveryMode: 1 }));
  });
});

describe('AsyncAPI document', () => {
  const resolve = (ref: string) =>
    ref
      .slice(2)
      .split('/')
      .reduce((at, key) => at[key], asyncapi);

  test('every reference inside it leads somewhere, and the payload is the JSON Schema', () => {
    const refs: string[] = [];
    JSON.stringify(asyncapi, (key, value) => {
      if (key === '$ref') refs.push(value);
      return value;
    });
    for (const ref of refs.filter((each) => each.startsWith('#'))) assert.ok(resolve(ref), ref);
    assert.deepEqual(
      refs.filter((ref) => !ref.startsWith('#')),
      ['./stream.online.schema.json'],
    );
    assert.equal(asyncapi.components.messages.streamOnline.payload.schema.$ref, './stream.online.schema.json');
  });

  test('it names the exchanges and queues that are declared, with their arguments', () => {
    const channels: AsyncApiChannel[] = Object.values(asyncapi.channels);
    const exchanges = channels.flatMap((channel) => channel.bindings.amqp.exchange ?? []);
    assert.deepEqual(
      exchanges.map(({ name, type, durable }) => ({ name, type, durable })).sort((a, b) => (a.name < b.name ? -1 : 1)),
      topologyOf()
        .exchanges.map(({ name }) => ({ name, type: 'topic', durable: true }))
        .sort((a, b) => (a.name < b.name ? -1 : 1)),
    );
    for (const { name, arguments: args, binding } of topologyOf().queues) {
      const channel = channels.find((each) => each.bindings.amqp.queue?.name === name);
      assert.ok(channel, name);
      assert.equal(channel.address, binding.key);
      assert.deepEqual(channel['x-queue-arguments'], args);
    }
  });
});
