import { execFile } from 'node:child_process';
import { cpSync, lstatSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync } from 'node:fs';
import { basename, join, relative } from 'node:path';
import { promisify } from 'node:util';
import dockerignore from '@balena/dockerignore';
import { type Copy, DockerfileParser, type Instruction, type JSONInstruction } from 'dockerfile-ast';
import { plainEnvironment } from '../../sandbox/services/process.ts';

const run = promisify(execFile);

/** What a build made of the Dockerfile's last stage. */
export interface BuiltImage {
  /** Stands for the container's `/`. */
  root: string;
  /** The working directory, below `root`. */
  workdir: string;
  /** For a process in the image; `node` on its PATH is the one that runs the tests. */
  env: NodeJS.ProcessEnv;
  command: string[];
  healthcheck: string[];
  user: string;
  /** RUN steps that concern the operating system, which is the tester's own here. */
  skipped: string[];
}

/** Whether the file is left out of the build context, by the rules of `.dockerignore`. */
export function ignoredBy(rules: string, path: string): boolean {
  return dockerignore.default().add(rules).ignores(path);
}

/**
 * Does what `docker build` does with the Dockerfile in `context`, in folders in place of images: stages, COPY with
 * .dockerignore, RUN, ENV. System packages are not installed.
 */
export async function buildImage(context: string, dir: string): Promise<BuiltImage> {
  const bin = join(dir, 'bin');
  mkdirSync(bin, { recursive: true });
  symlinkSync(process.execPath, join(bin, 'node'));
  const ignore = readFileSync(join(context, '.dockerignore'), 'utf8');
  const dockerfile = DockerfileParser.parse(readFileSync(join(context, 'Dockerfile'), 'utf8'));
  const stages = new Map<string, BuiltImage>();
  let image: BuiltImage | undefined;

  for (const instruction of dockerfile.getInstructions()) {
    const keyword = instruction.getKeyword();
    const args = instruction.getArguments().map((argument) => argument.getValue());
    if (keyword === 'FROM') {
      const [base = '', , name = `stage${stages.size}`] = args;
      const root = join(dir, name);
      const from = stages.get(base);
      // Hard links: a stage that starts from another never changes a file of it.
      if (from) await run('cp', ['-al', from.root, root]);
      else mkdirSync(root);
      image = from ? moved(from, root) : emptyImage(root, bin);
      stages.set(name, image);
      continue;
    }
    if (!image) throw new Error(`${keyword} before FROM`);
    await STEPS[keyword]?.({ image, instruction, args, stages, context, ignore });
  }
  if (!image) throw new Error('the Dockerfile has no stage');
  return image;
}

function emptyImage(root: string, bin: string): BuiltImage {
  // What is in npm's cache need not be asked for again: the lock file names the contents.
  const env = plainEnvironment({ npm_config_prefer_offline: 'true' });
  env.PATH = `${bin}:${env.PATH}`;
  return { root, workdir: root, env, command: [], healthcheck: [], user: 'root', skipped: [] };
}

function moved(from: BuiltImage, root: string): BuiltImage {
  const move = (text: string) => text.replaceAll(from.root, root);
  const env = Object.fromEntries(Object.entries(from.env).map(([name, value = '']) => [name, move(value)]));
  return { ...from, root, workdir: move(from.workdir), env };
}

interface Step {
  image: BuiltImage;
  instruction: Instruction;
  args: string[];
  stages: ReadonlyMap<string, BuiltImage>;
  context: string;
  ignore: string;
}

const STEPS: Record<string, (step: Step) => void | Promise<void>> = {
  WORKDIR({ image, args: [path = ''] }) {
    image.workdir = join(image.root, path);
    mkdirSync(image.workdir, { recursive: true });
  },
  ENV({ image, args }) {
    for (const argument of args) {
      const [name = '', value = ''] = argument.split(/=(.*)/s);
      image.env[name] = value.startsWith('/') ? join(image.root, value) : value;
    }
  },
  COPY({ image, instruction, args, stages, context, ignore }) {
    const from = (instruction as Copy).getFromFlag()?.getValue();
    const target = args.at(-1) as string;
    for (const source of args.slice(0, -1)) {
      const root = from ? stages.get(from)?.root : context;
      if (!root) throw new Error(`COPY --from=${from}: no such stage`);
      const path = join(root, source);
      const isFolder = statSync(path).isDirectory();
      const to = join(image.workdir, target, !isFolder && target.endsWith('/') ? basename(source) : '');
      let copied = 0;
      const filter = (file: string) => {
        const kept = from !== undefined || lstatSync(file).isDirectory() || !ignoredBy(ignore, relative(context, file));
        if (kept && !lstatSync(file).isDirectory()) copied += 1;
        return kept;
      };
      cpSync(path, to, { recursive: true, filter, verbatimSymlinks: true });
      if (copied === 0) throw new Error(`COPY ${source}: .dockerignore leaves nothing of it`);
    }
  },
  async RUN({ image, instruction }) {
    const script = instruction.getArgumentsContent() ?? '';
    if (script.startsWith('apt-get ')) {
      image.skipped.push(script);
      return;
    }
    await run('sh', ['-c', script], { cwd: image.workdir, env: image.env, timeout: 180_000 });
  },
  USER({ image, args: [user = ''] }) {
    image.user = user;
  },
  CMD({ image, instruction }) {
    image.command = execForm(instruction as JSONInstruction);
  },
  HEALTHCHECK({ image, instruction }) {
    const text = instruction.getArgumentsContent() ?? '';
    image.healthcheck = JSON.parse(text.slice(text.indexOf('['))) as string[];
  },
};

/** The shell form would put a shell between the container runtime's signals and Node. */
function execForm(instruction: JSONInstruction): string[] {
  const words = instruction.getJSONStrings().map((word) => word.getJSONValue());
  if (words.length === 0) throw new Error(`${instruction.getKeyword()} is not in exec form`);
  return words;
}

/** Paths of all files below a folder, relative to it, without what is in `node_modules`. */
export function filesOf(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isDirectory())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
    .filter((path) => !path.startsWith('node_modules/'));
}
