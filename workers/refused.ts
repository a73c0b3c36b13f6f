// A worker that cannot be started as asked. Apart from node-worker.ts, which cannot even be loaded on some computers.

/** The message is for a person, without a stack. */
export class WorkerRefused extends Error {}
