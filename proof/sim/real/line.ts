// The network between one node's worker and the Temporal server, which a fault can cut: connections break, and new ones
// are refused until it is mended. A worker whose line is cut for good is, to the server, as dead as after kill -9.
import net from 'node:net';

/** Passes on what either says. Either may go at any time, and the other one then goes too. */
export function join(inside: net.Socket, outside: net.Socket, open: Set<net.Socket>): void {
  for (const socket of [inside, outside]) {
    open.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => {
      open.delete(socket);
      inside.destroy();
      outside.destroy();
    });
  }
  inside.pipe(outside).pipe(inside);
}

export class Line {
  /** `host:port` for the worker. */
  readonly address: string;
  private isCut = false;
  private readonly door: net.Server;
  private readonly sockets: Set<net.Socket>;

  private constructor(door: net.Server, sockets: Set<net.Socket>) {
    const address = door.address();
    if (address === null || typeof address === 'string') throw new Error('the line has no port');
    this.address = `127.0.0.1:${address.port}`;
    this.door = door;
    this.sockets = sockets;
    door.on('connection', (inside) => {
      if (this.isCut) inside.destroy();
    });
  }

  static async open(to: string): Promise<Line> {
    const colon = to.lastIndexOf(':');
    const [host, port] = [to.slice(0, colon), Number(to.slice(colon + 1))];
    const sockets = new Set<net.Socket>();
    const door = net.createServer({ noDelay: true }, (inside) => {
      if (inside.destroyed) return;
      const outside = net.connect({ host, port, noDelay: true });
      join(inside, outside, sockets);
    });
    await new Promise<void>((resolve) => door.listen(0, '127.0.0.1', resolve));
    return new Line(door, sockets);
  }

  cut(): void {
    this.isCut = true;
    for (const socket of this.sockets) socket.destroy();
  }

  mend(): void {
    this.isCut = false;
  }

  close(): void {
    this.cut();
    this.door.close();
  }
}
