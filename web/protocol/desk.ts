/**
 * The shapes that the desk's API speaks. They are generated from the API's own
 * description (make types); what stands here gives them their short names and says
 * more exactly what some texts may be. Times are RFC 3339, clocks decimal strings.
 */
import type { components } from './api.gen';

type S = components['schemas'];
/** T with some fields that may be missing: in what the console makes before the desk has seen it. */
type Lacking<T, K extends keyof T> = Omit<T, K> & Partial<Pick<T, K>>;
/** T with some fields said more exactly. */
type Exactly<T, R extends { [K in keyof R]: K extends keyof T ? unknown : never }> = Omit<T, keyof R> & R;

export type ID = string;
export type Status = 'open' | 'waiting' | 'snoozed' | 'resolved' | 'closed';
export type Role = 'administrator' | 'supervisor' | 'operator' | 'observer';
export type Direction = 'in' | 'out' | 'note';
export type DeliveryState =
  | 'queued' | 'sending' | 'retry_wait' | 'accepted' | 'delivered' | 'seen' | 'failed' | 'unknown' | 'held' | 'cancelled';

export interface List<T> { items: T[]; next?: string }

export type Start = Exactly<S['Start'], { state: 'empty' | 'ready' }>;

export interface Preferences {
  theme?: 'light' | 'dark' | '';
  density?: 'cosy' | 'compact' | '';
  then?: Status;
  send_key?: 'ctrl' | 'enter';
  /** Seconds in which a sent reply can be taken back: a letter, and what is read at once. */
  undo?: number;
  undo_chat?: number;
}

export type Workspace = Lacking<S['SetupWorkspace'], 'created_at' | 'demo' | 'settings'>;
export type Me = Exactly<S['Me'], {
  operator: Exactly<Lacking<S['MeOperatorStruct'], 'password'>, { email: string; preferences?: Preferences }>;
  workspace: Workspace;
  role: Role;
  workspaces: Exactly<S['WorkspaceOf'], { role: Role }>[];
}>;

export type Address = S['InboxAddress'];
export type Attachment = S['Attachment'];
export type Conversation = Exactly<S['InboxItem'], {
  state: Status; status: Status; preview_direction: Direction; snooze_until?: string | null; first_reply_at?: string | null;
}>;
export type Draft = S['InboxDraft'];
export type Customer = S['InboxCustomer'];
export type ConversationPage = Conversation & Pick<S['InboxConversation'], 'page' | 'read_upto'> & { person: Customer | null; draft: Draft | null; parts?: Part[] };
/** A conversation that was merged into another. */
export type Part = S['InboxPart'];
export type Delivery = Exactly<Lacking<S['InboxDeliveryState'], 'attempts'>, { state: DeliveryState; due_at?: string | null }>;
export type Message = Exactly<Lacking<S['InboxMessage'], 'lsn' | 'customer' | 'subject' | 'has_html' | 'attachments' | 'has_raw'>, { direction: Direction; delivery?: Delivery | null }>;

export type PlanStepPart = Exactly<Lacking<S['PlanStep'], 'mode' | 'on_failure'>, { roles?: string[]; channels?: ID[]; places?: string[] }>;
export type PlanRole = Exactly<S['PlanRole'], { deputies: ID[] }>;
export type PlanText = Exactly<S['PlanText'], { texts: Record<string, string> }>;
export type PlanGap = S['PlansGap'];
/** A plan as its editor has it. */
export type PlanForm = Exactly<S['Plan'], { roles: PlanRole[]; steps: PlanStepPart[]; recovery: PlanStepPart[]; texts: PlanText[] }>;
export type Plan = PlanForm & { id: ID; lacks: PlanGap[]; changed_at: string; next_drill?: string };
export type PlanDeed = Exactly<S['PlansDeed'], { needs: string[] }>;
export type ReadyPlan = Exactly<S['PlansReady'], { plan: PlanForm; dropped: string[] }>;
export type PlanAlert = S['PlansAlert'];
export type PlanReport = S['PlansReport'];
export type RunStep = Exactly<S['PlansStep'], { who: ID[] }>;
export type RunAction = Lacking<S['PlanAction'], 'owner' | 'due' | 'done' | 'removed' | 'text'>;
export type PlanRun = Exactly<S['PlansRun'], { steps: RunStep[]; calls: S['PlansTold'][]; actions: RunAction[]; report?: PlanReport }>;

export interface Actor { kind: 'operator' | 'customer' | 'system' | 'token'; id?: ID }

/** An entry of the journal, as the live stream brings it. */
export interface Entry {
  lsn: number; at: string; clock: string; kind: string; subject: ID; actor: Actor; body: Record<string, unknown>;
}
export type TimelineItem = Exactly<S['Event'], { actor: Actor; body: Record<string, unknown> }>;

