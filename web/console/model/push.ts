import { sync } from '../sync/sync';
import { Fault, type NoticeView } from './words';

/** Which of the operator's devices this one is. */
const here = 'holdfast.push';

/** Pushes need a worker, which needs https (or localhost). */
export const canPush = (): boolean => 'serviceWorker' in navigator && 'PushManager' in window && isSecureContext;

export const pushDevice = (): string => localStorage.getItem(here) ?? '';

const bytes = (s: string): Uint8Array<ArrayBuffer> => Uint8Array.from(atob(s.replace(/-/g, '+').replace(/_/g, '/')), (c) => c.charCodeAt(0));

async function worker(): Promise<ServiceWorkerRegistration | undefined> {
  return navigator.serviceWorker?.getRegistration();
}

/** Takes pushes on this device. */
export async function pushOn(): Promise<void> {
  const r = await worker();
  if (!canPush() || !r?.active) throw new Fault(400, 'push.cannot', 'this browser takes no pushes here');
  if ((await Notification.requestPermission()) !== 'granted') throw new Fault(400, 'push.forbidden', 'the browser does not allow notices');
  const view = await sync.client.get<NoticeView>('/me/notices');
  let s: PushSubscription;
  try {
    // One made for another installation's key would be refused for ever.
    await (await r.pushManager.getSubscription())?.unsubscribe();
    s = await r.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: bytes(view.push_key) });
  } catch {
    throw new Fault(503, 'push.service', "the browser's push service does not answer");
  }
  const { endpoint, keys } = s.toJSON();
  const device = await sync.client.post<{ id: string }>('/me/push-devices', { endpoint, keys });
  localStorage.setItem(here, device!.id);
  sync.resources.changed('/me');
}

/** Takes no more pushes on this device. */
export async function pushOff(): Promise<void> {
  const id = pushDevice();
  if (!id) return;
  localStorage.removeItem(here);
  await (await (await worker())?.pushManager.getSubscription())?.unsubscribe();
  await sync.client.delete('/me/push-devices/' + id);
  sync.resources.changed('/me');
}
