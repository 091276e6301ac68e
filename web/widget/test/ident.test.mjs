import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import { load } from './load.mjs';

const { newId, sha1, storedId, onAccent, Speech, TEXTS } = await load('ident', 'color', 'texts');
const hex = (b) => Buffer.from(b).toString('hex');

test('SHA-1 is that of the standard', async () => {
  const { createHash } = await import('node:crypto');
  assert.equal(hex(sha1(new TextEncoder().encode('abc'))), 'a9993e364706816aba3e25717850c26c9cd0d89d');
  for (const size of [0, 1, 54, 55, 56, 63, 64, 65, 119, 120, 1000]) {
    const data = new Uint8Array(size).map((_, i) => i * 7);
    assert.equal(hex(sha1(data)), createHash('sha1').update(data).digest('hex'), `${size} bytes`);
  }
});

test('the widget and the desk derive the same id', () => {
  // The same vector stands in channel/chat's tests.
  assert.equal(
    storedId('0197a3f0-1c2d-7abc-8def-0123456789ab', '0197a3f0-0000-7000-8000-000000000001', '0197a3f0-0000-7000-8000-00000000000f'),
    '0197a3f0-0000-82ad-87f8-38ea5d368410',
  );
});

test('ids are version 7, and later ones sort later', () => {
  const ids = Array.from({ length: 500 }, () => newId());
  for (const id of ids) assert.match(id, /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  assert.deepEqual([...ids].sort(), ids);
  assert.equal(new Set(ids).size, ids.length);
  const back = newId(0); // the clock was set back
  assert.ok(back > ids[ids.length - 1]);
});

test('text on a colour can be read', () => {
  assert.equal(onAccent('#0b6e5f'), '#fff');
  assert.equal(onAccent('#ffd400'), '#111');
  assert.equal(onAccent('#000000'), '#fff');
  assert.equal(onAccent('#ffffff'), '#111');
});

test('every word exists in every language', () => {
  const keys = Object.keys(TEXTS.en).sort();
  for (const [lang, t] of Object.entries(TEXTS)) {
    assert.deepEqual(Object.keys(t).sort(), keys, lang);
    for (const k of keys) if (typeof t[k] === 'string') assert.ok(t[k], `${lang} ${k}`);
    assert.deepEqual(Object.keys(t.refused).sort(), Object.keys(TEXTS.en.refused).sort(), lang);
  }
});

test('counts, numbers and days are those of the language', () => {
  const [en, ru, fa] = ['en', 'ru', 'fa'].map((l) => new Speech(l));
  assert.equal(en.count(en.t.unread, 1), '1 new message');
  assert.equal(ru.count(ru.t.unread, 1), '1 новое сообщение');
  assert.equal(ru.count(ru.t.unread, 3), '3 новых сообщения');
  assert.equal(ru.count(ru.t.unread, 5), '5 новых сообщений');
  assert.equal(ru.count(ru.t.unread, 21), '21 новое сообщение');
  assert.equal(fa.count(fa.t.unread, 12), '۱۲ پیام تازه');
  assert.equal(fa.dir, 'rtl');
  const now = new Date(2026, 10, 22, 0, 30);
  assert.equal(ru.day(new Date(2026, 10, 22, 0, 1), now), 'Сегодня');
  assert.equal(ru.day(new Date(2026, 10, 21, 23, 59), now), 'Вчера');
  assert.equal(ru.day(new Date(2026, 10, 3, 12), now), '3 ноября');
  assert.equal(fa.day(new Date(2026, 10, 3, 12), now), '۱۲ آبان'); // the reader's calendar
});
