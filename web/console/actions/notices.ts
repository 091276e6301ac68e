import { askPermission, tryOut } from '../model/notices';
import { pushOff, pushOn } from '../model/push';
import { sync } from '../sync/sync';
import { always, type Action } from './action';

export const askNotices: Action = { id: 'ask-notices', titleKey: 'notices.ask', group: 'setup', available: always, run: () => askPermission() };

/** Sounds and shows one here, and pushes one to every device; hands over how many took it. */
export const testNotices: Action<(pushed: number) => void> = {
  id: 'test-notices',
  titleKey: 'notices.test',
  group: 'setup',
  available: always,
  async run(done) {
    await tryOut();
    done((await sync.client.post<{ sent: number }>('/me/notices/test', {}, { deadline: 60_000 }))?.sent ?? 0);
    sync.resources.changed('/me');
  },
};

export const pushHere: Action = { id: 'push-here', titleKey: 'push.on', group: 'setup', available: always, run: () => pushOn() };
export const pushNotHere: Action = { id: 'push-not-here', titleKey: 'push.off', group: 'setup', available: always, run: () => pushOff() };
