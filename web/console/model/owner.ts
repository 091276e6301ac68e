import { t } from '../../texts/text.svelte';
import { may, me, operator, team, teams } from './desk';
import type { ID, Owner } from './words';

/** Whose a preset is, as one value: 'me', a team's id, or '' for everybody's. */
export type OwnerKey = 'me' | '' | ID;

export const ownerKey = (o: Owner): OwnerKey => (o.operator ? 'me' : (o.team ?? ''));
export const ownerOf = (key: OwnerKey): Owner => (key === 'me' ? { operator: 'me' } : key ? { team: key } : {});

export function ownerName(o: Owner): string {
  if (o.operator) return o.operator === me().operator.id ? t('owner.me') : (operator(o.operator)?.name ?? '');
  return o.team ? (team(o.team)?.name ?? t('owner.gone')) : t('owner.all');
}

const myTeams = (): ID[] => operator(me().operator.id)?.teams ?? [];

/** Whether the reader may change what an owner has: one's own, one's teams', and the rest with the permission. */
export const mayKeep = (o: Owner): boolean =>
  may('conversations.write') && (o.operator ? o.operator === me().operator.id : may('presets.manage') || (!!o.team && myTeams().includes(o.team)));

/** Whom the reader can give a preset to. */
export function owners(): { key: OwnerKey; name: string }[] {
  const own = teams().filter((x) => may('presets.manage') || myTeams().includes(x.id)).map((x) => ({ key: x.id, name: x.name }));
  return [{ key: 'me', name: t('owner.me') }, ...own, ...(may('presets.manage') ? [{ key: '', name: t('owner.all') }] : [])];
}

/** The kinds of owners that a list can be narrowed to. */
export const ownerFilters = ['', 'me', 'team', 'all'] as const;
export type OwnerFilter = (typeof ownerFilters)[number];
export const ownedBy = (f: OwnerFilter, o: Owner): boolean =>
  f === '' || (f === 'me' ? !!o.operator : f === 'team' ? !!o.team : !o.operator && !o.team);
