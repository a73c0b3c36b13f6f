// Free ports below 32768. Temporal keeps its own in a signed 16 bit column of PostgreSQL ("value 42031 is out of range
// for type smallint"), and above begins what Linux gives to outgoing connections, which would take a port whose server
// is down for a moment.
import { whyPortIsTaken } from '../../client/temporal-server/ports.ts';

const FROM = 20_000;
const TO = 32_000;

export async function lowPorts(ip: string, count: number): Promise<number[]> {
  const ports: number[] = [];
  while (ports.length < count) {
    const port = FROM + Math.floor(Math.random() * (TO - FROM));
    if (!ports.includes(port) && (await whyPortIsTaken(ip, port)) === null) ports.push(port);
  }
  return ports;
}
