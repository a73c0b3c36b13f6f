// Processes of a test: with the environment of the tests, and ended with the test or its file.
import { Programs, type Program, type StartOptions } from '../../proof/rig/processes.ts';

export const programs = new Programs();

/** @param o `env` is added to ours; undefined takes a variable away. */
export const start = (command: string, args: string[], o: StartOptions = {}): Program =>
  programs.start(command, args, { ...o, env: { ...process.env, ...o.env } });

/** The same, with this Node. */
export const startNode = (args: string[], o?: StartOptions): Program =>
  start(process.execPath, args, o);

/** For `afterEach` and `afterAll`. */
export const killAll = (): Promise<void> => programs.killAll();
