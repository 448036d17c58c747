import { Readable } from 'node:stream';
import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { readLines } from '../../lib/readLines.ts';
import { TARGET_KINDS, type TargetKind } from '../../poll/model.ts';
import { Problem, problemSchema, security } from './problem.ts';
import { labelsSchema, newIdSchema, type TargetsService } from './targetSchemas.ts';

const NDJSON = 'application/x-ndjson';
const IDS_PER_STEP = 5_000;
/** Lines of a file that replaces all targets: they are held in memory until the last one is read. */
const MOST_REPLACING = 1_000_000;
/** Bad lines that are named. */
const MOST_NAMED = 20;
/** A million targets take seconds to write; reading them is limited by the server. */
const TRANSFER_MS = 5 * 60_000;

const lineSchema = z.object({
  kind: z.enum(TARGET_KINDS, 'expected user or game'),
  id: newIdSchema,
  labels: labelsSchema.optional(),
});
type Line = z.output<typeof lineSchema>;

const badSchema = z.object({ line: z.number().int(), expected: z.string() });
type Bad = z.output<typeof badSchema>;

/** `GET …/targets/export`: all targets, one JSON object a line, as `…/targets/import` takes them. */
export function targetExport(scope: FastifyInstance, targets: TargetsService): void {
  scope.get(
    '/targets/export',
    {
      handlerTimeout: TRANSFER_MS,
      schema: {
        operationId: 'exportTargets',
        summary: `All targets as ${NDJSON}, a line each, for …/targets/import`,
        tags: ['targets'],
        response: {
          200: { description: 'kind, id, and labels if there are some', content: { [NDJSON]: { schema: z.string() } } },
        },
      },
    },
    (_request, reply) => {
      reply.type(NDJSON).header('content-disposition', 'attachment; filename="targets.ndjson"');
      return reply.send(Readable.from(all()));
    },
  );

  async function* all(): AsyncGenerator<string> {
    for (const kind of TARGET_KINDS) {
      let after: string | undefined;
      for (;;) {
        const ids = await targets.list(kind, after, IDS_PER_STEP);
        const labels = await targets.labelsOf(kind, ids);
        const lines = ids.map((id) => `${JSON.stringify({ kind, id, labels: labels.get(id) })}\n`);
        if (lines.length > 0) yield lines.join('');
        after = ids.at(-1);
        if (ids.length < IDS_PER_STEP) break;
      }
    }
  }
}

/** `POST …/targets/import` adds what a file names; `PUT …/targets` makes it all there is. */
export function targetImport(scope: FastifyInstance, targets: TargetsService): void {
  const app = scope.withTypeProvider<ZodTypeProvider>();
  app.addContentTypeParser(NDJSON, (_request, payload, done) => done(null, payload));
  const common = { tags: ['targets'], consumes: [NDJSON] };

  app.post(
    '/targets/import',
    {
      handlerTimeout: TRANSFER_MS,
      schema: {
        ...common,
        operationId: 'importTargets',
        security,
        summary: 'Watch what each line names: {"kind":"user","id":"141981764","labels":["vip"]}',
        response: {
          200: z.object({
            lines: z.number().int(),
            added: z.number().int().describe('Those that were not watched before'),
            bad: z.number().int().describe('Lines that were left out'),
            firstBad: z.array(badSchema),
          }),
          '4xx': problemSchema,
        },
      },
    },
    async (request) => {
      const result = { lines: 0, added: 0, bad: 0, firstBad: [] as Bad[] };
      let step: Line[] = [];
      const write = async () => {
        result.added += await addAll(step);
        step = [];
      };
      for await (const { no, line, bad } of parse(request.body)) {
        result.lines = no;
        if (line) step.push(line);
        if (bad !== undefined) {
          result.bad += 1;
          if (result.firstBad.length < MOST_NAMED) result.firstBad.push({ line: no, expected: bad });
        }
        if (step.length >= IDS_PER_STEP) await write();
      }
      await write();
      request.audit('targets imported', { lines: result.lines, count: result.added, bad: result.bad });
      return result;
    },
  );

  app.put(
    '/targets',
    {
      handlerTimeout: TRANSFER_MS,
      schema: {
        ...common,
        operationId: 'replaceTargets',
        security,
        summary: 'Watch what the lines name and nothing else; if one is bad, nothing is changed',
        response: { 200: z.object({ added: z.number().int(), removed: z.number().int() }), '4xx': problemSchema },
      },
    },
    async (request) => {
      const lines: Line[] = [];
      const bad: Bad[] = [];
      for await (const { no, line, bad: expected } of parse(request.body)) {
        if (line) lines.push(line);
        if (expected !== undefined && bad.length < MOST_NAMED) bad.push({ line: no, expected });
        if (lines.length > MOST_REPLACING) throw new Problem(413, `expected at most ${MOST_REPLACING} lines`);
      }
      const [first] = bad;
      if (first) throw new Problem(400, `nothing was changed; line ${first.line}: ${first.expected}`);
      // An empty file is rather a mistake than a wish.
      if (lines.length === 0) throw new Problem(400, 'nothing was changed: expected at least one line');
      const added = await addAll(lines);
      let removed = 0;
      for (const kind of TARGET_KINDS) {
        const wanted = new Set(lines.filter((line) => line.kind === kind).map(({ id }) => id));
        removed += await removeOthers(kind, wanted);
      }
      request.audit('targets replaced', { count: lines.length, added, removed });
      return { added, removed };
    },
  );

  async function addAll(lines: readonly Line[]): Promise<number> {
    let added = 0;
    const groups = Map.groupBy(lines, ({ kind, labels }) => JSON.stringify([kind, labels]));
    for (const group of groups.values()) {
      const [{ kind, labels } = { kind: 'user' as const, labels: undefined }] = group;
      for (let at = 0; at < group.length; at += IDS_PER_STEP) {
        const ids = [...new Set(group.slice(at, at + IDS_PER_STEP).map(({ id }) => id))];
        added += await targets.add(kind, ids, labels);
      }
    }
    return added;
  }

  async function removeOthers(kind: TargetKind, wanted: ReadonlySet<string>): Promise<number> {
    let removed = 0;
    let after: string | undefined;
    for (;;) {
      const ids = await targets.list(kind, after, IDS_PER_STEP);
      removed += await targets.remove(
        kind,
        ids.filter((id) => !wanted.has(id)),
      );
      after = ids.at(-1);
      if (ids.length < IDS_PER_STEP) return removed;
    }
  }
}

async function* parse(body: unknown): AsyncGenerator<{ no: number; line?: Line; bad?: string }> {
  if (!(body instanceof Readable)) throw new Problem(415, `expected the content type ${NDJSON}`);
  let no = 0;
  try {
    for await (const { lines } of readLines(body)) {
      for (const text of lines) {
        no += 1;
        if (text.trim() === '') continue;
        yield { no, ...parseLine(text) };
      }
    }
  } catch (error) {
    // Of the body alone: what its reader throws does not come through here.
    throw new Problem(400, (error as Error).message, { cause: error });
  }
}

function parseLine(text: string): { line: Line } | { bad: string } {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { bad: 'expected a JSON object, such as {"kind":"user","id":"141981764"}' };
  }
  const { data, error } = lineSchema.safeParse(value);
  if (data) return { line: data };
  const [issue] = error.issues;
  return { bad: `${issue?.path.join('.') || 'line'}: ${issue?.message}` };
}
