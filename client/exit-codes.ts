// What the watari command tells the shell. Documented in docs/commands.md; scripts depend on these numbers.

export const EXIT = {
  done: 0,
  /** A run failed or was cancelled, a plan has blockers, a command could not do what it was asked. */
  failed: 1,
  /** The command line, a file or the environment is wrong; nothing was changed. */
  badInput: 2,
  /** No Temporal server, or not this namespace. */
  unreachable: 3,
  /** A step waits for retry, skip or abort. */
  needsOperator: 4,
  /** `cluster plan`, `node scan`, `cluster balance`, `--dry-run`, `--out`: something would be done. */
  changesPending: 5,
  /** Ctrl+C; what runs in Temporal goes on. */
  interrupted: 130,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];
