import { draftOf } from '../model/composer.svelte';
import { sync } from '../sync/sync';
import type { ID } from '../model/words';
import { always, inConversation, type Action } from './action';

/** Records what a customer has said about one of their addresses. */
export const recordConsent: Action<{ customer: ID; scheme: string; value: string; purpose: string; given: boolean; proof: string }> = {
  id: 'record-consent',
  titleKey: 'consent.title',
  group: 'desk',
  available: always,
  async run({ customer, ...body }) {
    await sync.client.put(`/customers/${customer}/consents`, body);
    sync.resources.changed(`/customers/${customer}`);
  },
};

/** Says which way a customer prefers; empty for none in particular. */
export const preferWay: Action<{ customer: ID; scheme: string }> = {
  id: 'prefer-way',
  titleKey: 'ways.prefers',
  group: 'desk',
  available: always,
  async run({ customer, scheme }) {
    await sync.client.put(`/customers/${customer}/preference`, { schemes: scheme ? [scheme] : [] });
    sync.resources.changed(`/customers/${customer}`);
  },
};

/** Writes by another channel. */
export const chooseWay: Action<{ conversation: ID; channel: ID }> = {
  id: 'choose-way',
  titleKey: 'way.choose',
  group: 'conversation',
  available: inConversation,
  run({ conversation, channel }) {
    draftOf(conversation).channel = channel;
  },
};
