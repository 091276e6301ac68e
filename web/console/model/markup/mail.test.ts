import { describe, expect, it } from 'vitest';
import type { Attachment } from '../words';
import { mail } from './mail';
import { say } from './outgoing';
import { plain } from './plain';
import { read } from './read';

const file = (cid?: string): Attachment => ({ id: 'f' + (cid ?? ''), name: 'x.png', type: 'image/png', size: 3, hash: 'h', cid }) as Attachment;

describe('a text for a channel that has no formatting', () => {
  it.each([
    ['**Hello**, *you*', 'Hello, you'],
    ['see [the **shop**](https://shop.example/a) now', 'see the shop (https://shop.example/a) now'],
    ['[shop.example](https://shop.example/)', 'shop.example'],
    ['[ask](mailto:help@desk.example)', 'ask (help@desk.example)'],
    ['## Steps\n\n1. one\n2. two\n   - deep', 'Steps\n\n1. one\n2. two\n   - deep'],
    ['| a | b |\n| --- | --- |\n| ۱ | دو |', 'a | b\n۱ | دو'],
    ['> you said\n\nno', '> you said\n\nno'],
    ['5 \\* 4 and \\_x\\_', '5 * 4 and _x_'],
    ['```\na  b\n```', 'a  b'],
    ['one\ntwo', 'one\ntwo'],
  ])('%j reads %j', (source, text) => expect(plain(read(source))).toBe(text));
});

describe('a text for a mail program', () => {
  it('says the direction of every block, in attributes and styles', () => {
    const html = mail(read('سلام **دوست**\n\nHello\n\n- یک two\n- second'));
    expect(html).toContain('<p dir="rtl" style="direction: rtl; text-align: right; margin: 0 0 1em">سلام <strong>دوست</strong></p>');
    expect(html).toContain('<p dir="ltr" style="direction: ltr; text-align: left;');
    expect(html).toMatch(/<ul dir="rtl"[^>]*padding-right: 28px/);
    expect(html).toMatch(/<li dir="ltr"[^>]*>second<\/li>/);
  });
  it('gives a block without letters the direction of the text around it', () => {
    expect(mail(read('سلام\n\n۱۲۳'))).toMatch(/<p dir="rtl"[^>]*>۱۲۳<\/p>/);
    expect(mail(read('123'))).toMatch(/<p dir="ltr"/);
  });
  it('draws tables without a style sheet', () => {
    const html = mail(read('| a | ب |\n| --- | --- |\n| 1 | |'));
    expect(html).toMatch(/<table dir="ltr" border="1" cellpadding="0" cellspacing="0" style="[^"]*border-collapse: collapse/);
    expect(html).toMatch(/<th dir="rtl" align="right"[^>]*border: 1px solid #bbbbbb[^>]*>ب<\/th>/);
    expect(html).toContain('&nbsp;</td>');
  });
  it('escapes what was written, and links what is an address', () => {
    expect(mail(read('**<b>** & "x" https://shop.example/?a=1&b=2'))).toContain('<strong>&lt;b&gt;</strong> &amp; &quot;x&quot; <a href="https://shop.example/?a=1&amp;b=2">https://shop.example/?a=1&amp;b=2</a>');
    expect(mail(read('# x\n\n[a"b](https://x.example/"onmouseover=)'))).not.toMatch(/href="[^"]*"onmouseover/);
  });
  it('keeps code left to right and as it was', () => {
    expect(mail(read('```\nif a < b:\n  سلام\n```'))).toMatch(/<pre dir="ltr"[^>]*white-space: pre-wrap[^>]*>if a &lt; b:\n {2}سلام<\/pre>/);
  });
  it('puts pictures in place, no wider than a mail', () => {
    expect(mail(read('![x](cid:a@desk)'), new Map([['a@desk', 2400]]))).toContain('<img src="cid:a@desk" alt="x" width="600"');
    expect(mail(read('![x](cid:a@desk)'), new Map([['a@desk', 80]]))).toContain('width="80"');
  });
});

describe('saying it', () => {
  it('has no formatted form where nothing is formatted or the channel carries none', () => {
    expect(say('Hello\n\nyou', [], true)).toEqual({ text: 'Hello\n\nyou', attachments: [] });
    expect(say('**Hello**', [], false)).toEqual({ text: 'Hello', attachments: [] });
  });
  it('has both forms otherwise', () => {
    const said = say('**Hello**', [], true);
    expect(said.text).toBe('Hello');
    expect(said.html).toContain('<strong>Hello</strong>');
  });
  it('sends a picture in place, as a file, or not at all', () => {
    expect(say('look: ![the cable](cid:a@desk)', [file('a@desk'), file()], true)).toMatchObject({ text: 'look: [the cable]', attachments: [{ cid: 'a@desk' }, { id: 'f' }] });
    expect(say('look: ![the cable](cid:a@desk)', [file('a@desk')], false)).toEqual({ text: 'look:', attachments: [expect.not.objectContaining({ cid: 'a@desk' })] });
    expect(say('look', [file('a@desk')], true)).toEqual({ text: 'look', attachments: [] });
  });
  it('sends the same picture once, however often it is shown', () => {
    const twice = [file('a@desk'), { ...file('b@desk'), id: 'fa@desk' }];
    const said = say('![x](cid:a@desk) ![x](cid:b@desk)', twice, true);
    expect(said.attachments.map((a) => a.cid)).toEqual(['a@desk']);
    expect(said.html!.match(/cid:a@desk/g)).toHaveLength(2);
  });
  it('drops a picture whose file is gone', () => expect(say('look ![x](cid:gone@desk)', [], true)).toEqual({ text: 'look', attachments: [] }));
});
