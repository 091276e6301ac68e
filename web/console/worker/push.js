// Pushes: the desk says on this device what asks for its operator, the console open
// or not. What comes is made by the desk in the operator's language and holds no word
// of a customer. A console that is looked at tells by itself, and one place is enough.
self.addEventListener('push', (e) => {
  let told;
  try {
    told = e.data.json();
  } catch {
    return;
  }
  e.waitUntil(tell(told));
});

async function tell(told) {
  const open = await self.clients.matchAll({ type: 'window', includeUncontrolled: true });
  if (told.kind !== 'test' && open.some((c) => c.visibilityState === 'visible')) return;
  await self.registration.showNotification(told.title, {
    body: told.body,
    lang: told.language,
    dir: told.language === 'fa' ? 'rtl' : 'ltr',
    icon: './icon.svg',
    // The same conversation again takes the place of what was said of it before.
    tag: 'holdfast-' + (told.conversation || told.run || told.kind),
    data: { conversation: told.conversation || '', run: told.run || '', workspace: told.workspace || '' },
  });
}

self.addEventListener('notificationclick', (e) => {
  e.notification.close();
  const { conversation, run } = e.notification.data ?? {};
  e.waitUntil(show(conversation ? '#/inbox/open/' + conversation : run ? '#/plans/run/' + run : '#/'));
});

async function show(place) {
  const open = await self.clients.matchAll({ type: 'window', includeUncontrolled: true });
  const one = open.find((c) => c.visibilityState === 'visible') ?? open[0];
  if (!one) return self.clients.openWindow('./' + place);
  await one.focus();
  one.postMessage({ type: 'show', place });
}

// The browser's maker moved this device: the desk is told its new address.
self.addEventListener('pushsubscriptionchange', (e) => {
  e.waitUntil(
    (async () => {
      const s = e.newSubscription ?? (e.oldSubscription && (await self.registration.pushManager.subscribe(e.oldSubscription.options)));
      if (!s) return;
      const { endpoint, keys } = s.toJSON();
      await fetch('./api/v1/me/push-devices', {
        method: 'POST',
        credentials: 'same-origin',
        headers: { 'Content-Type': 'application/json', 'Holdfast-Client': 'console' },
        body: JSON.stringify({ endpoint, keys }),
      });
    })(),
  );
});
