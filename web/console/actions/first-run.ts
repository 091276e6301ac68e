import { sync } from '../sync/sync';
import { always, type Action } from './action';

export interface FirstDesk {
  code: string; name: string; language: string; time_zone: string;
  operator: { name: string; email: string; password: string };
  /** An empty kind means that the first channel comes later. */
  channel: { kind: string; name: string; settings?: Record<string, unknown> };
}

export const startDesk: Action<FirstDesk> = {
  id: 'start-desk',
  titleKey: 'start.own',
  group: 'desk',
  available: always,
  async run(desk) {
    await sync.client.post('/start/desk', desk, { deadline: 60_000 });
    await sync.open();
  },
};

export const startDemo: Action<string> = {
  id: 'start-demo',
  titleKey: 'start.demo',
  group: 'desk',
  available: always,
  async run(code) {
    // The demo writes tens of thousands of entries before it answers.
    await sync.client.post('/start/demo', { code }, { deadline: 180_000 });
    await sync.open();
  },
};
