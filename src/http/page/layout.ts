import { html } from 'ghtml';
import { LOGIN } from '../../poll/ids.ts';

/** A page's text, ready to be sent: whatever came into it from outside has been escaped. */
export type Markup = string;

export interface PageState {
  /** The path of the page, which marks its place in the menu. */
  path: string;
  title: string;
  /** Whether the reader may change something. */
  signedIn: boolean;
  /** Without a token nobody may. */
  canSignIn: boolean;
  /** Something to say on top: what a form has done, or why it has not. */
  notice?: { kind: 'done' | 'problem'; text: string } | undefined;
}

const MENU = [
  ['/', 'Now'],
  ['/targets', 'Targets'],
  ['/polls', 'Polls'],
] as const;

export function layout(state: PageState, body: Markup): Markup {
  const { path, title, signedIn, canSignIn, notice } = state;
  const menu = MENU.map(
    ([to, name]) => html`<li><a href="${to}"!${to === path ? ' aria-current="page"' : ''}>${name}</a></li>`,
  ).join('');
  const session = signedIn
    ? '<form method="post" action="/sign-out"><button>Sign out</button></form>'
    : canSignIn
      ? '<a href="/sign-in">Sign in</a>'
      : '<span>Read only: no ADMIN_TOKEN is set</span>';
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title} · stream-poller</title>
<link rel="stylesheet" href="/assets/page.css">
<link rel="icon" href="/assets/icon.svg" type="image/svg+xml">
<script src="/assets/page.js" defer></script>
</head>
<body>
<a class="skip" href="#main">Skip to the content</a>
<header>
<p class="name">stream-poller</p>
<nav aria-label="Pages"><ul>!${menu}</ul></nav>
<div class="session">!${session}</div>
</header>
<main id="main">
<h1>${title}</h1>
!${notice ? html`<p class="notice ${notice.kind}" role="${notice.kind === 'done' ? 'status' : 'alert'}">${notice.text}</p>` : ''}
!${body}
</main>
</body>
</html>
`;
}

export const SIGN_IN_FORM: Markup = html`<form method="post" action="/sign-in">
<label for="token">The worker's ADMIN_TOKEN</label>
<input id="token" name="token" type="password" autocomplete="current-password" required>
<button>Sign in</button></form>`;

/** A moment, in UTC until the page's script turns it into the reader's zone. */
export function moment(time: string): Markup {
  return html`<time datetime="${time}">${time.slice(0, 19).replace('T', ' ')} UTC</time>`;
}

/** A table that scrolls by itself on a narrow screen; `rows` are cells that are escaped already. */
export function table(
  caption: string,
  heads: readonly string[],
  rows: readonly (readonly Markup[])[],
  id = '',
): Markup {
  const head = heads.map((name) => html`<th scope="col">${name}</th>`).join('');
  const body = rows.map((cells) => `<tr>${cells.map((cell) => `<td>${cell}</td>`).join('')}</tr>`).join('\n');
  return html`<div class="scroll" role="region" aria-label="${caption}" tabindex="0"><table>
<caption>${caption}</caption><thead><tr>!${head}</tr></thead><tbody!${id && html` id="${id}"`}>!${body}</tbody></table></div>`;
}

/** A link to a channel, or the user's id where no login is known. */
export function channel(login: string, userId: string): Markup {
  return LOGIN.test(login)
    ? html`<a href="https://www.twitch.tv/${login}" rel="noreferrer">${login}</a>`
    : html`user ${userId}`;
}
