import { CONTROL_ENDPOINTS } from './control.ts';

const escapeHtml = (text: string) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');

/** The page at `/`. */
export function indexPage(facts: { clientId: string; users: number; games: number; live: number }): string {
  const rows = CONTROL_ENDPOINTS.map(
    ([endpoint, what]) => `<tr><td><code>${escapeHtml(endpoint)}</code></td><td>${escapeHtml(what)}</td></tr>`,
  );
  return `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>Twitch sandbox</title>
<style>body { font: 1rem/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem }
td { padding: .2rem 1rem .2rem 0; vertical-align: top }</style></head>
<body>
<h1>Twitch sandbox</h1>
<p>A stand-in for Twitch's Helix API and its OAuth endpoints. Nothing here is real: ${facts.users} users,
${facts.games} games, ${facts.live} streams on air.</p>
<p><code>POST /oauth2/token</code>, <code>GET /oauth2/validate</code>, <code>GET /helix/streams</code>,
<code>GET /helix/users</code> and <code>GET /helix/games</code> answer as Twitch does, for the client id
<code>${escapeHtml(facts.clientId)}</code>.</p>
<h2>Control</h2>
<table>${rows.join('\n')}</table>
</body>
</html>
`;
}
