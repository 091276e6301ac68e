import { t } from '../../texts/text.svelte';
import { go } from '../model/route.svelte';
import { screen } from '../model/screen.svelte';
import type { Broadcast, BroadcastPreview, BroadcastSpec, ID } from '../model/words';
import { sync } from '../sync/sync';
import { always, type Action } from './action';

const changed = (b: Broadcast) => sync.resources.changed('/broadcasts', '/broadcasts/' + b.id);

/** Writes a draft, whole. One that waits for a second person is a draft again. */
export const saveBroadcast: Action<{ id: ID; spec: BroadcastSpec; done?: () => void }> = {
  id: 'save-broadcast',
  titleKey: 'action.save',
  group: 'desk',
  available: always,
  async run({ id, spec, done }) {
    changed(await sync.client.put<Broadcast>('/broadcasts/' + id, spec));
    done?.();
  },
};

/** Asks what it would do. One that takes long to count is asked for again by whoever still wants to know. */
export const countBroadcast: Action<{ id: ID; spec: BroadcastSpec; done: (p: BroadcastPreview) => void }> = {
  id: 'count-broadcast',
  titleKey: 'action.ask',
  group: 'desk',
  available: always,
  async run({ id, spec, done }) {
    done(await sync.client.post<BroadcastPreview>(`/broadcasts/${id}/preview`, spec, { deadline: 30_000 }));
  },
};

const deed = (verb: 'start' | 'confirm' | 'pause' | 'resume' | 'cancel'): Action<ID> => ({
  id: verb + '-broadcast',
  titleKey: 'broadcasts.' + verb,
  group: 'desk',
  available: always,
  async run(id) {
    const b = await sync.client.post<Broadcast>(`/broadcasts/${id}/${verb}`, {}, { deadline: 60_000 });
    changed(b);
    screen.say(t('broadcasts.said.' + (verb === 'start' ? b.state : verb)));
  },
});
export const startBroadcast = deed('start');
export const confirmBroadcast = deed('confirm');
export const pauseBroadcast = deed('pause');
export const resumeBroadcast = deed('resume');
export const cancelBroadcast = deed('cancel');

/** Begins a new one with the words of another. */
export const copyBroadcast: Action<{ id: ID; spec: BroadcastSpec }> = {
  id: 'copy-broadcast',
  titleKey: 'broadcasts.copy',
  group: 'desk',
  available: always,
  async run({ id, spec }) {
    changed(await sync.client.put<Broadcast>('/broadcasts/' + id, spec));
    go('broadcasts', id);
  },
};

/** How many recipients there must be for a second person to be asked. */
export const setSecondAbove: Action<number> = {
  id: 'set-second-above',
  titleKey: 'action.save',
  group: 'setup',
  available: always,
  async run(n) {
    await sync.client.put('/broadcast-settings', { second_above: n });
    sync.resources.changed('/broadcast-settings');
  },
};
