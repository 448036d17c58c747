// Draws the figures that the tables beside the charts hold, and looks for newer ones once a minute while the page is seen.
{
  const REFRESH_MS = 60_000;
  const HEIGHT = 150;
  const section = document.getElementById('charts');
  const { range, now, slotSeconds, slots } = section.dataset;
  const slot = Number(slotSeconds);
  // The server's clock, going on: the reader's may be wrong.
  const openedMs = performance.now();
  const nowSeconds = () => Date.parse(now) / 1_000 + (performance.now() - openedMs) / 1_000;
  const zoned = new Intl.DateTimeFormat(undefined, { dateStyle: 'short', timeStyle: 'short' });
  const tick = new Intl.DateTimeFormat(
    undefined,
    range === 'day' ? { hour: '2-digit', minute: '2-digit' } : { day: 'numeric', month: 'short' },
  );
  const number = new Intl.NumberFormat(undefined, { maximumFractionDigits: 3 });
  const charts = [...section.querySelectorAll('figure')].map(draw);

  function draw(figure) {
    const fields = figure.dataset.fields.split(' ');
    const lines = Number(figure.dataset.lines);
    const body = figure.querySelector('tbody');
    const plotted = figure.querySelector('.plot');
    const keys = [...figure.querySelectorAll('.key')];
    const title = figure.querySelector('strong').textContent;
    const color = (element, property) => () => getComputedStyle(element)[property];

    function data() {
      const known = new Map(
        [...body.rows].map((row) => [
          Date.parse(row.cells[0].firstElementChild.dateTime) / 1_000,
          [...row.cells]
            .slice(1, 1 + lines)
            .map(({ textContent }) => (textContent === '' ? null : Number(textContent))),
        ]),
      );
      const last = Math.floor(nowSeconds() / slot) * slot;
      const times = Array.from({ length: Number(slots) }, (_, i) => last - (Number(slots) - 1 - i) * slot);
      // A time without figures is a gap in the line.
      return [times, ...Array.from({ length: lines }, (_, i) => times.map((time) => known.get(time)?.[i] ?? null))];
    }

    function tell(plot) {
      const newest = plot.data[0].findLastIndex((_, i) => plot.data.slice(1).some((values) => values[i] !== null));
      const index = plot.cursor.idx ?? newest;
      keys.forEach((key, i) => {
        const value = plot.data[i + 1][index] ?? null;
        key.querySelector('b').textContent = value === null ? '' : number.format(value);
      });
      figure.querySelector('.at').textContent = index < 0 ? '' : zoned.format(new Date(plot.data[0][index] * 1_000));
    }

    const axis = { stroke: color(plotted, 'color'), grid: { stroke: color(plotted, 'borderTopColor'), width: 1 } };
    const series = keys.map((key) => ({
      stroke: color(key, 'borderLeftColor'),
      width: 1.5,
      ...('bars' in figure.dataset
        ? { fill: color(key, 'borderLeftColor'), paths: uPlot.paths.bars({ size: [0.8, 24] }), points: { show: false } }
        : { points: { show: true, size: 4, filter: alone } }),
    }));
    const options = {
      width: Math.max(1, plotted.clientWidth),
      height: HEIGHT,
      legend: { show: false },
      cursor: { y: false, drag: { x: false, y: false } },
      scales: {
        x: { range: (_, least, most) => [least, most + slot] },
        y: { range: (_, __, most) => [0, Math.max(Number(figure.dataset.top), (most ?? 0) * 1.1)] },
      },
      axes: [
        { ...axis, values: (_, seconds) => seconds.map((each) => tick.format(new Date(each * 1_000))), space: 64 },
        { ...axis, values: (_, values) => values.map((value) => number.format(value)), size: 56 },
      ],
      series: [{}, ...series],
      hooks: { setCursor: [tell], setData: [tell], ready: [tell] },
    };
    plotted.setAttribute('role', 'img');
    plotted.setAttribute('aria-label', `${title}: a chart of the figures that the table below it holds`);
    const plot = new uPlot(options, data(), plotted);
    new ResizeObserver(() => plot.setSize({ width: Math.max(1, plotted.clientWidth), height: HEIGHT })).observe(
      plotted,
    );

    return {
      redraw: () => plot.redraw(),
      newest: () => body.rows[0]?.cells[0].firstElementChild.dateTime ?? '',
      /** Takes slots, oldest first, in place of those of the same time. */
      take(changed) {
        for (const each of changed) {
          const row = slotRow(each, fields);
          const old = [...body.rows].find(({ cells }) => cells[0].firstElementChild.dateTime === each.at);
          if (old) old.replaceWith(row);
          else body.prepend(row);
        }
        while (body.rows.length > Number(slots)) body.rows[body.rows.length - 1].remove();
        plot.setData(data());
      },
    };
  }

  /** Places between two gaps, which no line would show. */
  function alone(plot, line) {
    const values = plot.data[line];
    return values.flatMap((value, i) => (value !== null && values[i - 1] == null && values[i + 1] == null ? [i] : []));
  }

  function slotRow(each, fields) {
    const row = document.createElement('tr');
    const time = document.createElement('time');
    time.dateTime = each.at;
    time.textContent = each.at;
    showInZone(time);
    row.insertCell().append(time);
    for (const field of fields)
      row.insertCell().textContent = field.split('.').reduce((part, name) => part?.[name], each) ?? '';
    return row;
  }

  let refreshedMs = performance.now();
  async function refresh() {
    if (document.visibilityState !== 'visible' || performance.now() - refreshedMs < REFRESH_MS) return;
    refreshedMs = performance.now();
    const from = charts[0].newest();
    const query = new URLSearchParams({ range, ...(from && { from }) });
    // What can't be read now is read the next time.
    const answer = await fetch(`/api/v1/series?${query}`).catch(() => undefined);
    if (!answer?.ok) return;
    const { slots: changed } = await answer.json();
    for (const chart of charts) chart.take(changed);
  }
  setInterval(refresh, REFRESH_MS + 1_000);
  document.addEventListener('visibilitychange', refresh);
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => {
    for (const chart of charts) chart.redraw();
  });
}
