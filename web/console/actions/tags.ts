import { sync } from '../sync/sync';
import { always, type Action } from './action';

interface Change { tag: string; done: (conversations: number) => void }
interface Answer { conversations: number }

/** A tag may be on many thousands of conversations. */
const long = { deadline: 600_000 };
const path = (tag: string) => '/tags/' + encodeURIComponent(tag);
function changed(): void {
  sync.resources.changed('/tags', '/macros', '/views');
  sync.fetching.refreshLists();
}

export const renameTag: Action<Change & { name: string }> = {
  id: 'rename-tag',
  titleKey: 'tags.rename',
  group: 'setup',
  available: always,
  async run({ tag, name, done }) {
    try {
      done((await sync.client.call<Answer>('PUT', path(tag), { ...long, body: { name } })).conversations);
    } finally {
      changed();
    }
  },
};

export const removeTag: Action<Change> = {
  id: 'remove-tag',
  titleKey: 'action.remove',
  group: 'setup',
  available: always,
  async run({ tag, done }) {
    try {
      done((await sync.client.call<Answer>('DELETE', path(tag), long)).conversations);
    } finally {
      changed();
    }
  },
};
