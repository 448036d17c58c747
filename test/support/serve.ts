import { once } from 'node:events';
import type { AddressInfo, Server, Socket } from 'node:net';
import { after } from 'node:test';

/** Lets a server, also one for HTTP, listen on 127.0.0.1 until the test has ended. Returns its port. */
export async function serve(server: Server): Promise<number> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket) => sockets.add(socket));
  await once(server.listen(0, '127.0.0.1'), 'listening');
  after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}
