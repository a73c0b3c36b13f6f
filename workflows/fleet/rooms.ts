// Room on every node as the moves of one run change it: what a plan promised to a VM may still be taken by one that has
// to leave first. Moves that are under way the ledger counts.
import { condition } from '@temporalio/workflow';
import { sameName } from '../../domain/names.ts';

const PATIENCE = '30m';

export class Rooms {
  private readonly rooms: { node: string; bytes: number }[];

  /** Free beyond the reserve, as the look saw it that the plan was made from. */
  constructor(rooms: { node: string; bytes: number }[]) {
    this.rooms = rooms.map((room) => ({ ...room }));
  }

  of(node: string): number {
    return this.rooms.find((room) => sameName(room.node, node))?.bytes ?? 0;
  }

  moved(from: string, to: string, bytes: number): void {
    for (const room of this.rooms) {
      if (sameName(room.node, from)) room.bytes += bytes;
      if (sameName(room.node, to)) room.bytes -= bytes;
    }
  }

  /** Waits until there is enough, but not for ever: what was to leave may be held up, and then another node may do. */
  async enough(node: string, bytes: number): Promise<void> {
    const isEnough = (): boolean => this.of(node) >= bytes;
    if (!isEnough()) await condition(isEnough, PATIENCE, { summary: `Room on ${node}` });
  }
}
