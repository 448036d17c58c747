/** What happens while services are set up: one step each, many at once. */
export interface Steps {
  /**
   * Shows `label` while `work` runs and for how long it ran. `say` replaces the text behind the label, for steps that
   * take long or turn out to need something (an installation).
   */
  run<T>(label: string, work: (say: (text: string) => void) => Promise<T>): Promise<T>;
}

/** Shows nothing. */
export const silentSteps: Steps = { run: (_label, work) => work(() => {}) };

export interface StepsOutput {
  write(text: string): unknown;
  isTTY?: boolean;
  columns?: number;
}

/** In a log, a step that keeps saying things gets a line at most this often: a build says something every second. */
const LOG_EVERY_MS = 15_000;

interface ActiveStep {
  label: string;
  detail: string;
  startedAt: number;
  /** In a log: when it last got a line, and what makes it get the next one. */
  loggedAt: number;
  logging?: NodeJS.Timeout | undefined;
}

/**
 * Shows each step on a line of its own: on a terminal the running ones live, elsewhere (logs, CI) a line when one says
 * something, at most every 15 seconds, and a line when it ends.
 */
export function createSteps(output: StepsOutput): Steps {
  const live = output.isTTY === true;
  const active = new Set<ActiveStep>();
  let drawn = 0;
  let timer: NodeJS.Timeout | undefined;

  const seconds = (step: ActiveStep) => `${((Date.now() - step.startedAt) / 1000).toFixed(1)} s`;
  const withDetail = (step: ActiveStep) => (step.detail ? `${step.label}: ${step.detail}` : step.label);

  // A line that wraps would be two, and the next redraw would start too low.
  const fit = (line: string) => line.slice(0, (output.columns || Number.POSITIVE_INFINITY) - 1);

  function logDetail(step: ActiveStep): void {
    if (step.detail === '' || step.logging) return;
    const log = () => {
      step.logging = undefined;
      if (step.detail === '') return;
      step.loggedAt = Date.now();
      output.write(`  ${withDetail(step)}\n`);
    };
    const waitMs = step.loggedAt + LOG_EVERY_MS - Date.now();
    if (waitMs <= 0) log();
    else step.logging = setTimeout(log, waitMs).unref();
  }

  function redraw(finished = ''): void {
    if (!live) {
      output.write(finished);
      return;
    }
    const lines = [...active].map((step) => `${fit(`  ${withDetail(step)}  ${seconds(step)}`)}\n`);
    const clear = drawn > 0 ? `\x1b[${drawn}A\x1b[J` : '';
    output.write(clear + finished + lines.join(''));
    drawn = lines.length;
  }

  return {
    async run(label, work) {
      const step: ActiveStep = { label, detail: '', startedAt: Date.now(), loggedAt: Number.NEGATIVE_INFINITY };
      active.add(step);
      if (live) timer ??= setInterval(redraw, 200).unref();
      redraw();
      const end = (mark: string) => {
        active.delete(step);
        clearTimeout(step.logging);
        if (active.size === 0) {
          clearInterval(timer);
          timer = undefined;
        }
        redraw(`${mark} ${withDetail(step)}  ${seconds(step)}\n`);
      };
      try {
        const result = await work((text) => {
          step.detail = text;
          if (live) redraw();
          else logDetail(step);
        });
        end('✔');
        return result;
      } catch (error) {
        end('✖');
        throw error;
      }
    },
  };
}
