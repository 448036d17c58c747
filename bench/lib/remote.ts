import { fork } from 'node:child_process';
import { once } from 'node:events';
import { type BirpcReturn, createBirpc } from 'birpc';

/** Functions that another process serves. */
export interface Remote<Functions extends object> {
  /** Each rejects when the process has ended. */
  calls: BirpcReturn<Functions>;
  close(): Promise<void>;
}

/** Starts a file that serves its functions with {@link serve}, as a process of its own. */
export function startRemote<Functions extends object>(file: string, env = process.env): Remote<Functions> {
  const child = fork(file, { env, serialization: 'advanced' });
  const exited = once(child, 'exit');
  const calls = createBirpc<Functions>(
    {},
    { post: (message) => child.send(message), on: (listen) => void child.on('message', listen), timeout: -1 },
  );
  void exited.then(() => calls.$close(new Error(`${file} has ended`)));
  return {
    calls,
    async close() {
      child.kill('SIGKILL');
      await exited;
    },
  };
}

/** In such a process: serves these functions until the process that started it ends. */
export function serve(functions: object): void {
  createBirpc(functions, {
    post: (message) => process.send?.(message),
    on: (listen) => void process.on('message', listen),
  });
  process.on('disconnect', () => process.exit());
  // Ctrl-C reaches the whole group; the benchmark still has questions.
  process.on('SIGINT', () => {});
}
