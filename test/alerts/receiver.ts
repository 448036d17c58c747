import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What came to the webhook, as Alertmanager's form has it. */
export interface Received {
  alert: string;
  status: string;
  fingerprint: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests read whatever was sent
  body: any;
}

export interface Receiver {
  url: string;
  received: Received[];
  /** How the next requests are answered; the last one for all that follow. */
  answers: { status: number; headers?: Record<string, string>; body?: string }[];
  /** `firing`, `resolved`, … of one alert, in order. */
  of(alert: string): string[];
  close(): Promise<void>;
}

/** A webhook on this machine. */
export async function startReceiver(): Promise<Receiver> {
  const received: Received[] = [];
  const answers: Receiver['answers'] = [{ status: 200, body: 'ok' }];
  const server = createServer(async (request, response) => {
    let text = '';
    for await (const chunk of request) text += String(chunk);
    const { status, headers = {}, body = '' } = (answers.length > 1 ? answers.shift() : answers[0]) ?? { status: 500 };
    if (status < 300) {
      const body = JSON.parse(text);
      const [first] = body.alerts ?? [];
      received.push({
        alert: first?.labels.alertname,
        status: first?.status,
        fingerprint: first?.fingerprint,
        body,
      });
    }
    response.writeHead(status, headers).end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hooks/very-secret-path`,
    received,
    answers,
    of: (alert) => received.filter((one) => one.alert === alert).map(({ status }) => status),
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
