import { locale } from '../../texts/text.svelte';
import type { Day, Hours, Span } from './words';

/** Hours that are being written. */
export interface Week { week: Span[][]; days: Day[] }

/**
 * Hours are meant in the workspace's clock, whatever the zone; so are the moments here:
 * a Date whose UTC fields are what that clock shows.
 */
export function wallNow(zone: string, now = new Date()): Date {
  const p = Object.fromEntries(new Intl.DateTimeFormat('en-GB', { timeZone: zone, year: 'numeric', month: '2-digit', day: '2-digit', hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' }).formatToParts(now).map((x) => [x.type, x.value]));
  return new Date(`${p.year}-${p.month}-${p.day}T${p.hour}:${p.minute}:${p.second}Z`);
}
export const wallOf = (local: string): Date => new Date(local + 'Z');
const dateOf = (wall: Date): string => wall.toISOString().slice(0, 10);
const clockOf = (wall: Date): string => wall.toISOString().slice(11, 16);
const at = (date: string, clock: string): Date => new Date(new Date(date + 'T00:00:00Z').getTime() + (Number(clock.slice(0, 2)) * 60 + Number(clock.slice(3))) * 60_000);

/** The hours of the day that a moment is on: its own where it is a special one. */
const spansOn = (h: Week, wall: Date): Span[] => h.days.find((d) => d.date === dateOf(wall))?.spans ?? h.week[wall.getUTCDay()] ?? [];
const inside = (s: Span, clock: string): boolean => clock >= s.from && clock < s.to;

export const openAt = (h: Week, wall: Date): boolean => spansOn(h, wall).some((s) => inside(s, clockOf(wall)));
export const anySet = (h: Week): boolean => h.days.length > 0 || h.week.some((d) => d.length > 0);

/** When the desk opens after a moment at which it is closed; undefined within a year. */
export function opensAfter(h: Week, wall: Date): Date | undefined {
  for (let i = 0; i < 400; i++) {
    const day = new Date(at(dateOf(wall), '00:00').getTime() + i * 86_400_000);
    for (const s of spansOn(h, day)) if (at(dateOf(day), s.from) > wall) return at(dateOf(day), s.from);
  }
  return undefined;
}

/** When it closes, from a moment at which it is open: a night that goes on after midnight is one. */
export function closesAfter(h: Week, wall: Date): Date | undefined {
  for (let i = 0, now = wall; i < 100; i++) {
    const s = spansOn(h, now).find((x) => inside(x, clockOf(now)));
    if (!s) return now;
    now = at(dateOf(now), s.to);
  }
  return undefined; // it does not
}

/** A moment of the desk's clock as the reader writes it. */
export const wallName = (wall: Date): string => new Intl.DateTimeFormat(locale(), { weekday: 'long', day: 'numeric', month: 'long', hour: '2-digit', minute: '2-digit', timeZone: 'UTC' }).format(wall);
export const dateName = (date: string): string => {
  const d = new Date(date + 'T00:00:00Z');
  return Number.isNaN(d.getTime()) ? '' : new Intl.DateTimeFormat(locale(), { weekday: 'long', day: 'numeric', month: 'long', year: 'numeric', timeZone: 'UTC' }).format(d);
};
/** 1 January 2023 was a Sunday, the week's 0. */
export const weekdayName = (day: number): string => new Intl.DateTimeFormat(locale(), { weekday: 'long', timeZone: 'UTC' }).format(new Date(Date.UTC(2023, 0, 1 + day)));

/** The days of a week in the reader's order: it begins on Saturday, on Monday. */
export const weekFrom = (language: string): number[] => Array.from({ length: 7 }, (_, i) => (i + (language === 'fa' ? 6 : 1)) % 7);
/** The days that are worked where a language is spoken. */
export const workdays = (language: string): number[] => (language === 'fa' ? [6, 0, 1, 2, 3] : [1, 2, 3, 4, 5]);

/** A field of a clock cannot show 24:00: midnight at the end of a day is 00:00 there. */
export const shownEnd = (to: string): string => (to === '24:00' ? '00:00' : to);
export const writtenEnd = (to: string): string => (to === '00:00' ? '24:00' : to);

export const emptyWeek = (): Week => ({ week: Array.from({ length: 7 }, () => []), days: [] });
export const weekOf = (h: Hours | undefined): Week => (h ? { week: h.week.map((d) => d.map((s) => ({ ...s }))), days: h.days.map((d) => ({ ...d, spans: (d.spans ?? []).map((s) => ({ ...s })) })) } : emptyWeek());
