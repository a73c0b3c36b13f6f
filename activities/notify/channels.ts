// The channels that a settings file describes.
import type { ChannelSettings } from '../../config/notify-file.ts';
import { readServicePlaces } from '../../config/service-places.ts';
import type { Channel } from './channel.ts';
import { eventLogChannel, runEventCreate, type EventLogMachine } from './event-log.ts';
import { slackChannel, teamsChannel, webhookChannel } from './http.ts';
import { mailChannel } from './mail.ts';

const thisMachine = (): EventLogMachine => ({
  platform: process.platform,
  systemRoot: readServicePlaces().systemRoot,
  run: runEventCreate,
});

export function channelOf(
  settings: ChannelSettings,
  now: () => Date,
  machine: EventLogMachine = thisMachine(),
): Channel {
  switch (settings.kind) {
    case 'teams':
      return teamsChannel(settings);
    case 'slack':
      return slackChannel(settings);
    case 'webhook':
      return webhookChannel(settings, now);
    case 'mail':
      return mailChannel(settings);
    case 'eventlog':
      return eventLogChannel(settings.channel, machine);
  }
}
