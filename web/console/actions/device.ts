import { keepDrafts } from '../model/composer.svelte';
import { carryIn as open, carryOut as seal } from '../sync/carry';
import { sync } from '../sync/sync';
import { Fault } from '../model/words';
import { always, type Action } from './action';

/** Loads the page again with the newer build; what is being written is kept. */
export const takeUpdate: Action = {
  id: 'take-update',
  titleKey: 'update.reload',
  group: 'desk',
  available: always,
  async run() {
    await keepDrafts();
    sync.update.take();
  },
};

export const unlock: Action<{ pin: string; wrong: (left: number) => void }> = {
  id: 'unlock',
  titleKey: 'lock.open',
  group: 'desk',
  available: always,
  async run({ pin, wrong }) {
    const answer = await sync.unlock(pin);
    if (answer !== true) wrong(answer);
  },
};

/** An empty one takes the PIN away. */
export const setPin: Action<string> = {
  id: 'set-pin',
  titleKey: 'device.pin.set',
  group: 'setup',
  available: always,
  async run(pin) {
    const key = await sync.deskKey();
    if (!key) throw new Fault(0, 'network.offline', 'The desk cannot be reached.');
    await sync.device.setPin(pin, key);
    sync.store.changed('pin');
  },
};

/** Saves what is only on this device as a file. */
export const carryOut: Action<string> = {
  id: 'carry-out',
  titleKey: 'carry.out',
  group: 'setup',
  available: always,
  async run(passphrase) {
    const url = URL.createObjectURL(new Blob([await seal(sync.me!, sync.pending.list, sync.files, passphrase)], { type: 'application/json' }));
    const a = document.createElement('a');
    a.href = url;
    a.download = `holdfast-${new Date().toISOString().slice(0, 10)}.unsent.json`;
    a.click();
    setTimeout(() => URL.revokeObjectURL(url), 10_000);
  },
};

export const carryIn: Action<{ file: Blob; passphrase: string; done: (n: number) => void }> = {
  id: 'carry-in',
  titleKey: 'carry.in',
  group: 'setup',
  available: always,
  async run({ file, passphrase, done }) {
    // Who carries it in is who sends it.
    done(await sync.pending.bring(await open(sync.me?.workspace.id, await file.text(), passphrase, sync.files)));
  },
};