export type CannedReply = S['PresetsCanned'];
export type Counts = S['InboxCounts'];
export type Exchange = S['OutboxExchange'];
export type MessageHit = Exactly<S['SearchHit'], { direction: Direction }>;
export type SearchAnswer = Exactly<S['SearchResults'], {
  messages: MessageHit[];
  conversations: Exactly<S['SearchConversationHit'], { state: Status }>[];
}>;
export type OutboxRow = Exactly<S['OutboxItem'], { state: DeliveryState }>;
export type OutboxTotals = Partial<Record<DeliveryState, number>>;
export type Arrival = S['InboxArrival'];

export type Field = S['FieldView'];
export type ChannelKind = S['KindView'];
export type Health = Exactly<S['ChannelHealth'], { state: 'up' | 'degraded' | 'down' }>;
export type Channel = Exactly<S['ChannelView'], { health: Health; settings?: Record<string, unknown> }>;
export type Check = S['CheckView'];

export type Operator = Exactly<S['OperatorView'], { role: Role; email: string }>;
export type Team = S['AccessTeam'];
export type Token = Exactly<S['AccessToken'], { role: Role }>;
export type Webhook = S['SetupWebhook'];
export type WebhookDelivery = S['HooksDelivery'];
export type AuditRow = Exactly<S['AccessAuditRow'], { actor: Actor }>;
export type Session = S['AccessSession'];
export interface Viewer { id: ID; viewing: ID | '' }

export type Frame =
  | { type: 'hello'; lsn: number; operators?: Viewer[] }
  | { type: 'entry'; entry: Entry }
  | { type: 'caught_up'; lsn: number }
  | { type: 'reset'; lsn: number }
  | { type: 'typing'; conversation: ID; operator?: ID; customer?: ID; text?: string }
  | { type: 'presence'; operators: Viewer[] }
  | { type: 'ping'; lsn: number; at: string };

export type ClientFrame = { type: 'viewing'; conversation: ID | '' } | { type: 'typing'; conversation: ID };

/** What an operator has beside the password. */
export type Factors = S['AccessFactors'];
export type Passkey = S['AccessPasskey'];

/** The history of other desks, as it is brought here. */
export type Import = Exactly<S['ImporterView'], { actor: Actor }>;
export type ImportDetail = Import & Pick<S['ImportDetail'], 'first_refused' | 'first_lost' | 'first_made' | 'first_here'>;
export type ImportLine = S['ImporterLine'];
export type ImportSource = S['ImporterKind'];
export type NewImport = S['CreateImportInBody'];
export type TablePreview = S['ImporterPreview'];

/** How an operator is told of things, and on what. */
export type NoticeView = S['NoticeView'];
export type NoticeSettings = S['NoticesSettings'];
export type Ways = S['NoticesWays'];

/** What is prepared once and used often, and what is known of customers and conversations besides. */
export type Condition = S['Condition'];
export type ViewFilter = S['ViewFilter'];
export type Owner = Lacking<S['Owner'], 'team' | 'operator'>;
export type SavedView = Exactly<S['PresetsView'], { owner: Owner }>;
export type ViewCount = S['ViewCount'];
export type Macro = Exactly<S['PresetsMacro'], { owner: Owner }>;
export type Step = S['Action'];
export type BulkResult = S['BulkResult'];
export type CustomField = S['PresetsField'];
export type Rating = Exactly<S['FeedbackRating'], { kind: 'csat' | 'nps' }>;
export type Canned = Exactly<S['PresetsCanned'], { owner: Owner }>;
export type Verb = Step['do'];

/** When the desk answers. */
export type Hours = S['HoursView'];
export type Span = S['Span'];
export type Day = S['Day'];

/** What customers are asked, and what they answered. */
export type SurveySettings = S['SurveyView'];
export type RatingAnswer = S['FeedbackAnswer'];
export type RatingTotals = S['RatingTotals'];
export type BroadcastSpec = S['BroadcastSpec'];
export type Broadcast = S['BroadcastsBroadcast'];
export type BroadcastTotals = S['BroadcastsTotals'];
export type BroadcastPreview = S['BroadcastsPreview'];
export type BroadcastRecipient = S['BroadcastsRecipient'];
export type BroadcastSetting = S['BroadcastSetting'];
export type Lane = S['BroadcastsLane'];

export type TagUse = S['InboxTag'];

/** Which way messages take after which, and which of them carry messages now. */
export type Chain = S['ChainSaved'];
export type Leg = S['Leg'];
export type Way = S['FallbackWay'];
export type Outlook = S['FallbackOutlook'];
export type Consents = S['ConsentsView'];
export type Consent = S['FallbackConsent'];
export type LaneLimit = S['LaneLimited'];

export type SignInProvider = S['ProviderView'];

/** What customers and colleagues are told of how the desk is. */
export type Incident = Exactly<S['StatusIncident'], { state: 'investigating' | 'identified' | 'watching' | 'resolved' }>;
export type BannerView = Exactly<S['StatusBanner'], { severity: 'info' | 'warning' | 'critical' }>;
export type StatusPage = S['StatusPage'];

/** Sheets for when no screen works. */
export type PaperView = S['PaperView'];
export type PaperRow = S['Recorded'];
