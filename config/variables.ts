// What a process is told by its surroundings: for every reader of variables in this folder.

export type Environment = Readonly<Record<string, string | undefined>>;
