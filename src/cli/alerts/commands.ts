import type { Command } from 'commander';
import { perform, subcommand } from '../command.ts';

const actions = () => import('./actions.ts');

/** Adds `alerts` and `alerts test`. */
export function addAlertCommands(program: Command): void {
  const alerts = subcommand(program, 'alerts', 'list what fires; exits with 1 when something does', [
    'alerts',
    'alerts --json | jq .alerts',
    'alerts test',
  ]).action(perform(async () => (await actions()).list));
  subcommand(alerts, 'test', 'send a test alert to ALERT_WEBHOOK_URL, and say what came back', ['alerts test']).action(
    perform(async () => (await actions()).test),
  );
}
