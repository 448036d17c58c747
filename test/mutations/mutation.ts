/** An exact piece of a source, and what to put in its place. */
export interface Edit {
  file: string;
  find: string;
  put: string;
}

/** A guard that is taken away, and the suites that should notice. */
export interface Mutation {
  name: string;
  edits: Edit[];
  /** As `npm test -- <suite>` takes them. */
  suites: string[];
}
