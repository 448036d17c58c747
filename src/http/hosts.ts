import { isIP } from 'node:net';
import type { FastifyRequest } from 'fastify';
import { Problem } from './api/problem.ts';

/** A name with or without a port, or an IPv6 address in brackets, as in the header `Host`. */
const HOST = /^(?:\[([\da-f:.]+)\]|([\w.-]+?)\.?)(?::\d{1,5})?$/i;
/** What public DNS gives to nobody: names without a dot, and those of this machine, private networks and clusters. */
const PRIVATE_NAME = /^(?:[\w-]+|[\w.-]+\.(?:localhost|internal|svc|svc\.cluster\.local))$/;

/**
 * Makes a hook that refuses requests for names that this server is not known by. A page of a stranger can have its own
 * name resolve to an address of ours, 127.0.0.1 too, and could then read what is open to whoever reaches the port: to the
 * browser it is one origin (DNS rebinding). Its requests still tell the stranger's name.
 *
 * @param names in lower case; addresses, and names that no stranger can have, need not be among them
 * @throws Problem 421 that names the setting
 */
export function knownHosts(names: readonly string[]): (request: FastifyRequest) => Promise<void> {
  return async ({ headers: { host } }) => {
    // HTTP/1.0 knows no such header, and is no browser's.
    if (host === undefined) return;
    const [, address, name = address] = HOST.exec(host.toLowerCase()) ?? [];
    if (name !== undefined && (isIP(name) > 0 || PRIVATE_NAME.test(name) || names.includes(name))) return;
    const shown = name ?? 'the name in the header Host';
    throw new Problem(421, `${shown} is no name of this server: HTTP_ALLOWED_HOSTS lists those that it is reached by`);
  };
}
