// The demo: bare nodes to a proven live migration with one command, and nothing left behind unless it was asked for.
import path from 'node:path';
import { describe, expect, inject, it } from 'vitest';
import { isListening } from '../../client/temporal-server/ports.ts';
import { ROOT } from '../support/built-setup.ts';
import { type Program, waitForOutput } from '../../proof/rig/processes.ts';
import { waitFor } from '../../proof/rig/waiting.ts';
import { killAll, startNode } from '../support/processes.ts';
import { endsWithAll, temporaryFolder } from '../support/ends.ts';

const ends = endsWithAll();
const home = temporaryFolder('watari-demo-', ends);
ends(killAll);

const watari = (args: string[], env: Record<string, string> = {}): Program =>
  startNode([path.join(ROOT, 'dist', 'client', 'main.js'), ...args], {
    cwd: home,
    env: {
      WATARI_HOME: home,
      TEMPORAL_CLI_PATH: inject('temporal').cliPath,
      NO_COLOR: '1',
      ...env,
    },
  });

interface Places {
  temporal: string;
  lab: string;
}

async function placesOf(demo: Program): Promise<Places> {
  const [, temporal = ''] = await waitForOutput(demo, /Temporal +(127\.0\.0\.1:\d+)/);
  const [, lab = ''] = await waitForOutput(demo, /Lab +http:\/\/(127\.0\.0\.1:\d+)/);
  return { temporal, lab };
}

const answers = (address: string): Promise<boolean> => {
  const [host = '', port] = address.split(':');
  return isListening(host, Number(port));
};

const nothingAnswers = ({ temporal, lab }: Places): Promise<true> =>
  waitFor(
    'the server and the lab to be gone',
    async () => !(await answers(temporal)) && !(await answers(lab)),
  );

describe('watari demo', () => {
  it('--keep proves a live migration and goes on running, until --stop leaves nothing', async () => {
    const demo = watari(['demo', '--keep']);
    const places = await placesOf(demo);
    expect(await demo.ended, demo.stdout() + demo.stderr()).toBe(0);
    const text = demo.stdout();
    // Plain lines without a terminal: every step, live percent, the summary with evidence and the link.
    expect(text).toMatch(/hv1\/restart .*waits for HV1 to come back/);
    expect(text).toMatch(/vm\/web-1\/move .*\d+ %/);
    expect(text).toMatch(/done in \d+ s/);
    expect(text).toMatch(/uptime .* -> .*/);
    expect(text).toContain('/workflows/watari%2Fhv-lab%2Fapply/');
    expect(text).toContain('watari demo --stop');
    expect(text).not.toContain('\u001b[');

    const file = path.join(ROOT, 'lab', 'scenarios', 'demo.cluster.yaml');
    const again = watari(['cluster', 'apply', '-f', file], { TEMPORAL_ADDRESS: places.temporal });
    expect(await again.ended, again.stderr()).toBe(0);
    expect(again.stdout()).toMatch(/[Nn]othing to (do|change)/);

    const stop = watari(['demo', '--stop']);
    expect(await stop.ended, stop.stderr()).toBe(0);
    await nothingAnswers(places);
  });

  it('leaves nothing running after Ctrl+C', async () => {
    const demo = watari(['demo']);
    const places = await placesOf(demo);
    await waitForOutput(demo, /hv1\/restart/);
    demo.child.kill('SIGINT');
    expect(await demo.ended).toBe(130);
    await nothingAnswers(places);
  });

  it('leaves nothing running after kill -9', async () => {
    const demo = watari(['demo']);
    const places = await placesOf(demo);
    await demo.kill();
    await nothingAnswers(places);
  });
});
