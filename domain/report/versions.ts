// Which Windows and which boot every node had when a run first looked at it, and when it last did. Pure.
import type { IsoTime } from '../facts.ts';
import { sameName } from '../names.ts';
import { isPlain, textAt, type Plain } from './event.ts';
import type { NodeSeen, NodeVersions } from './run-record.ts';

/** Answers nest: an examination holds looks, which hold a host. */
const DEPTH_MAX = 4;

/** Nodes in the order in which they were seen; later sightings go over earlier ones. */
export class Versions {
  readonly nodes: NodeSeen[] = [];

  /** @param node whose answer it is, where the answer itself does not say. */
  see(answer: unknown, node: string | null, at: IsoTime, depth = 0): void {
    if (!isPlain(answer) || depth > DEPTH_MAX) return;
    const about = textAt(answer, 'node') ?? node;
    const seen = versionsOf(answer, at);
    if (about !== null && seen !== null) this.note(about, seen);
    for (const inner of Object.values(answer)) this.see(inner, about, at, depth + 1);
  }

  private note(node: string, seen: NodeVersions): void {
    const known = this.nodes.find((n) => sameName(n.node, node));
    if (known === undefined) {
      this.nodes.push({ node, first: seen, last: seen });
      return;
    }
    known.first = filled(known.first, seen);
    known.last = filled(seen, known.last);
  }
}

function versionsOf(answer: Plain, at: IsoTime): NodeVersions | null {
  const revision = answer['updateRevision'] ?? revisionOf(textAt(answer, 'build'));
  const seen: NodeVersions = {
    at,
    osVersion: textAt(answer, 'osVersion'),
    updateRevision: typeof revision === 'number' ? revision : null,
    bootTime: textAt(answer, 'bootTime'),
  };
  const { osVersion, updateRevision, bootTime } = seen;
  return osVersion === null && updateRevision === null && bootTime === null ? null : seen;
}

/** 4652 of `26100.4652`, as whoever asks for updates is told. */
const revisionOf = (build: string | null): number | null => {
  const revision = /^\d+\.(\d+)$/.exec(build ?? '')?.[1];
  return revision === undefined ? null : Number(revision);
};

/** Not every answer tells everything. */
const filled = (from: NodeVersions, other: NodeVersions): NodeVersions => ({
  at: from.at,
  osVersion: from.osVersion ?? other.osVersion,
  updateRevision: from.updateRevision ?? other.updateRevision,
  bootTime: from.bootTime ?? other.bootTime,
});
