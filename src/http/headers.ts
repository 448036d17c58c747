import type { FastifyHelmetOptions } from '@fastify/helmet';

/**
 * Headers of every answer. Pages may load what is ours and nothing else, scripts can't turn text into markup, nobody may
 * frame them, and no answer is taken for another type than it says.
 */
export const SECURITY_HEADERS: FastifyHelmetOptions = {
  contentSecurityPolicy: {
    useDefaults: false,
    directives: {
      defaultSrc: ["'none'"],
      styleSrc: ["'self'"],
      scriptSrc: ["'self'"],
      imgSrc: ["'self'"],
      connectSrc: ["'self'"],
      formAction: ["'self'"],
      frameAncestors: ["'none'"],
      baseUri: ["'none'"],
      requireTrustedTypesFor: ["'script'"],
      trustedTypes: ["'none'"],
    },
  },
  frameguard: { action: 'deny' },
  // Not `no-referrer`: our own forms would then come from the origin `null`.
  referrerPolicy: { policy: 'same-origin' },
  // Whether all of a host is behind TLS is for its proxy to say.
  strictTransportSecurity: false,
};
