/** Capacities are written in Mbit/s and kept in kbit/s; nothing is a capacity that is not known. */
export const mbit = (kbit: number | undefined): number | null => (kbit ? kbit / 1000 : null);
export const kbit = (mbit: number | null): number => Math.round((Number(mbit) || 0) * 1000);
