// Reads scenario files: YAML -> schema -> is this state possible? Every problem is told with file, line and column,
// and a name that is not known with the nearest one that is.
import { customIssue } from '../../config/schema-issues.ts';
import { suggest } from '../../domain/suggest.ts';
import { loadYamlDocument, parseYamlDocument } from '../../config/yaml-document.ts';
import { checkScenario } from './checks.ts';
import { scenarioSchema, type Scenario } from './schema.ts';

export type { Fault } from './fault-schema.ts';
export type { Scenario } from './schema.ts';

const possibleScenario = scenarioSchema.superRefine((scenario, context) => {
  for (const { path, message, unknown } of checkScenario(scenario)) {
    const hint = unknown === undefined ? undefined : suggest(unknown.name, unknown.known);
    context.addIssue(customIssue(message, hint, path));
  }
});

/** `file` is only named in messages. The only error is ConfigError. */
export const parseScenario = (text: string, file: string): Scenario =>
  parseYamlDocument(text, file, possibleScenario);

/** The only error is ConfigError, also for a file that is not there. */
export const loadScenario = (path: string): Scenario => loadYamlDocument(path, possibleScenario);
