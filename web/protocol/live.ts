import type { ClientFrame, Frame } from './desk';

export type LiveState = 'off' | 'connecting' | 'live' | 'lost';

export interface LiveOptions {
  /** Where to resume: the last number that has been applied. */
  after: () => number;
  url: (transport: 'socket' | 'events', after: number) => string;
  onFrame: (frame: Frame) => void;
  onState: (state: LiveState) => void;
  /** Milliseconds without any frame after which a connection is dead: pings come every 5 s. */
  silence?: number;
  Socket?: typeof WebSocket;
  Events?: typeof EventSource;
  random?: () => number;
}

/**
 * One resumable stream of what happens on the desk. It prefers a WebSocket,
 * falls back to server-sent events where a network blocks it, and reconnects
 * with growing pauses from the number that was applied last.
 *
 * It keeps no frames: the reader's cursor decides what is missed.
 */
export class Live {
  private transport: 'socket' | 'events' = 'socket';
  private failures = 0;
  private socket: WebSocket | undefined;
  private events: EventSource | undefined;
  private watch: ReturnType<typeof setTimeout> | undefined;
  private retry: ReturnType<typeof setTimeout> | undefined;
  private greeted = false;
  private stopped = true;

  constructor(private readonly o: LiveOptions) {}

  start(): void {
    if (!this.stopped) return;
    this.stopped = false;
    this.connect();
  }

  stop(): void {
    this.stopped = true;
    clearTimeout(this.retry);
    this.drop();
    this.o.onState('off');
  }

  /** Tries at once instead of waiting for the pause to end, for a page that comes back to the front. */
  hurry(): void {
    if (this.stopped || this.greeted) return;
    clearTimeout(this.retry);
    this.drop();
    this.connect();
  }

  /** Says something to the desk. Presence alone goes this way, so it may be lost. */
  send(frame: ClientFrame): void {
    if (this.socket?.readyState === 1) this.socket.send(JSON.stringify(frame));
  }

  private connect(): void {
    this.o.onState('connecting');
    this.greeted = false;
    const url = this.o.url(this.transport, this.o.after());
    this.alive();
    if (this.transport === 'socket') {
      const Socket = this.o.Socket ?? WebSocket;
      const socket = new Socket(url);
      this.socket = socket;
      socket.onmessage = (e) => this.socket === socket && this.take(String(e.data));
      socket.onclose = socket.onerror = () => this.socket === socket && this.lost();
    } else {
      const Events = this.o.Events ?? EventSource;
      const events = new Events(url, { withCredentials: true });
      this.events = events;
      const take = (e: MessageEvent) => this.events === events && this.take(String(e.data));
      events.onmessage = take;
      // A server may name its events after the frames.
      for (const name of ['hello', 'entry', 'caught_up', 'reset', 'typing', 'presence', 'ping']) {
        events.addEventListener(name, take as EventListener);
      }
      events.onerror = () => this.events === events && this.lost();
    }
  }

  private take(data: string): void {
    let frame: Frame;
    try {
      frame = JSON.parse(data) as Frame;
    } catch {
      return;
    }
    this.alive();
    if (!this.greeted) {
      this.greeted = true;
      this.failures = 0;
      this.o.onState('live');
    }
    this.o.onFrame(frame);
  }

  private alive(): void {
    clearTimeout(this.watch);
    this.watch = setTimeout(() => this.lost(), this.o.silence ?? 12_000);
  }

  private lost(): void {
    const had = this.greeted;
    this.drop();
    if (this.stopped) return;
    this.o.onState('lost');
    // A socket that never said hello, twice, is probably blocked on the way; a
    // stream of events that fails hands back to the socket.
    if (!had && (this.transport === 'events' || this.failures >= 1)) {
      this.transport = this.transport === 'socket' ? 'events' : 'socket';
    }
    const pause = Math.min(15_000, 400 * 2 ** Math.min(this.failures, 6)) * (0.5 + (this.o.random ?? Math.random)());
    this.failures += 1;
    this.retry = setTimeout(() => this.connect(), pause);
  }

  private drop(): void {
    clearTimeout(this.watch);
    const { socket, events } = this;
    this.socket = undefined;
    this.events = undefined;
    this.greeted = false;
    if (socket) socket.close();
    if (events) events.close();
  }
}
