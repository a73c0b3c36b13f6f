// What the event log of a node tells of those that the lab remembers.
import type { BlackoutFacts, EventFacts } from '../../domain/event-facts.ts';
import { BLACKOUT, type LabEvent } from './records.ts';
import type { Asked } from './refusal.ts';

const eventsSince = ({ world, node }: Asked, since: string): LabEvent[] =>
  world.records.events.filter(
    (event) => event.node === node.name && Date.parse(event.time) >= Date.parse(since),
  );

/** Warnings and errors. */
export const events = (asked: Asked, since: string, max: number): EventFacts[] =>
  eventsSince(asked, since)
    .filter(({ level }) => level <= 3)
    .slice(-max)
    .map(({ more: _, ...facts }) => facts);

export const blackouts = (asked: Asked, since: string, max: number): BlackoutFacts[] =>
  eventsSince(asked, since)
    .filter(({ id }) => id === BLACKOUT.usual || id === BLACKOUT.long)
    .slice(-max)
    .flatMap(({ vmIds: [vmId], more: [seconds], recordId, time }) =>
      vmId === undefined || seconds === undefined
        ? []
        : [{ vmId, seconds: Number(seconds), recordId, time }],
    );
