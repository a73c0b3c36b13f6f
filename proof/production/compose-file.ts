// docker-compose.yml as data: its services with variables filled in, as Compose does it. What the production set-up
// without containers runs is read from there and nowhere else, so that what is tested is what ships.
import path from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';

export interface Service {
  name: string;
  environment: Record<string, string>;
  entrypoint: string[];
  command: string[];
  mounts: { source: string; target: string }[];
  /** Program and arguments; null when nobody looks. */
  healthcheck: string[] | null;
  /** Comes back when it ends by itself. */
  restarts: boolean;
  needs: string[];
}

const serviceSchema = z.looseObject({
  environment: z.record(z.string(), z.coerce.string()).default({}),
  entrypoint: z.array(z.string()).default([]),
  command: z.array(z.string()).default([]),
  volumes: z.array(z.string()).default([]),
  healthcheck: z.looseObject({ test: z.array(z.string()) }).optional(),
  restart: z.string().default('no'),
  depends_on: z.record(z.string(), z.unknown()).default({}),
});
const composeSchema = z.looseObject({ services: z.record(z.string(), serviceSchema) });

/**
 * `${NAME}`, `${NAME:-default}` and `${NAME:?what is missing}`; `$$` is a dollar sign.
 * @throws when a variable with `:?` is not set
 */
export function interpolate(text: string, env: Readonly<Record<string, string>>): string {
  return text.replace(
    /\$(?:(\$)|\{([A-Z_]+)(?:(:-|:\?)([^}]*))?\})/g,
    (...match: (string | undefined)[]) => {
      const [, dollar, name = '', how, word = ''] = match;
      if (dollar !== undefined) return dollar;
      const value = env[name] ?? '';
      if (value !== '') return value;
      if (how === ':?') throw new Error(`${name} is not set: ${word === '' ? 'it must be' : word}`);
      return how === ':-' ? word : '';
    },
  );
}

/** @param folder where the file lies: its mounts are relative to it. */
export function readCompose(
  text: string,
  folder: string,
  env: Readonly<Record<string, string>>,
): Map<string, Service> {
  const fill = (value: string): string => interpolate(value, env);
  const { services } = composeSchema.parse(parse(text, { merge: true }));
  return new Map(
    Object.entries(services).map(([name, s]) => [
      name,
      {
        name,
        environment: Object.fromEntries(
          Object.entries(s.environment).map(([key, value]) => [key, fill(value)]),
        ),
        entrypoint: s.entrypoint.map(fill),
        command: s.command.map(fill),
        mounts: s.volumes.filter((volume) => volume.startsWith('.')).map((v) => mountOf(v, folder)),
        healthcheck: s.healthcheck?.test.slice(1).map(fill) ?? null,
        restarts: s.restart === 'unless-stopped',
        needs: Object.keys(s.depends_on),
      },
    ]),
  );
}

function mountOf(volume: string, folder: string): Service['mounts'][number] {
  const [source = '', target = ''] = volume.split(':');
  return { source: path.resolve(folder, source), target };
}
