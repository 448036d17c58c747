export { deliverStreams } from './deliverStreams.ts';
export { pollStreams } from './pollStreams.ts';
