import { createSubscriber } from 'svelte/reactivity';
import { sync } from '../sync/sync';
import type { Resource } from '../sync/resource';

const watches = new Map<string, () => void>();

/** Makes whoever reads now read again when a topic of the store changes. */
export function watch(topic: string): void {
  let w = watches.get(topic);
  if (!w) {
    w = createSubscriber((update) => {
      const off = sync.store.on(topic, update);
      return () => {
        off();
        watches.delete(topic);
      };
    });
    watches.set(topic, w);
  }
  w();
}

/** A resource of the desk by its path, kept fresh while it is looked at. */
export function resource<T>(path: string): Resource<T> {
  watch('resource:' + path);
  return sync.resources.get<T>(path);
}

/** The items of a list resource; empty until they are there. */
export function items<T>(path: string): T[] {
  return resource<{ items: T[] | null }>(path).data?.items ?? [];
}

export const moreOf = (path: string): Promise<void> => sync.resources.more(path);
export const refetch = (path: string): Promise<void> => sync.resources.fetch(path);
