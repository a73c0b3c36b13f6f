// Versions of Windows before and after, from answers that each tell a part.
import { expect, it } from 'vitest';
import { Versions } from '../../domain/report/versions.ts';

it('reads the revision from the build that a search for updates tells', () => {
  const versions = new Versions();
  versions.see({ host: { osVersion: '10.0.26100' } }, 'HV1', '2026-12-01T07:00:00.000Z');
  versions.see({ build: '26100.4652' }, 'HV1', '2026-12-01T07:01:00.000Z');
  versions.see({ build: '26100.7171' }, 'hv1', '2026-12-01T08:00:00.000Z');
  expect(versions.nodes).toMatchObject([
    { first: { osVersion: '10.0.26100', updateRevision: 4652 }, last: { updateRevision: 7171 } },
  ]);
});
