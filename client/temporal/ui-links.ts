// Links into the Temporal UI: where a run can be looked at, and where all runs that wait for a person are listed.
import { ATTRIBUTE } from '../../domain/names.ts';

/** The dev server and our compose file serve the UI a thousand ports above the API. */
const UI_PORT_OFFSET = 1000;

export interface UiLinks {
  run(run: string, runId: string): string;
  schedule(id: string): string;
  needsOperator: string;
}

/** @param uiBase WATARI_UI, when it is set: for servers whose UI cannot be derived from their address. */
export function uiLinks(o: {
  address: string;
  namespace: string;
  uiBase?: string | undefined;
}): UiLinks {
  const base = (o.uiBase ?? deriveBase(o.address)).replace(/\/+$/, '');
  const space = `${base}/namespaces/${encodeURIComponent(o.namespace)}`;
  const root = `${space}/workflows`;
  return {
    run: (run, runId) => `${root}/${encodeURIComponent(run)}/${encodeURIComponent(runId)}`,
    schedule: (id) => `${space}/schedules/${encodeURIComponent(id)}`,
    needsOperator: `${root}?query=${encodeURIComponent(`${ATTRIBUTE.needsOperator}=true`)}`,
  };
}

function deriveBase(address: string): string {
  if (/\.tmprl\.cloud(:\d+)?$|\.api\.temporal\.io(:\d+)?$/.test(address)) {
    return 'https://cloud.temporal.io';
  }
  const match = /^(.*?)(?::(\d+))?$/.exec(address);
  const host = match?.[1] === undefined || match[1] === '' ? '127.0.0.1' : match[1];
  const port = Number(match?.[2] ?? 7233) + UI_PORT_OFFSET;
  return `http://${host}:${port}`;
}
