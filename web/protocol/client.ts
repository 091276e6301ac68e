import { Fault, faultOf } from './fault';

type Query = Record<string, string | number | boolean | undefined | null>;

export interface Options {
  query?: Query;
  body?: unknown;
  /** Sent as it is, with its own type. */
  raw?: Blob;
  /** Milliseconds until the answer must be there. */
  deadline?: number;
  signal?: AbortSignal;
  /** The same key twice is the same command. */
  key?: string;
  text?: boolean;
}

/** Speaks HTTP with one desk: deadlines, the workspace, the guard header, and errors as Faults. */
export class Client {
  /** Empty means the operator's default. */
  workspace = '';
  /** Told when the desk says that nobody is signed in. */
  onSignedOut: () => void = () => {};

  constructor(
    private readonly origin = '',
    private readonly fetcher: typeof fetch = (...a) => fetch(...a),
  ) {}

  get<T>(path: string, query?: Query, signal?: AbortSignal): Promise<T> {
    return this.call<T>('GET', path, { query, signal });
  }
  post<T>(path: string, body?: unknown, options: Options = {}): Promise<T> {
    return this.call<T>('POST', path, { ...options, body: body ?? {} });
  }
  put<T>(path: string, body?: unknown): Promise<T> {
    return this.call<T>('PUT', path, { body: body ?? {} });
  }
  patch<T>(path: string, body: unknown): Promise<T> {
    return this.call<T>('PATCH', path, { body });
  }
  delete<T>(path: string): Promise<T> {
    return this.call<T>('DELETE', path, {});
  }

  /** The address of something that the browser itself fetches: a frame, an image, a download. */
  href(path: string, query: Query = {}): string {
    return this.origin + '/api/v1' + path + search({ ...query, workspace: this.workspace });
  }

  async call<T>(method: string, path: string, o: Options): Promise<T> {
    const deadline = AbortSignal.timeout(o.deadline ?? (o.raw ? 300_000 : 20_000));
    const headers: Record<string, string> = { Accept: o.text ? '*/*' : 'application/json' };
    if (method !== 'GET') headers['Holdfast-Client'] = 'console';
    if (this.workspace) headers['Holdfast-Workspace'] = this.workspace;
    if (o.key) headers['Idempotency-Key'] = o.key;
    let body: BodyInit | undefined;
    if (o.raw) {
      body = o.raw;
      headers['Content-Type'] = o.raw.type || 'application/octet-stream';
    } else if (o.body !== undefined) {
      body = JSON.stringify(o.body);
      headers['Content-Type'] = 'application/json';
    }
    let answer: Response;
    try {
      answer = await this.fetcher(this.origin + '/api/v1' + path + search(o.query ?? {}), {
        method,
        headers,
        body,
        credentials: 'same-origin',
        signal: o.signal ? AbortSignal.any([o.signal, deadline]) : deadline,
      });
    } catch (error) {
      if (o.signal?.aborted) throw error;
      if (deadline.aborted) throw new Fault(0, 'network.deadline', 'The desk did not answer in time.');
      throw new Fault(0, 'network.offline', 'The desk cannot be reached.');
    }
    if (o.text && answer.ok) return (await answer.text()) as T;
    const parsed = await parse(answer);
    if (answer.ok) return parsed as T;
    const fault = faultOf(answer.status, parsed);
    // A wrong password or code is refused in the same way, and the session lives on.
    if (answer.status === 401 && !path.startsWith('/session') && /^(signin\.needed|session\.)/.test(fault.code)) this.onSignedOut();
    throw fault;
  }
}

async function parse(answer: Response): Promise<unknown> {
  const text = await answer.text().catch(() => '');
  if (!text) return null;
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function search(query: Query): string {
  const p = new URLSearchParams();
  for (const [key, value] of Object.entries(query)) {
    if (value !== undefined && value !== null && value !== '' && value !== false) p.set(key, String(value));
  }
  const s = p.toString();
  return s ? '?' + s : '';
}
