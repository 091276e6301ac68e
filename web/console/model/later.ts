/** When a reply can go that is sent later, in the workspace's own day. */
export interface LaterTime { name: 'hour' | 'tomorrow' | 'week'; at: string }

/** A day and a time of day as clocks on a wall show them; month 1 to 12. */
export interface Wall { year: number; month: number; day: number; hour: number; minute: number }

const parts = new Map<string, Intl.DateTimeFormat>();

/** What the clocks of a zone show at an instant. */
export function wallOf(at: Date, zone: string): Wall {
  let f = parts.get(zone);
  if (!f) {
    f = new Intl.DateTimeFormat('en-u-ca-gregory-nu-latn', { timeZone: zone, hourCycle: 'h23', year: 'numeric', month: 'numeric', day: 'numeric', hour: 'numeric', minute: 'numeric' });
    parts.set(zone, f);
  }
  const v = Object.fromEntries(f.formatToParts(at).map((p) => [p.type, Number(p.value)]));
  return { year: v.year!, month: v.month!, day: v.day!, hour: v.hour!, minute: v.minute! };
}

const utc = (w: Wall): number => Date.UTC(w.year, w.month - 1, w.day, w.hour, w.minute);

/** When a zone's clocks show this. Of an hour that a change of the clocks leaves out it is the one after. */
export function instant(wall: Wall, zone: string): Date {
  const wanted = utc(wall);
  let at = wanted;
  for (let i = 0; i < 2; i++) at += wanted - utc(wallOf(new Date(at), zone));
  return new Date(at);
}

/** Midnight of so many days after today, as the zone's clocks show it. */
export function dayAfter(days: number, zone: string, now: Date): Wall {
  const w = wallOf(now, zone);
  const d = new Date(Date.UTC(w.year, w.month - 1, w.day + days));
  return { year: d.getUTCFullYear(), month: d.getUTCMonth() + 1, day: d.getUTCDate(), hour: 0, minute: 0 };
}

/** The first working day of a week that calendars begin with a day: 0 is Sunday. */
export const firstDayOf = (weekday: number | undefined): number => (weekday === 6 ? 6 : 1);

/** firstDay is the first working day of the week: 1 for Monday, 6 for Saturday. */
export function laterTimes(zone: string, firstDay: number, now: Date): LaterTime[] {
  const nine = (days: number): string => instant({ ...dayAfter(days, zone, now), hour: 9 }, zone).toISOString();
  const today = dayAfter(0, zone, now);
  const weekday = new Date(Date.UTC(today.year, today.month - 1, today.day)).getUTCDay();
  const ahead = (firstDay - weekday + 7) % 7 || 7;
  return [
    { name: 'hour', at: new Date(now.getTime() + 3_600_000).toISOString() },
    { name: 'tomorrow', at: nine(1) },
    ...(ahead > 1 ? [{ name: 'week' as const, at: nine(ahead) }] : []),
  ];
}
