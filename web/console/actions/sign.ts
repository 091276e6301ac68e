import { pushOff } from '../model/push';
import { makePasskey, showPasskey } from '../model/passkey';
import { go } from '../model/route.svelte';
import { screen } from '../model/screen.svelte';
import { rememberedWorkspace, sync } from '../sync/sync';
import { always, type Action } from './action';

/** What is needed after the password. */
export interface Second { second_factor?: boolean; totp?: boolean; passkey?: boolean }

interface Asked { ceremony: string; options: unknown }

/** Goes in, or says that a second factor is needed first. */
async function enter(answer: Second | null, needCode: (second: Second) => void): Promise<void> {
  if (answer?.second_factor) needCode(answer);
  else await sync.enter(rememberedWorkspace());
}

export const signIn: Action<{ email: string; password: string; needCode: (second: Second) => void }> = {
  id: 'sign-in',
  titleKey: 'sign.in',
  group: 'desk',
  available: always,
  async run({ email, password, needCode }) {
    await enter(await sync.client.post<Second>('/session', { email, password }), needCode);
  },
};

export const secondFactor: Action<string> = {
  id: 'second-factor',
  titleKey: 'sign.code',
  group: 'desk',
  available: always,
  async run(code) {
    await sync.client.post('/session/second-factor', { code });
    await sync.enter(rememberedWorkspace());
  },
};

/** By a passkey: instead of the password, or behind it. */
export const passkeySignIn: Action<{ second: boolean }> = {
  id: 'sign-in-passkey',
  titleKey: 'sign.passkey',
  group: 'desk',
  available: always,
  async run({ second }) {
    const path = second ? '/session/second-factor/passkey' : '/session/passkey';
    const asked = await sync.client.post<Asked>(path + '/options', {});
    await sync.client.post(path, { ceremony: asked!.ceremony, response: await showPasskey(asked!.options) });
    await sync.enter(rememberedWorkspace());
  },
};

export const addPasskey: Action<{ name: string; password: string; done: (recovery: string[]) => void }> = {
  id: 'add-passkey',
  titleKey: 'passkey.add',
  group: 'setup',
  available: always,
  async run({ name, password, done }) {
    const asked = await sync.client.post<Asked>('/me/passkeys/options', { password: password || undefined });
    const response = await makePasskey(asked!.options);
    const made = await sync.client.post<{ recovery?: string[] }>('/me/passkeys', { ceremony: asked!.ceremony, response, name });
    sync.resources.changed('/me');
    done(made?.recovery ?? []);
  },
};

export interface Provider { name: string; reachable: boolean }

/** Who else can vouch for an operator, and whether they can be asked now. */
export const providers: Action<(list: Provider[]) => void> = {
  id: 'providers',
  titleKey: 'action.ask',
  group: 'desk',
  available: always,
  async run(done) {
    done((await sync.client.get<{ items: Provider[] }>('/session/providers')).items);
  },
};

export const providerSignIn: Action = {
  id: 'sign-in-provider',
  titleKey: 'sign.in',
  group: 'desk',
  available: always,
  async run() {
    location.href = (await sync.client.post<{ url: string }>('/session/provider', {}))!.url;
  },
};

export const signInByLink: Action<{ code: string; needCode: (second: Second) => void }> = {
  id: 'sign-in-link',
  titleKey: 'sign.link',
  group: 'desk',
  available: always,
  async run({ code, needCode }) {
    await enter(await sync.client.post<Second>('/session/link', { code }), needCode);
  },
};

export const signOut: Action = {
  id: 'sign-out',
  titleKey: 'action.signout',
  group: 'desk',
  available: always,
  async run() {
    // What is only here needs a word first; it stays sealed on this device.
    if (sync.pending.count && screen.opened !== 'leaving') screen.opened = 'leaving';
    else {
      screen.opened = '';
      await pushOff().catch(() => {});
      await sync.leave();
    }
  },
};

export const openDesk: Action = { id: 'open-desk', titleKey: 'action.again', group: 'desk', available: always, run: () => sync.open() };

export const switchWorkspace: Action<string> = {
  id: 'switch-workspace',
  titleKey: 'action.workspace',
  group: 'desk',
  available: always,
  async run(id) {
    localStorage.setItem('holdfast.workspace', id);
    await sync.enter(id);
    go('inbox', 'open');
  },
};
