import { plain } from '../../texts/format';
import { language, t } from '../../texts/text.svelte';
import { sync } from '../sync/sync';
import { concern, isQuiet, type NoticeKind } from './concern';
import { sayWhatIsLookedAt, seenAnywhere } from './looking.svelte';
import { play } from './sound';
import type { Conversation, Entry, NoticeView, Operator } from './words';

/** How old an entry may be that somebody is still told of: what came while the line was down is news. */
const stale = 10 * 60_000;

/** Whether this tab is the one that tells: of several, whoever holds the lock. */
let tells = false;
let listening = '';

/** Begins to tell this operator what asks for them, once for whoever is signed in. */
export function listen(): void {
  const who = `${sync.me?.operator.id} ${sync.me?.workspace.id}`;
  if (listening === who) return;
  const first = !listening;
  listening = who;
  sync.store.onEntry = (e) => void heard(e);
  void sync.resources.fetch('/me/notices');
  if (!first) return;
  sayWhatIsLookedAt();
  if (navigator.locks) void navigator.locks.request('holdfast.notices', () => { tells = true; return new Promise(() => {}); });
  else tells = true;
  navigator.serviceWorker?.addEventListener('message', ({ data }: MessageEvent<{ type?: string; place?: string }>) => {
    if (data?.type === 'show' && data.place) location.hash = data.place;
  });
}

async function heard(e: Entry): Promise<void> {
  const me = sync.me;
  if (!tells || !me || Date.now() - Date.parse(e.at) > stale) return;
  const inConversation = e.kind.startsWith('conversation.') || e.kind.startsWith('message.');
  if (!inConversation && e.kind !== 'setup.changed') return;
  const team = (sync.resources.get<{ items: Operator[] }>('/operators').data?.items ?? []).find((o) => o.id === me.operator.id)?.teams ?? [];
  const reader = { id: me.operator.id, role: me.role, teams: team };
  let c: Partial<Conversation> | undefined = sync.store.conversations.get(e.subject) ?? sync.store.pages.get(e.subject);
  // Whose it is must be known for a message alone; the rest says so itself.
  if (!c && e.kind === 'message.received') c = await sync.client.get<Conversation>('/conversations/' + e.subject).catch(() => undefined);
  const kind = concern(e, reader, c?.operator ?? '');
  if (!kind) return;
  if (!c && inConversation) c = await sync.client.get<Conversation>('/conversations/' + e.subject).catch(() => undefined);
  const view = sync.resources.get<NoticeView>('/me/notices').data;
  if (!view || isQuiet(view.settings, me.workspace.time_zone, new Date())) return;
  if (inConversation && (await seenAnywhere(e.subject))) return;
  const ways = view.settings[kind];
  if (ways.sound) play(kind);
  if (ways.desktop) await show(kind, inConversation ? e.subject : '', c?.customer?.name ?? '', c?.number ?? Number(e.body.number ?? 0));
}

/** Tells by a window of the system, if the person has allowed it. Of the customer it says no more than the name. */
async function show(kind: NoticeKind | 'test', conversation: string, who: string, n: number): Promise<void> {
  if (typeof Notification === 'undefined' || Notification.permission !== 'granted') return;
  const title = who || sync.me?.workspace.name || t('app.name');
  const options: NotificationOptions = {
    body: t('notice.' + kind, { number: plain(n) }),
    lang: language(),
    dir: language() === 'fa' ? 'rtl' : 'ltr',
    icon: './icon.svg',
    tag: 'holdfast-' + (conversation || kind),
    data: { conversation },
  };
  const worker = await navigator.serviceWorker?.getRegistration();
  if (worker?.active) return worker.showNotification(title, options).catch(() => {});
  const shown = new Notification(title, options);
  shown.onclick = () => {
    window.focus();
    if (conversation) location.hash = '#/inbox/open/' + conversation;
    shown.close();
  };
}

/** What a person may be told by on this device: "granted", "denied", "default" (not asked yet), or "" where there is nothing. */
export const permission = (): NotificationPermission | '' => (typeof Notification === 'undefined' ? '' : Notification.permission);

export const askPermission = (): Promise<NotificationPermission> => Notification.requestPermission();

/** Sounds and shows one now, whatever the hour. */
export async function tryOut(): Promise<void> {
  play('reply');
  await show('test', '', '', 0);
}
