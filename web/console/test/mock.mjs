// A desk that exists only in memory, for looking at the console without the real
// one: node console/test/mock.mjs [port]. It speaks the contract's shapes, serves
// the built console, and is not shipped.
import { createServer } from 'node:http';
import { existsSync, readFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const dist = fileURLToPath(new URL('../../dist/console', import.meta.url));
const port = Number(process.argv[2] ?? 8099);
const id = (n) => `01970000-0000-7000-8000-${String(n).padStart(12, '0')}`;
const now = Date.now();
const at = (minutes) => new Date(now - minutes * 60_000).toISOString();
const clock = (minutes) => String(BigInt(now - minutes * 60_000) << 16n);
let lsn = 5000;
let signedIn = process.env.MOCK_SIGNED_OUT ? false : true;
const screens = new Set();
let language = process.env.MOCK_LANGUAGE ?? 'en';

const icon = (d) => `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="2" stroke-linecap="round" stroke-linejoin="round"><path d="${d}"/></svg>`;
const chat = id(801), mail = id(802);
const operators = [
  { id: id(1), name: 'Anna Petrova', email: 'anna@example.com', role: 'administrator', disabled: false, totp_on: true, teams: [id(51)], language: 'en' },
  { id: id(2), name: 'Реза Ахмади', email: 'reza@example.com', role: 'supervisor', disabled: false, totp_on: false, teams: [id(51), id(52)], language: 'fa' },
  { id: id(3), name: 'Joe Smith', email: 'joe@example.com', role: 'operator', disabled: false, totp_on: false, teams: [id(52)], language: 'en' },
];
const teams = [{ id: id(51), name: 'Support', members: [id(1), id(2)] }, { id: id(52), name: 'Счета и оплата', members: [id(2), id(3)] }];
const kinds = [
  { name: 'chat', title: 'Site chat', about: 'A chat on the pages of your site.', icon: icon('M21 11.5a8 8 0 0 1-8 8H5.6L3 22v-10.5a8 8 0 0 1 8-8h2a8 8 0 0 1 8 8Z'), scheme: 'visitor', needs: 'domestic', limits: { text: 4000, attachments: 5, html: false, subject: false, cc: false },
    fields: [{ name: 'title', label: 'Title', type: 'text', help: 'Stands above the chat.', default: 'How can we help?' }, { name: 'origins', label: 'Allowed sites', type: 'lines', help: 'One a line.' }, { name: 'secret', label: 'Identity secret', type: 'secret' }] },
  { name: 'email', title: 'E-mail', about: 'A mailbox, over IMAP and SMTP.', icon: icon('M3 6h18v12H3zM3 7l9 6 9-6'), scheme: 'mailto', needs: 'domestic', limits: { text: 0, attachments: 20, html: true, subject: true, cc: true },
    fields: [{ name: 'address', label: 'Address', type: 'text', required: true }, { name: 'imap_host', label: 'Server', type: 'text', section: 'imap', section_label: 'Receiving (IMAP)', required: true }, { name: 'imap_security', label: 'Security', type: 'select', section: 'imap', section_label: 'Receiving (IMAP)', options: [{ value: 'tls', label: 'TLS' }, { value: 'starttls', label: 'STARTTLS' }, { value: 'none', label: 'None' }] }, { name: 'imap_password', label: 'Password', type: 'secret', required: true, section: 'imap', section_label: 'Receiving (IMAP)' }, { name: 'idle', label: 'Wait for mail (IDLE)', type: 'bool', section: 'imap', section_label: 'Receiving (IMAP)', default: true }] },
];
const channels = [
  { id: chat, kind: 'chat', name: 'Shop chat', enabled: true, settings: { title: 'How can we help?', secret: { set: true }, origins: ['https://shop.example'] }, health: { state: 'up', last_ok: at(1) }, embed: `<script src="http://localhost:8080/widget.js" data-channel="${chat}" async></script>` },
  { id: mail, kind: 'email', name: 'support@farnet.example', enabled: true, settings: { address: 'support@farnet.example', imap_host: 'imap.farnet.example', imap_security: 'tls', imap_password: { set: true }, idle: true }, health: { state: 'degraded', reason: 'the server answers slowly', since: at(40), last_ok: at(12), missing: 2 } },
];
const people = [
  ['Maria Gonzalez', 'en', 'maria@example.com'], ['Иван Соколов', 'ru', 'sokolov@example.ru'], ['زهرا محمدی', 'fa', 'zahra@example.ir'], ['Peter O’Neill', 'en', 'peter@example.com'],
  ['Светлана Кузнецова', 'ru', 'sveta@example.ru'], ['علی رضایی', 'fa', 'ali@example.ir'], ['', 'en', ''], ['Дмитрий Ким', 'ru', 'kim@example.ru'],
].map(([name, lang, address], i) => ({
  id: id(300 + i), name, language: lang, company: i % 3 === 0 ? 'Farnet' : '', about: i === 0 ? 'Prefers e-mail. Has the business plan.' : '', created_at: at(60 * 24 * 30 * i),
  addresses: address ? [{ scheme: 'mailto', value: address, name, verified: i % 2 === 0, failing: i === 3 ? 'mailbox full' : '' }] : [{ scheme: 'visitor', value: id(900 + i) }],
}));
const lines = [
  ['The connection drops every evening', 'Hello! Since Monday the internet drops around eight in the evening. The modem lights stay green. See https://example.com/log.', 'Thank you, Maria. I see errors on your line and have asked a technician to look at it tomorrow morning.'],
  ['Не приходит счёт за ноябрь', 'Здравствуйте! Счёт за ноябрь так и не пришёл, хотя обычно приходит первого числа.', 'Иван, здравствуйте. Счёт отправлен повторно, проверьте, пожалуйста, почту.'],
  ['سرعت اینترنت پایین است', 'سلام، سرعت اینترنت من از دیروز خیلی پایین آمده و فیلم‌ها قطع و وصل می‌شوند. لطفاً بررسی کنید.', 'سلام خانم محمدی، خط شما بررسی شد. لطفاً مودم را یک بار خاموش و روشن کنید.'],
  ['Upgrade to 100 Mbit', 'Can I upgrade my plan this month?', 'Of course. It starts on the first.'],
  ['Переезд на новый адрес', 'Мы переезжаем, как перенести договор?', 'Светлана, нужен новый адрес и удобное время.'],
  ['', 'سلام، مودم جدید چه زمانی می‌رسد؟', 'تا پایان هفته به دست شما می‌رسد.'],
  ['', 'Hi, is anybody there?', 'Yes! How can I help?'],
  ['Возврат за простой', 'Три дня не было связи. Как получить перерасчёт?', 'Дмитрий, перерасчёт сделан автоматически.'],
];
const statuses = ['open', 'open', 'open', 'waiting', 'open', 'snoozed', 'open', 'resolved'];
const conversations = [];
const messages = new Map();
for (let i = 0; i < 64; i++) {
  const p = people[i % people.length], [subject, question, answer] = lines[i % lines.length], channel = subject ? mail : chat, ago = 3 + i * i * 3;
  const c = {
    id: id(1000 + i), number: 1200 - i, subject, state: statuses[i % 8], status: statuses[i % 8], operator: [id(1), '', id(2), id(3)][i % 4], team: i % 5 === 0 ? id(51) : '', priority: [1, 2, 1, 3, 0, 1][i % 6], channel,
    customer: { id: p.id, name: p.name }, preview: i % 3 ? question : answer, preview_direction: i % 3 ? 'in' : 'out', last_at: at(ago), last_clock: clock(ago), unread: i % 4 === 1 || i === 2, tags: [[], ['billing'], ['speed', 'vip'], ['سرعت']][i % 4], opened_at: at(ago + 3000),
  };
  if (c.state === 'snoozed') c.snooze_until = at(-60 * 20);
  conversations.push(c);
  const base = { conversation: c.id, channel, customer: p.id, attachments: [], subject: '', has_html: !!subject, has_raw: !!subject };
  const from = p.addresses[0];
  messages.set(c.id, [
    { ...base, id: id(20000 + i * 10), direction: 'in', author: '', at: at(ago + 1500), clock: clock(ago + 1500), from, text: question, subject, rest: subject ? '> On Monday you wrote:\n> Your contract is ready.\n--\n' + p.name : '', remote: i === 0, marks: i === 0 ? ['signed'] : [], attachments: i % 3 === 0 ? [{ id: id(7), name: 'speed-test.png', type: 'image/png', size: 184220, hash: 'x', thumb: 'y' }, { id: id(8), name: 'договор-2026.pdf', type: 'application/pdf', size: 1840220, hash: 'z' }] : [] },
    { ...base, id: id(20001 + i * 10), direction: 'note', author: id(2), at: at(ago + 900), clock: clock(ago + 900), text: 'Checked the line: 3 % loss at the cabinet. Ask Joe about the technician.', has_raw: false, has_html: false },
    { ...base, id: id(20002 + i * 10), direction: 'out', author: id(1), at: at(ago + 600), clock: clock(ago + 600), text: answer, recipient: from, delivery: { state: 'seen', attempts: 1 } },
    { ...base, id: id(20003 + i * 10), direction: 'out', author: id(1), at: at(ago + 598), clock: clock(ago + 598), text: 'OK', recipient: from, delivery: [{ state: 'delivered', attempts: 1 }, { state: 'failed', code: '550', reason: 'mailbox full', attempts: 3 }, { state: 'retry_wait', code: '451', reason: 'greylisted', attempts: 2, due_at: at(-4) }][i % 3] },
    { ...base, id: id(20004 + i * 10), direction: 'in', author: '', at: at(ago), clock: clock(ago), from, text: c.preview, subject },
  ]);
}
const outbox = ['queued', 'retry_wait', 'unknown', 'held', 'failed', 'accepted', 'delivered'].flatMap((state, i) => [0, 1].map((j) => ({
  message: id(40000 + i * 2 + j), conversation: conversations[i].id, number: conversations[i].number, channel: j ? chat : mail, to: people[i].addresses[0], state, attempts: i, due_at: at(-3), code: i > 1 && i < 5 ? '451' : '', reason: i > 1 && i < 5 ? 'the server closed the connection after the text was sent' : '', doubled: i === 2, preview: lines[i][2], at: at(30 * i + j),
})));
const arrivals = ['quarantined', 'auto_reply', 'bounce', 'loop', 'rejected'].map((reason, i) => ({ id: id(50000 + i), lsn: 300 + i, channel: mail, at: at(i * 600), reason, detail: ['the header says windows-1251, the text is not', 'Auto-Submitted: auto-replied', '550 no such user', 'our own Message-ID came back', 'a mail of 61 MB'][i], sender: `someone${i}@example.org`, subject: lines[i][0], has_raw: true, replayed: i === 3 }));
const permissions = ['conversations.read', 'conversations.write', 'conversations.assign', 'customers.read', 'customers.write', 'messages.raw', 'outbox.read', 'outbox.manage', 'setup.read', 'channels.manage', 'operators.manage', 'workspace.manage', 'webhooks.manage', 'tokens.manage', 'audit.read', 'quarantine.manage', 'account.own'];
let preferences = {};
const workspace = { id: id(70), name: 'Farnet', language: 'en', time_zone: 'Asia/Tehran', demo: true };
const me = () => ({ operator: { id: id(1), name: 'Anna Petrova', email: 'anna@example.com', language, preferences, totp_on: false }, workspace, workspaces: [{ id: id(70), name: 'Farnet', role: 'administrator' }], role: 'administrator', permissions, lsn });
const list = (items, next = '') => ({ items, next });
const matches = (c, view) => ({ mine: c.state === 'open' && c.operator === id(1), unassigned: c.state === 'open' && !c.operator, unread: c.state === 'open' && c.unread, all: true })[view] ?? c.state === view;
const find = (x) => conversations.find((c) => c.id === x);

function enter(kind, subject, body, actor = { kind: 'operator', id: id(1) }) {
  const entry = { lsn: ++lsn, at: new Date().toISOString(), clock: String(BigInt(Date.now()) << 16n), kind, subject, actor, body };
  for (const s of screens) s.write(`data: ${JSON.stringify({ type: 'entry', entry })}\n\n`);
  return entry;
}
function send(c, body, note) {
  const entry = note
    ? enter('message.noted', c.id, { message: body.id, author: id(1), text: body.text, attachments: body.attachments })
    : enter('message.queued', c.id, { message: body.id, customer: c.customer.id, channel: c.channel, to: people[0].addresses[0], text: body.text, author: id(1), then: body.then });
  const m = { id: body.id, conversation: c.id, lsn: entry.lsn, clock: entry.clock, at: entry.at, direction: note ? 'note' : 'out', channel: c.channel, author: id(1), text: body.text, attachments: body.attachments ?? [], delivery: note ? null : { state: 'queued', attempts: 0 } };
  messages.get(c.id).push(m);
  if (!note) {
    setTimeout(() => { m.delivery.state = 'accepted'; enter('message.sent', c.id, { message: body.id, attempt: 1 }); }, 300);
    if (body.then) c.state = c.status = body.then;
  }
  Object.assign(c, { preview: body.text, preview_direction: m.direction, last_at: m.at, last_clock: m.clock });
  return m;
}

const routes = [
  ['GET /start', () => ({ state: process.env.MOCK_EMPTY ? 'empty' : 'ready', version: 'mock', languages: ['en', 'ru', 'fa'], demo: true })],
  ['POST /start/(desk|demo)', () => { delete process.env.MOCK_EMPTY; signedIn = true; return { workspace }; }],
  ['POST /session', (_, b) => { if (b.password !== 'secret') throw [401, 'signin.refused', 'the e-mail address or the password is wrong']; signedIn = true; return { signed_in: true }; }],
  ['POST /session/link', () => { signedIn = true; return { signed_in: true }; }],
  ['DELETE /session', () => { signedIn = false; return null; }],
  ['GET /me', () => me()],
  ['PATCH /me', (_, b) => { if (b.language) language = b.language; if (b.preferences) preferences = b.preferences; return me(); }],
  ['POST /me/totp', () => ({ secret: 'JBSWY3DPEHPK3PXP', url: 'otpauth://totp/Holdfast:anna@example.com?secret=JBSWY3DPEHPK3PXP&issuer=Holdfast' })],
  ['GET /me/sessions', () => list([{ id: 'a', created_at: at(900), seen_at: at(1), address: '127.0.0.1', agent: 'Mozilla/5.0 (X11; Linux x86_64) Chrome/156.0', current: true }, { id: 'b', created_at: at(90000), seen_at: at(4000), address: '10.1.2.3', agent: 'Mozilla/5.0 (iPhone) Safari/605', current: false }])],
  ['GET /conversations/counts', () => Object.fromEntries(['mine', 'unassigned', 'open', 'waiting', 'snoozed', 'resolved', 'closed', 'unread'].map((v) => [v, conversations.filter((c) => matches(c, v)).length]))],
  ['GET /conversations', (_, __, q) => { const from = Number(q.get('cursor') ?? 0); const all = conversations.filter((c) => matches(c, q.get('view') ?? 'open') && (!q.get('tag') || c.tags.includes(q.get('tag')))).sort((a, b) => (a.last_at < b.last_at ? 1 : -1)); return list(all.slice(from, from + 50), all.length > from + 50 ? String(from + 50) : ''); }],
  ['POST /conversations', (_, b) => { const c = { ...conversations[0], id: b.id, number: 1300, subject: b.subject, tags: [], unread: false }; conversations.unshift(c); messages.set(c.id, []); send(c, { id: b.message_id, text: b.text }, false); return c; }],
  ['GET /conversations/([^/]+)', (m) => { const c = find(m[1]); if (!c) throw [404, 'conversation.missing', 'there is no such conversation']; return { ...c, person: people.find((p) => p.id === c.customer.id), page: c.channel === chat ? 'https://shop.example/plans' : '', draft: null, read_upto: '0' }; }],
  ['GET /conversations/([^/]+)/messages', (m) => list(messages.get(m[1]) ?? [])],
  ['GET /conversations/([^/]+)/timeline', (m) => list([{ lsn: 1, at: at(1000), kind: 'conversation.assigned', actor: { kind: 'operator', id: id(2) }, body: { operator: id(1) } }, { lsn: 2, at: find(m[1])?.last_at, kind: 'conversation.tagged', actor: { kind: 'operator', id: id(1) }, body: { tag: 'speed' } }])],
  ['POST /conversations/([^/]+)/replies', (m, b) => send(find(m[1]), b, false)],
  ['POST /conversations/([^/]+)/notes', (m, b) => send(find(m[1]), b, true)],
  ['PUT /conversations/([^/]+)/status', (m, b) => { Object.assign(find(m[1]), { state: b.status, status: b.status, snooze_until: b.until }); enter('conversation.status', m[1], b); return null; }],
  ['PUT /conversations/([^/]+)/assignment', (m, b) => { Object.assign(find(m[1]), b); enter('conversation.assigned', m[1], b); return null; }],
  ['PUT /conversations/([^/]+)/priority', (m, b) => { Object.assign(find(m[1]), b); enter('conversation.prioritised', m[1], b); return null; }],
  ['PUT /conversations/([^/]+)/subject', (m, b) => { Object.assign(find(m[1]), b); enter('conversation.subject', m[1], b); return null; }],
  ['(PUT|DELETE) /conversations/([^/]+)/tags/(.+)', (m) => { const c = find(m[2]), tag = decodeURIComponent(m[3]); c.tags = m[1] === 'PUT' ? [...new Set([...c.tags, tag])] : c.tags.filter((x) => x !== tag); enter(m[1] === 'PUT' ? 'conversation.tagged' : 'conversation.untagged', c.id, { tag }); return null; }],
  ['(PUT|DELETE) /conversations/([^/]+)/read', (m) => { find(m[2]).unread = m[1] === 'DELETE'; return null; }],
  ['PUT /conversations/([^/]+)/draft', () => null],
  ['GET /tags', () => list([{ tag: 'billing', count: 16 }, { tag: 'speed', count: 14 }, { tag: 'vip', count: 3 }, { tag: 'سرعت', count: 9 }])],
  ['GET /messages/([^/]+)/exchanges', () => list([{ at: at(5), outcome: 'temporary', took_ms: 412, lines: [{ dir: '·', text: 'connect mx.example.com:25' }, { dir: '<', text: '220 mx.example.com ESMTP' }, { dir: '>', text: 'EHLO desk.farnet.example' }, { dir: '<', text: '451 4.7.1 greylisted, try again' }] }])],
  ['POST /attachments', (_, __, q) => ({ id: id(9), name: q.get('name'), type: 'image/png', size: 1234, hash: 'x' })],
  ['GET /customers', (_, __, q) => list(people.filter((p) => !q.get('q') || JSON.stringify(p).toLowerCase().includes(q.get('q').toLowerCase())))],
  ['GET /customers/([^/]+)', (m) => people.find((p) => p.id === m[1])],
  ['PATCH /customers/([^/]+)', (m, b) => Object.assign(people.find((p) => p.id === m[1]), b)],
  ['GET /customers/([^/]+)/conversations', (m) => list(conversations.filter((c) => c.customer.id === m[1]))],
  ['GET /search', (_, __, q) => ({ messages: lines.slice(0, 5).map(([, text], i) => ({ message: id(20000 + i * 10), conversation: id(1000 + i), number: 1200 - i, customer_name: people[i].name, direction: 'in', lsn: i, at: at(i * 900), snippet: [{ text: text.slice(0, 12) }, { text: text.slice(12, 22), mark: true }, { text: text.slice(22) }] })), customers: people.slice(0, 2).map((p) => ({ customer: p.id, name: p.name, company: p.company, matched: p.addresses })), conversations: conversations.slice(0, 2).map((c) => ({ conversation: c.id, number: c.number, subject: c.subject, state: c.state, customer_name: c.customer.name })), next: q.get('before') ? 0 : 44 })],
  ['GET /outbox/totals', () => ({ queued: 2, sending: 0, retry_wait: 2, unknown: 2, held: 2, failed: 2 })],
  ['GET /outbox', (_, __, q) => list(outbox.filter((o) => !q.get('state') || o.state === q.get('state')))],
  ['POST /outbox/([^/]+)/(retry|hold|cancel|requeue)', (m) => { outbox.find((o) => o.message === m[1]).state = { hold: 'held', cancel: 'cancelled' }[m[2]] ?? 'queued'; return null; }],
  ['GET /arrivals', (_, __, q) => list(arrivals.filter((a) => !q.get('reason') || a.reason === q.get('reason')))],
  ['POST /arrivals/([^/]+)/replay', (m) => { arrivals.find((a) => a.id === m[1]).replayed = true; return null; }],
  ['GET /channel-kinds', () => list(kinds)],
  ['GET /channels', () => list(channels)],
  ['GET /channels/([^/]+)', (m) => channels.find((c) => c.id === m[1])],
  ['POST /channels', (_, b) => { const c = { ...b, enabled: true, health: { state: 'up' } }; channels.push(c); return c; }],
  ['PATCH /channels/([^/]+)', (m, b) => { if (b.settings?.imap_host === '') throw [400, 'channel.setting_missing', 'imap_host is required', 'settings.imap_host']; return Object.assign(channels.find((c) => c.id === m[1]), { name: b.name, enabled: b.enabled }); }],
  ['POST /channels/([^/]+)/test', () => ({ checks: [{ name: 'imap', label: 'Receiving', ok: true, text: 'IMAP4rev1, IDLE, 1204 messages' }, { name: 'smtp', label: 'Sending', ok: false, text: '535 authentication failed' }] })],
  ['GET /operators', () => list(operators)],
  ['POST /operators', (_, b) => { operators.push({ ...b, disabled: false, totp_on: false, teams: [] }); return b; }],
  ['PATCH /operators/([^/]+)', (m, b) => Object.assign(operators.find((o) => o.id === m[1]), b)],
  ['POST /operators/([^/]+)/link', () => ({ url: 'http://localhost:8080/#/link?code=1a2b3c4d5e6f7a8b9c0d' })],
  ['GET /teams', () => list(teams)],
  ['(GET|PATCH) /workspace', () => workspace],
  ['GET /tokens', () => list([{ id: id(61), name: 'Billing bridge', role: 'operator', scopes: null, created_at: at(9000), used_at: at(14), expires_at: at(-60 * 24 * 80) }])],
  ['POST /tokens', (_, b) => ({ ...b, secret: 'hf_5f2c9c1e7d8a4b0e9f6d3c2b1a0987' })],
  ['GET /webhooks', () => list([{ id: id(62), url: 'https://billing.farnet.example/hooks/holdfast', kinds: ['message.received', 'conversation.status'], enabled: true }])],
  ['GET /webhooks/([^/]+)/deliveries', () => list([{ id: id(63), lsn: 4998, kind: 'message.received', state: 'delivered', attempts: 1, status: 200, created_at: at(4) }, { id: id(64), lsn: 4990, kind: 'message.received', state: 'retry_wait', attempts: 3, status: 502, error: 'bad gateway', due_at: at(-6), created_at: at(14) }])],
  ['GET /audit', () => list([['session.began', null], ['channel.changed', { name: 'Shop chat' }], ['operator.role', { from: 'operator', to: 'supervisor' }], ['token.created', { name: 'Billing bridge' }]].map(([action, detail], i) => ({ id: i, at: at(i * 300), actor: { kind: 'operator', id: id(1 + (i % 3)) }, address: '127.0.0.1', action, detail })))],
];

createServer(async (req, res) => {
  const url = new URL(req.url, 'http://x');
  if (!url.pathname.startsWith('/api/v1')) {
    let file = join(dist, url.pathname === '/' ? 'index.html' : url.pathname);
    if (!existsSync(file)) file = join(dist, 'index.html');
    res.setHeader('Content-Type', { '.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml', '.woff2': 'font/woff2' }[extname(file)] ?? 'application/octet-stream');
    res.setHeader('Content-Security-Policy', "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; font-src 'self'; connect-src 'self'; frame-src 'self'; base-uri 'none'; form-action 'self'");
    return res.end(readFileSync(file));
  }
  const path = url.pathname.slice('/api/v1'.length);
  if (path === '/live/events') {
    res.writeHead(200, { 'Content-Type': 'text/event-stream' });
    const say = (f) => res.write(`data: ${JSON.stringify(f)}\n\n`);
    say({ type: 'hello', lsn, operators: [{ id: id(1), viewing: '' }, { id: id(2), viewing: id(1000) }] });
    screens.add(res);
    const beat = setInterval(() => say({ type: 'ping', lsn, at: new Date().toISOString() }), 5000);
    return req.on('close', () => { clearInterval(beat); screens.delete(res); });
  }
  if (/\/thumb|thumb=1/.test(req.url)) { res.setHeader('Content-Type', 'image/svg+xml'); return res.end('<svg xmlns="http://www.w3.org/2000/svg" width="80" height="80"><rect width="80" height="80" fill="#8fb8ae"/><path d="M0 60L30 30L50 50L80 20V80H0z" fill="#4d8578"/></svg>'); }
  if (/^\/messages\/[^/]+\/html/.test(path)) { res.setHeader('Content-Type', 'text/html'); res.setHeader('Content-Security-Policy', "default-src 'none'; style-src 'unsafe-inline'"); return res.end('<p style="font:14px sans-serif">Hello! <b>Since Monday</b> the internet drops.<br><br><br>Maria</p>'); }
  if (/\/raw$/.test(path)) { res.setHeader('Content-Type', 'message/rfc822'); return res.end('From: Maria <maria@example.com>\r\nTo: support@farnet.example\r\nSubject: The connection drops every evening\r\nMessage-ID: <1@example.com>\r\n\r\nHello!\r\n'); }
  let body = '';
  for await (const part of req) body += part;
  const answer = (status, value) => { res.writeHead(status, { 'Content-Type': 'application/json' }); res.end(value === undefined ? '' : JSON.stringify(value)); };
  if (!signedIn && !/^\/(start|session)/.test(path)) return answer(401, { status: 401, code: 'signin.needed', message: 'sign in first' });
  for (const [pattern, handler] of routes) {
    const m = new RegExp(`^${pattern}$`.replace(/^\^(GET|POST|PUT|PATCH|DELETE|\([A-Z|]+\)) /, '^$1 ')).exec(`${req.method} ${path}`);
    if (!m) continue;
    try {
      let parsed = {};
      try { parsed = body ? JSON.parse(body) : {}; } catch { /* an upload */ }
      return answer(200, handler(m, parsed, url.searchParams) ?? {});
    } catch (e) {
      if (!Array.isArray(e)) throw e;
      return answer(e[0], { status: e[0], code: e[1], message: e[2], field: e[3] ?? '' });
    }
  }
  answer(404, { status: 404, code: 'http.404', message: `no route ${req.method} ${path}` });
}).listen(port, '127.0.0.1', () => console.log(`mock desk on http://127.0.0.1:${port}`));
