/** The times that putting something off usually means, in the reader's own day. */
export interface SnoozeTime { name: 'message' | 'hour' | 'evening' | 'tomorrow' | 'week'; until: string }

export const localNow = (): Date => new Date();

function at(days: number, hour: number, now: Date): Date {
  return new Date(now.getFullYear(), now.getMonth(), now.getDate() + days, hour);
}

export function snoozeTimes(now = localNow()): SnoozeTime[] {
  const times: SnoozeTime[] = [
    { name: 'message', until: '' },
    { name: 'hour', until: new Date(now.getTime() + 3_600_000).toISOString() },
  ];
  if (now.getHours() < 17) times.push({ name: 'evening', until: at(0, 18, now).toISOString() });
  times.push({ name: 'tomorrow', until: at(1, 9, now).toISOString() });
  times.push({ name: 'week', until: at(7, 9, now).toISOString() });
  return times;
}

/** The value of a datetime-local field. */
export function asLocal(d: Date): string {
  const two = (n: number) => String(n).padStart(2, '0');
  return `${d.getFullYear()}-${two(d.getMonth() + 1)}-${two(d.getDate())}T${two(d.getHours())}:${two(d.getMinutes())}`;
}
