// The pages work without this. It shows times in the reader's zone, and announcements as they come.
const STATES = { claimed: 'on its way', waiting: 'waits for the broker', announced: 'announced' };
const REASONS = { started: 'started', entered_game: 'entered a watched game', first_sight: 'was on already' };
const MOST_ROWS = 100;

const zoned = new Intl.DateTimeFormat(undefined, { dateStyle: 'short', timeStyle: 'medium' });

function showInZone(time) {
  const at = new Date(time.dateTime);
  if (Number.isNaN(at.getTime())) return;
  time.title = time.textContent;
  time.textContent = zoned.format(at);
}

document.querySelectorAll('time').forEach(showInZone);

const feed = document.getElementById('feed');
if (feed) follow(feed, document.getElementById('feed-state'));

function follow(feed, state) {
  const source = new EventSource(`/api/v1/announcements/live?after=${encodeURIComponent(feed.dataset.after)}`);
  const rows = new Map();
  source.addEventListener('announcement', ({ data }) => {
    const announcement = JSON.parse(data);
    rows.get(announcement.streamId)?.remove();
    const row = rowOf(announcement);
    rows.set(announcement.streamId, row);
    feed.prepend(row);
    while (feed.rows.length > MOST_ROWS) feed.rows[feed.rows.length - 1].remove();
    state.textContent = '';
  });
  // The browser connects again by itself, and goes on behind the last event that it saw.
  source.addEventListener('open', () => {
    if (state.dataset.lost) state.textContent = '';
    delete state.dataset.lost;
  });
  source.addEventListener('error', () => {
    state.dataset.lost = 'yes';
    state.textContent = 'The connection is lost; what comes meanwhile is shown when it is back.';
  });
}

function rowOf({ at, userLogin, userId, title, reason, state, streamId }) {
  const row = document.createElement('tr');
  row.className = 'new';
  row.dataset.stream = streamId;
  const time = document.createElement('time');
  time.dateTime = at;
  time.textContent = at;
  showInZone(time);
  const channel = document.createElement(/^\w{1,25}$/.test(userLogin) ? 'a' : 'span');
  channel.textContent = userLogin || `user ${userId}`;
  if (channel.localName === 'a') channel.href = `https://www.twitch.tv/${userLogin}`;
  for (const content of [time, channel, title, REASONS[reason] ?? reason, STATES[state] ?? state]) {
    const cell = document.createElement('td');
    cell.append(content);
    row.append(cell);
  }
  return row;
}
