/** The shapes of what the desk says of its links, its reach and its outages. Times are RFC 3339; loss is a share (0 to 1), rtt and jitter in milliseconds. */
export type ReachName = 'international' | 'domestic' | 'local' | 'none';
export type LinkState = 'up' | 'degraded' | 'down';

/** One second of a link; nothing where nobody answered. */
export interface Beat { at: string; rtt_ms?: number | null; loss?: number | null }

/** One part of the way out, and whether it works. */
export interface Layer { name: string; state: string; text: string }

export interface Uplink {
  id: string; name: string; kind: string; interface: string; metered: boolean; state: LinkState; since: string;
  /** What exactly is broken, and a stable word for how. */
  layer: string; reason: string;
  /** Set by a person, until a person takes it back. */
  manual: string | boolean;
  rtt_ms?: number | null; jitter_ms?: number | null; loss?: number | null; mos?: number | null;
  spark: Beat[] | null; layers: Layer[] | null;
}

export interface ReachingChannel {
  id: string; name: string; kind: string; needs: ReachName; state: LinkState; since: string; via: string; code: string; reason: string; held: number;
}

export interface Equipment { id: string; name: string; kind: string; address: string; state: LinkState | 'unknown'; since?: string; rtt_ms?: number | null }

export interface Outage {
  id: string; scope: 'link' | 'reach' | 'channel'; what: string; subject: string; reach: string; started_at: string; ended_at?: string | null;
  channels: string[] | null; held: number; rerouted: number; told: number;
}

export interface Continuity {
  reach: ReachName; since: string;
  /** False: nothing is probed, and the reach is assumed. */
  watched?: boolean;
  links: Uplink[] | null; channels: ReachingChannel[] | null; equipment: Equipment[] | null; outage: Outage | null;
}

export type Step = '1s' | '1m' | '15m';
export interface Figure { at: string; rtt_ms?: number | null; jitter_ms?: number | null; loss?: number | null; mos?: number | null; state?: string }
export interface Figures { step: Step; items: Figure[] | null }

/** A plan that runs now. */
export interface PlanRun { id: string; plan: string; name: string; drill: boolean; started_at: string; state: string; steps: { name: string; state: string; kind: string }[] | null }

/** How the desk watches: what an administrator has set. */
export type Place = 'country' | 'abroad' | 'hub';
export interface Target { name: string; address: string; port?: number; probe: string; place: Place }
export interface LinkSetting { id: string; name: string; kind: string; interface: string; source: string; gateway: string; metered: boolean; price_mb: number; manual?: string }
export interface EquipmentSetting { id: string; name: string; kind: string; address: string; port?: number; probe: string }
export interface ContinuitySettings {
  links: LinkSetting[] | null; equipment: EquipmentSetting[] | null; targets: TargetSettings;
  /** What is usual in a country; the one without a name is for all others. */
  /** False: they are those of other workspaces, too. */
  may_change: boolean;
  defaults: { country: string; targets: Target[]; checks: unknown }[] | null;
}
export interface TargetSettings { country: string; items: Target[] | null; checks: unknown }
/** A way out that the machine has. */
export interface Found { interface: string; kind: string; source: string; gateway: string; metric: number; carrier: boolean; configured: boolean }

/** Which uplink carries what, and what goes first on it. Capacities in kbit/s; 0: not known. */
export type TrafficMode = 'off' | 'dry_run' | 'on';
export interface TrafficSetting {
  mode: TrafficMode; order: string[]; capacities: { uplink: string; up_kbit: number; down_kbit: number }[];
  telephony: { share: number; ports: string }; desk: { share: number; ports: string }; rest: 'free' | 'limited' | 'shut'; rest_kbit: number;
}
export interface Traffic {
  setting: TrafficSetting; saved: boolean; may_change: boolean; virtual: boolean;
  /** False: the desk may not change the network, so that it only prints. */
  capable: boolean;
  uplinks: { id: string; name: string; device: string; state: LinkState; metered: boolean; best: boolean; mark: string; up_kbit: number; down_kbit: number; calls_fit: number }[];
  commands: string[]; undo: string[];
  /** What stands now, and since when it does. */
  applied: string[]; since?: string;
  problems: { code: string; uplink?: string; detail: string }[];
  trouble: { code: string; detail: string } | null;
}
