// A survey as the nodes of a snapshot would tell it, so that tests can ask both about the same cluster.
import type { Snapshot } from '../../domain/facts.ts';
import { nodeSurveyOf, type Survey, type SurveyAnswer } from '../../domain/fleet/survey.ts';
import { sameName } from '../../domain/names.ts';

export function surveyFrom(s: Snapshot, links: Readonly<Record<string, number>> = {}): Survey {
  const { takenAt, answeredBy, cluster, nodes, networks, sharedVolumes, roles } = s.view;
  const answers = Object.entries(s.nodes).map(([name, answer]): [string, SurveyAnswer] => {
    if (!('view' in answer)) return [name, answer];
    const { view } = answer;
    const bytesPerSecond = links[name] ?? null;
    const survey = nodeSurveyOf({
      host: view.host,
      services: view.services,
      switches: view.switches,
      migration: view.migration,
      vms: view.vms,
      movesAway: view.movesAway ?? [],
      roles: roles.filter((role) => sameName(role.owner, name)),
      volumes: sharedVolumes,
      links: [{ network: 'Net1', bytesPerSecond }],
      owners: true,
    });
    return [name, { survey }];
  });
  return {
    cluster: {
      takenAt,
      answeredBy,
      cluster,
      nodes,
      networks,
      sharedVolumes,
      coreOwner: null,
      rolesOn: {},
    },
    nodes: Object.fromEntries(answers),
  };
}
