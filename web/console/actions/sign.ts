import { rememberedWorkspace, sync } from '../sync/sync';
import { always, type Action } from './action';

export const signIn: Action<{ email: string; password: string; needCode: () => void }> = {
  id: 'sign-in',
  titleKey: 'sign.in',
  group: 'desk',
  available: always,
  async run({ email, password, needCode }) {
    const answer = await sync.client.post<{ signed_in?: boolean; second_factor?: boolean }>('/session', { email, password });
    if (answer?.second_factor) needCode();
    else await sync.enter(rememberedWorkspace());
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

export const signInByLink: Action<string> = {
  id: 'sign-in-link',
  titleKey: 'sign.link',
  group: 'desk',
  available: always,
  async run(code) {
    await sync.client.post('/session/link', { code });
    await sync.enter(rememberedWorkspace());
  },
};

export const signOut: Action = {
  id: 'sign-out',
  titleKey: 'action.signout',
  group: 'desk',
  available: always,
  async run() {
    await sync.client.delete('/session');
    sync.signedOut();
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
    location.hash = '#/inbox/open';
  },
};
