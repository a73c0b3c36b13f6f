// The lab behind the port: in the same process, or through the HTTP door of a lab that is a process of its own.
import {
  HypervError,
  hostOf,
  type HypervErrorInfo,
  type HypervHost,
  type Op,
  type Reply,
} from '../hyperv/host.ts';
import type { Lab } from './machine/lab.ts';

/** One node of a lab in this process. Answers that take simulated time wait on the lab's clock. */
export function inProcessHost(lab: Lab, node: string): HypervHost {
  const name = lab.nodes().find((known) => known.toLowerCase() === node.toLowerCase());
  if (name === undefined)
    throw new RangeError(`The lab has no node '${node}'; it has ${lab.nodes().join(', ')}.`);
  const answer = lab.answer.bind(lab) as (n: string, op: Op, a: object) => Promise<Reply<unknown>>;
  return hostOf(name, (op, args) => answer(name, op, args));
}

/** What POST /nodes/:node/:op answers. */
export type LabReply =
  { reply: Reply<unknown> } | { error: { message: string; info: HypervErrorInfo } };

/** One node of a lab behind `url`. A lab that does not answer is a node that does not answer. */
export function loopbackHost({ url, node }: { url: string; node: string }): HypervHost {
  const base = url.replace(/\/+$/, '');
  return hostOf(node, async (op, args) => {
    const path = `${base}/nodes/${encodeURIComponent(node)}/${op}`;
    let answer: LabReply;
    try {
      const response = await fetch(path, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(args),
      });
      answer = (await response.json()) as LabReply;
    } catch (error) {
      const cause = error instanceof Error ? (error.cause ?? error) : error;
      const why = cause instanceof Error ? cause.message : String(cause);
      const message = `The lab at ${base} did not answer ${op} for ${node}: ${why}.`;
      throw new HypervError(message, { op, node, outcome: 'unknown' });
    }
    if ('reply' in answer) return answer.reply;
    throw new HypervError(answer.error.message, answer.error.info);
  });
}
