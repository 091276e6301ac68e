/** What went wrong with a request, in the desk's own words where it spoke at all. */
export class Fault extends Error {
  constructor(
    /** HTTP status; 0 when the desk was not reached. */
    readonly status: number,
    /** Stable code: "conversation.closed"; "network.offline" and "network.deadline" are made here. */
    readonly code: string,
    message: string,
    readonly next = '',
    readonly field = '',
    /** Of "conversation.changed": the messages that others have written since. */
    readonly since: unknown[] = [],
  ) {
    super(message);
    this.name = 'Fault';
  }

  /** Whether the same request may succeed later, so that it is right to offer it again. */
  get again(): boolean {
    return this.status === 0 || this.status === 429 || this.status >= 500;
  }
}

/** Reads an error answer; a body that is not the desk's (a proxy's page) still gives a Fault. */
export function faultOf(status: number, body: unknown): Fault {
  const b = (body ?? {}) as Record<string, unknown>;
  const text = (key: string) => (typeof b[key] === 'string' ? (b[key] as string) : '');
  return new Fault(status, text('code') || `http.${status}`, text('message') || text('detail') || text('title') || `HTTP ${status}`, text('next'), text('field'), Array.isArray(b.since) ? b.since : []);
}

export function asFault(error: unknown): Fault {
  if (error instanceof Fault) return error;
  return new Fault(0, 'internal', error instanceof Error ? error.message : String(error));
}
