// A door with TLS before a Temporal server that has none, like the embedded one: real handshakes with real
// certificates, and everything behind them passed on.
import net from 'node:net';
import tls from 'node:tls';
import { join } from '../../proof/sim/real/line.ts';

export interface TlsDoor {
  port: number;
  /** `localhost:PORT` */
  address: string;
  /** Connections that were let in. */
  admitted(): number;
  /** Connections that were tried. */
  tried(): number;
  close(): Promise<void>;
}

export interface TlsDoorOptions {
  /** PEM. */
  cert: string;
  key: string;
  /** Whose clients are let in. */
  ca: string;
  /** `host:port` of the server behind. */
  to: string;
  port?: number;
}

export async function openTlsDoor(options: TlsDoorOptions): Promise<TlsDoor> {
  const [host = '', port = ''] = options.to.split(':');
  const { cert, key, ca } = options;
  let admitted = 0;
  let tried = 0;
  const open = new Set<net.Socket>();
  const server = tls.createServer(
    { cert, key, ca, requestCert: true, rejectUnauthorized: true, ALPNProtocols: ['h2'] },
    (inside) => {
      admitted += 1;
      const outside = net.connect({ host, port: Number(port) });
      join(inside, outside, open);
    },
  );
  server.on('connection', () => (tried += 1));
  server.on('tlsClientError', () => undefined);
  await new Promise<void>((resolve) => server.listen(options.port ?? 0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the door has no port');
  return {
    port: address.port,
    address: `localhost:${address.port}`,
    admitted: () => admitted,
    tried: () => tried,
    close: async () => {
      for (const socket of open) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
