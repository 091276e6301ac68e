import { describe, expect, it } from 'vitest';
import { Client } from './client';
import { uuid7 } from './uuid';

describe('the client', () => {
  it('guards what changes things, names the workspace, and leaves out what is empty', async () => {
    const seen: { url: string; init: RequestInit }[] = [];
    const client = new Client('', async (url, init) => {
      seen.push({ url: String(url), init: init! });
      return new Response('{}');
    });
    await client.get('/conversations', { view: 'open', tag: '', cursor: undefined });
    client.workspace = 'w1';
    await client.post('/teams', { id: '1' });
    const headers = seen.map((s) => s.init.headers as Record<string, string>);
    expect(seen[0]!.url).toBe('/api/v1/conversations?view=open');
    expect(headers[0]!['Holdfast-Client']).toBeUndefined();
    expect(headers[1]).toMatchObject({ 'Holdfast-Client': 'console', 'Holdfast-Workspace': 'w1', 'Content-Type': 'application/json' });
    expect(client.href('/messages/1/raw', { remote: false })).toBe('/api/v1/messages/1/raw?workspace=w1');
  });

  it('says a refusal in the desk’s words, and a proxy’s page as what it is', async () => {
    const answers = [new Response(JSON.stringify({ code: 'conversation.closed', message: 'closed', next: 'Reopen it.', field: 'text' }), { status: 409 }), new Response('<html>502</html>', { status: 502 })];
    const client = new Client('', async () => answers.shift()!);
    await expect(client.post('/x')).rejects.toMatchObject({ status: 409, code: 'conversation.closed', next: 'Reopen it.', field: 'text', again: false });
    await expect(client.post('/x')).rejects.toMatchObject({ status: 502, code: 'http.502', again: true });
  });

  it('tells apart nobody there and too slow', async () => {
    const gone = new Client('', async () => {
      throw new TypeError('failed');
    });
    await expect(gone.get('/x')).rejects.toMatchObject({ code: 'network.offline', again: true });
    const slow = new Client('', (_, init) => new Promise((_, reject) => init!.signal!.addEventListener('abort', () => reject(init!.signal!.reason))));
    await expect(slow.call('GET', '/x', { deadline: 20 })).rejects.toMatchObject({ code: 'network.deadline' });
  });

  it('reports a lost session, but not a wrong password or code', async () => {
    let out = 0;
    let code = 'signin.refused';
    const client = new Client('', async () => new Response(JSON.stringify({ code, message: 'y' }), { status: 401 }));
    client.onSignedOut = () => out++;
    await expect(client.post('/session', {})).rejects.toBeTruthy();
    await expect(client.post('/me/password', {})).rejects.toBeTruthy();
    code = 'totp.wrong';
    await expect(client.post('/me/totp/confirm', {})).rejects.toBeTruthy();
    expect(out).toBe(0);
    for (code of ['session.unknown', 'signin.needed', 'session.second_factor']) await expect(client.get('/me')).rejects.toBeTruthy();
    expect(out).toBe(3);
  });
});

describe('ids', () => {
  it('are version 7, differ, and sort by when they were made', () => {
    const ids = Array.from({ length: 5000 }, () => uuid7());
    expect(new Set(ids).size).toBe(ids.length);
    expect([...ids].sort()).toEqual(ids);
    for (const id of ids.slice(0, 50)) expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  });

  it('do not go back with the clock', () => {
    const later = uuid7(Date.now() + 60_000);
    expect(uuid7() > later).toBe(true);
  });
});
