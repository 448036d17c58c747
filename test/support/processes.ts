import { existsSync, readdirSync, readFileSync } from 'node:fs';

/** Every other process on this machine whose command line or environment names a folder; none where there is no /proc. */
export function processesOf(dir: string): number[] {
  if (!existsSync('/proc')) return [];
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .filter((pid) => {
      try {
        return ['environ', 'cmdline'].some((file) => readFileSync(`/proc/${pid}/${file}`, 'utf8').includes(dir));
      } catch {
        // It ended while we looked.
        return false;
      }
    })
    .map(Number);
}
