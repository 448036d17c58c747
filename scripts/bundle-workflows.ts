/**
 * Bundles the workflow code once, for images: `WORKFLOW_BUNDLE` then names the file, and a worker starts without the
 * second or two, and the memory, that bundling takes.
 *
 *   node scripts/bundle-workflows.ts <file>
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker';

const [file] = process.argv.slice(2);
if (!file) {
  process.stderr.write('usage: node scripts/bundle-workflows.ts <file>\n');
  process.exit(2);
}
const { code } = await bundleWorkflowCode({
  workflowsPath: fileURLToPath(new URL('../src/workflows/index.ts', import.meta.url)),
  // The bundler's statistics would hide what matters in the output of a build.
  logger: new DefaultLogger('WARN'),
});
mkdirSync(dirname(file), { recursive: true });
writeFileSync(file, code);
