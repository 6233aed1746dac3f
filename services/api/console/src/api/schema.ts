// Written by scripts/schema.mjs from docs/openapi.json; do not edit.

export interface Account {
  active: boolean;
  created: string;
  id: string;
  locked_until: string | null;
  login: string;
  must_change_password: boolean;
  name: string;
  oidc_subject: string | null;
  password: boolean;
  role: string;
  scope: ScopeShape;
  totp: boolean;
  version: number;
}

export interface AccountChange {
  active?: boolean | null;
  name?: string | null;
  oidc_subject?: string | null;
  role?: Role | null;
  scope?: ScopeBody | null;
}

export interface AccountPage {
  items: (Account)[];
  next: string | null;
}

export interface Acknowledged {
  done: number;
  items: (AcknowledgedItem)[];
  refused: number;
}

export interface AcknowledgedItem {
  id: string;
  problem: Record<string, unknown> | null;
  version: number | null;
}

export interface Acknowledging {
  items: (Seen)[];
  text?: string | null;
}

export interface ActionItem {
  action: string;
  at: string;
  by: Person;
  data: Record<string, unknown>;
  seq: number;
  version: number;
}

export interface ActionPage {
  items: (ActionItem)[];
  next: string | null;
}

export interface ActionShape {
  code: string;
  en: string;
  handlings: (string)[];
  permission: string | null;
  zh: string;
}

export interface Alert {
  at: Moment;
  began: string;
  confidence: number;
  driver: string | null;
  ended: string | null;
  handled?: Handled | null;
  handling: string;
  id: string;
  kind: string;
  late: boolean;
  limit: number;
  peak: number;
  rule: string;
  rule_version: number;
  sentence: Sentence;
  severity: "info" | "minor" | "major" | "critical";
  state: "open" | "closed" | "withdrawn";
  terminal: string;
  unit: string;
  vehicle: AlertVehicle;
  version: number;
  why: Record<string, unknown>;
}

export interface AlertPage {
  feed: number;
  items: (Alert)[];
  next: string | null;
}

export interface AlertTrack {
  alert: string;
  began: string;
  coordinates: ((number)[])[];
  ended: string | null;
  flags: ((string)[])[];
  from: string;
  headings: (number | null)[];
  in_episode: (boolean)[];
  limit: number;
  limits_kmh: (number | null)[];
  off_route_m: (number)[] | null;
  recorder_speeds_kmh: (number | null)[];
  rule: string;
  speeds_kmh: (number | null)[];
  stride: number;
  times: (string)[];
  to: string;
  truncated: boolean;
  unit: string;
  vehicle: number;
}

export interface AlertVehicle {
  class: string;
  division: string;
  id: number;
  operator: string;
  plate: string;
  plate_color: string;
}

export interface AreaGeometry {
  coordinates: (unknown)[];
  type: "Polygon" | "MultiPolygon";
}

export interface Asked {
  delivery: string;
}

export interface Assignment {
  account: string;
  text?: string | null;
}

export interface AuditPage {
  items: (AuditRow)[];
  next: string | null;
}

export interface AuditRow {
  action: string;
  actor: string;
  actor_name: string;
  at: string;
  credential: "session" | "key" | "token" | "command" | "process" | "none" | null;
  credential_id: string | null;
  detail: Record<string, unknown>;
  ip: string | null;
  object: string;
  outcome: string;
  purpose: string | null;
  request_id: string | null;
  row_hash: string;
  seq: number;
}

export interface Code {
  code: string;
}

export interface Comment {
  text: string;
}

export type Credential = "session" | "key" | "token" | "command" | "process" | "none";

export interface Delivery {
  alert: string | null;
  attempts: number;
  created: string;
  ended: string | null;
  event: string;
  id: string;
  next_attempt: string | null;
  number: number | null;
  seq: number;
  status: "waiting" | "held" | "delivered" | "exhausted" | "withheld" | "again" | "recorded";
  test: boolean;
  type: string;
  webhook: string;
}

export interface DeliveryDetail {
  alert: string | null;
  attempts: number;
  body: Record<string, unknown> | null;
  created: string;
  ended: string | null;
  event: string;
  id: string;
  next_attempt: string | null;
  number: number | null;
  seq: number;
  status: "waiting" | "held" | "delivered" | "exhausted" | "withheld" | "again" | "recorded";
  test: boolean;
  tries: (Try)[];
  type: string;
  webhook: string;
}

export interface DeliveryPage {
  items: (Delivery)[];
  next: string | null;
}

export interface Driver {
  driver: string;
  licence_class: string | null;
  masked: boolean;
  name: string;
  operator: string;
  phone: string | null;
  qualified_for: string | null;
  valid_to: string | null;
}

export interface DriverPage {
  items: (Driver)[];
  next: string | null;
}

export interface Enabling {
  begin?: "waiting" | "now";
}

export interface Enrolment {
  minutes: number;
  secret: string;
  uri: string;
}

export interface Event {
  alert: string;
  data: Alert;
  id: string;
  seq: number;
  sequence: number;
  time: string;
  type: string;
}

export interface EventPage {
  items: (Event)[];
  last: number;
  next: string | null;
  through: number;
}

export interface EventTypeShape {
  en: string;
  example: Record<string, unknown>;
  schema: Record<string, unknown>;
  type: string;
  zh: string;
}

export interface EventTypes {
  items: (EventTypeShape)[];
}

export interface ExportRequest {
  format?: "geojson" | "mfjson" | "csv" | "gpx" | "kml" | "parquet";
  from: string;
  simplify_m?: number | null;
  to: string;
  vehicles: (string)[];
}

export interface Fault {
  detail: string;
  pointer: string;
}

export interface Filters {
  classes?: ("coach" | "charter" | "hazmat" | "freight" | "school_bus")[];
  divisions?: (string)[];
  kinds?: ("statutory" | "monitoring" | "continuous" | "night" | "rolling_24h" | "rolling_7d" | "off_route" | "wrong_way" | "wrong_vehicle")[];
  operators?: (string)[];
  rules?: ("speeding" | "fatigue" | "route_deviation")[];
  severities?: ("info" | "minor" | "major" | "critical")[];
}

export interface FirstPassword {
  first_password: string;
  id: string;
  keys_revoked: number;
  login: string;
}

export interface GapItem {
  began: string;
  displacement_km: number | null;
  ended: string | null;
  odometer_km: number | null;
}

export interface GroupItem {
  basis: "place" | "operator" | "single";
  count: number;
  first_began: string;
  handlings: Record<string, number>;
  id: string;
  items: (SeenAlert)[];
  kind: string;
  last_began: string;
  operator: string | null;
  place: string | null;
  rule: string;
  severity: "info" | "minor" | "major" | "critical";
  storm: boolean;
  truncated: boolean;
}

export interface GroupList {
  alerts: number;
  items: (GroupItem)[];
  left_out: number;
}

export interface Handled {
  assignee: Person | null;
  at: string | null;
  by: Person | null;
  due: string | null;
  escalated: string | null;
  jt809_result: number;
  jt809_supervision: number | null;
  reason: "handled" | "no_action" | "later" | "false_alarm" | null;
  supervision: "urgent" | "normal" | null;
  version: number;
}

export interface Job {
  bytes: number | null;
  created: string;
  done: string | null;
  error: string | null;
  id: string;
  kind: "presence" | "export" | "webhook.recover";
  progress: number;
  request: Record<string, unknown>;
  result: string | null;
  state: "waiting" | "running" | "done" | "failed" | "cancelled";
}

export interface JobPage {
  items: (Job)[];
  next: string | null;
}

export interface Key {
  account: string;
  created: string;
  expires: string | null;
  id: string;
  name: string;
  networks: (string)[];
  revoked: string | null;
  scopes: (string)[];
  used: string | null;
}

export interface KeyLimits {
  expires?: string | null;
  networks?: (string)[] | null;
  scopes?: ("accounts:manage" | "alerts:ack" | "alerts:assign" | "alerts:close" | "alerts:read" | "alerts:reopen" | "alerts:supervise" | "audit:read" | "drivers:read" | "drivers:unmask" | "map:read" | "meta:read" | "metrics:read" | "system:manage" | "tracks:export" | "tracks:read" | "vehicles:read" | "webhooks:manage")[] | null;
}

export interface KeyPage {
  items: (Key)[];
  next: string | null;
}

export interface LabelShape {
  code: string;
  en: string;
  zh: string;
}

export interface LastReport {
  received: string | null;
  taken: string;
}

export interface LineGeometry {
  coordinates: ((number)[])[];
  type: "LineString";
}

export interface Login {
  code?: string | null;
  login: string;
  password: string;
}

export interface Me {
  credential: string;
  credential_id: string | null;
  id: string;
  must_change_password: boolean;
  name: string;
  permissions: (string)[];
  role: string;
  scope: ScopeShape;
}

export interface Meta {
  actions: (ActionShape)[];
  classes: (LabelShape)[];
  event_types: (LabelShape)[];
  handlings: (LabelShape)[];
  kinds: Record<string, (LabelShape)[]>;
  plate_colors: (LabelShape)[];
  reasons: (ReasonShape)[];
  resolutions: (LabelShape)[];
  road_classes: (LabelShape)[];
  roles: (RoleShape)[];
  rules: (LabelShape)[];
  severities: (LabelShape)[];
  states: (LabelShape)[];
  supervisions: (LabelShape)[];
  tiles: Tiles | null;
  version: string;
  zone_kinds: (LabelShape)[];
}

export interface Mileage {
  by_positions_km: number;
  days: (MileageDay)[];
  distance_km: number;
  fixes: number;
  gaps: (GapItem)[];
  gaps_km: number;
  odometer_doubts: ("absent" | "backwards" | "leap" | "too_little" | "too_much")[];
  odometer_km: number;
  positions_km: number;
  source: "odometer" | "positions" | "mixed" | "none";
}

export interface MileageDay {
  day: string;
  distance_km: number;
  gaps_km: number;
  odometer_km: number;
  positions_km: number;
}

export interface Moment {
  lat: number;
  lon: number;
  time: string;
}

export interface NearItem {
  age_s: number;
  bearing: number;
  class: string;
  distance_m: number;
  division: string;
  fixed: boolean;
  hazmat: boolean;
  heading: number | null;
  lat: number;
  lon: number;
  operator: string;
  plate: string;
  plate_color: string;
  speed_kmh: number | null;
  subtype: string | null;
  time: string;
  vehicle: number;
}

export interface NearPage {
  items: (NearItem)[];
  next: string | null;
  total: number;
  truncated: boolean;
}

export interface Network {
  created: string;
  network: string;
  note: string;
}

export interface Networks {
  items: (Network)[];
  next: string | null;
}

export interface NewAccount {
  active: boolean;
  created: string;
  first_password: string | null;
  id: string;
  locked_until: string | null;
  login: string;
  must_change_password: boolean;
  name: string;
  oidc_subject: string | null;
  password: boolean;
  role: string;
  scope: ScopeShape;
  totp: boolean;
  version: number;
}

export interface NewAccountBody {
  login: string;
  name: string;
  oidc_subject?: string | null;
  role: Role;
  scope?: ScopeBody;
}

export interface NewKey {
  expires?: string | null;
  name: string;
  networks?: (string)[];
  scopes: ("accounts:manage" | "alerts:ack" | "alerts:assign" | "alerts:close" | "alerts:read" | "alerts:reopen" | "alerts:supervise" | "audit:read" | "drivers:read" | "drivers:unmask" | "map:read" | "meta:read" | "metrics:read" | "system:manage" | "tracks:export" | "tracks:read" | "vehicles:read" | "webhooks:manage")[];
}

export interface NewKeyShown {
  account: string;
  created: string;
  expires: string | null;
  id: string;
  key: string;
  name: string;
  networks: (string)[];
  revoked: string | null;
  scopes: (string)[];
  used: string | null;
}

export interface NewNetwork {
  note: string;
}

export interface NewPassword {
  new: string;
  old: string;
  revoke_keys?: boolean;
}

export interface NewWebhook {
  algorithm?: "hmac-sha256" | "ed25519";
  description?: string;
  filters?: Filters;
  types?: ("alert.opened" | "alert.updated" | "alert.closed" | "alert.revised" | "alert.withdrawn" | "alert.acknowledged" | "alert.assigned" | "alert.commented" | "alert.supervised" | "alert.resolved" | "alert.reopened" | "alert.escalated")[];
  url: string;
}

export interface NewWebhookAnswer {
  after: number;
  algorithm: string;
  created: string;
  description: string;
  failing_since: string | null;
  failures: number;
  filters: Record<string, (string)[]>;
  id: string;
  numbered: number;
  reason: string | null;
  resume_at: string | null;
  secret: string | null;
  secrets: (SecretShape)[];
  state: "pending" | "active" | "paused" | "disabled";
  types: (string)[];
  url: string;
  version: number;
}

export interface Note {
  text?: string | null;
}

export interface Password {
  password: string;
}

export interface Person {
  id: string;
  name: string;
  role?: string | null;
}

export interface PositionItem {
  class: string;
  division: string;
  fixed: boolean;
  heading: number | null;
  lat: number;
  lon: number;
  operator: string;
  plate: string;
  plate_color: string;
  speed_kmh: number | null;
  time: string;
  vehicle: number;
}

export interface PositionPage {
  items: (PositionItem)[];
  next: string | null;
  truncated: boolean;
}

export interface PresenceItem {
  between_fixes: boolean;
  class: string | null;
  division: string | null;
  first: string;
  fixes: number;
  last: string;
  operator: string | null;
  plate: string | null;
  plate_color: string | null;
  vehicle: number;
}

export interface PresencePage {
  items: (PresenceItem)[];
  next: string | null;
  total: number;
  truncated: boolean;
}

export interface PresenceRequest {
  buffer_m?: number | null;
  classes?: ("coach" | "charter" | "hazmat" | "freight" | "school_bus")[];
  divisions?: (string)[];
  from: string;
  line?: ([number, number])[] | null;
  max_gap_s?: number;
  operators?: (string)[];
  polygon?: ([number, number])[] | null;
  to: string;
}

export interface Problem {
  detail: string;
  errors?: (Fault)[] | null;
  request_id?: string | null;
  retry_after_s?: number | null;
  status: number;
  title: string;
  type: string;
}

export interface ProviderItem {
  name: string;
  url: string;
}

export interface ProviderList {
  items: (ProviderItem)[];
}

export interface ReasonShape {
  code: string;
  en: string;
  verdict: string;
  zh: string;
}

export interface Recovery {
  delivered?: boolean;
  since: string;
  until: string;
}

export interface RecoveryAsked {
  job: string;
}

export interface Registration {
  class: string;
  division: string;
  inspection_due: string | null;
  operator: string;
  permit: string | null;
  permit_to: string | null;
  scrapped_on: string | null;
  status: string;
  subtype: string | null;
  terminal: string;
  valid_from: string | null;
  valid_to: string | null;
  vin: string | null;
}

export interface Rejected {
  base64: string;
  bytes: number;
  content_type: string | null;
  id: string;
  key: string | null;
  reason: ReasonShape | null;
  source: RejectedSource | null;
  text: string | null;
  time: string;
}

export interface RejectedPage {
  items: (Rejected)[];
  next: string | null;
  scanned: number;
  stopped: "records" | "time" | null;
}

export interface RejectedSource {
  offset: number;
  partition: number;
  topic: string;
}

export interface Reset {
  revoke_keys?: boolean;
}

export type Resolution = "handled" | "no_action" | "later" | "false_alarm";

export interface Resolving {
  reason: Resolution;
  text?: string | null;
}

export interface RoadCollection {
  features: (RoadFeature)[];
  truncated: boolean;
  type: "FeatureCollection";
}

export interface RoadFeature {
  geometry: LineGeometry;
  properties: RoadProperties;
  type: "Feature";
}

export interface RoadProperties {
  bridge: boolean;
  class: "expressway" | "highway" | "urban_expressway" | "urban" | "rural" | "mountain";
  class_limits_kmh: Record<string, number>;
  id: number;
  limit_kmh: number | null;
  name: string | null;
  night_limit_kmh: number | null;
  oneway: boolean;
  ref: string | null;
  tunnel: boolean;
}

export type Role = "dispatcher" | "supervisor" | "authority" | "enterprise" | "partner" | "system_admin" | "security_admin" | "audit_admin";

export interface RoleShape {
  code: string;
  en: string;
  permissions: (string)[];
  zh: string;
}

export interface RouteCollection {
  features: (RouteInList)[];
  truncated: boolean;
  type: "FeatureCollection";
}

export interface RouteDetail {
  corridor: AreaGeometry;
  half_width_m: (number)[];
  leg_half_widths_m: (number)[];
  length_m: number;
  name: string;
  route: string;
  stops: (RouteStop)[];
}

export interface RouteFeature {
  geometry: LineGeometry;
  properties: RouteDetail;
  type: "Feature";
}

export interface RouteHead {
  half_width_m: (number)[];
  length_m: number;
  name: string;
  route: string;
  stops: number;
}

export interface RouteInList {
  geometry: LineGeometry;
  properties: RouteHead;
  type: "Feature";
}

export interface RouteStop {
  lat: number;
  lon: number;
  name: string;
  radius_m?: number;
}

export interface RuleDetail {
  basis: Sentence;
  course: Sentence;
  en: string;
  flags: Sentence;
  ignores: Sentence;
  kinds: (RuleKind)[];
  parameters: (RuleParameter)[];
  rule: string;
  zh: string;
}

export interface RuleKind {
  code: string;
  en: string;
  zh: string;
}

export interface RuleList {
  imported: number | null;
  items: (RuleDetail)[];
  registry: number | null;
  sets: (RuleSetDetail)[];
}

export interface RuleParameter {
  default: unknown;
  en: string;
  from: string | null;
  high: number;
  low: number;
  name: string;
  set: number | null;
  shape: "number" | "integer" | "window" | "by_class" | "by_class_and_road" | "by_kind" | "boolean" | "classes" | "severities";
  source: string;
  to: string | null;
  unit: string;
  value: unknown;
  zh: string;
}

export interface RuleSetDetail {
  basis: string | null;
  created: string;
  from: string | null;
  parameters: Record<string, Record<string, unknown>>;
  state: "in_force" | "other_time" | "superseded";
  to: string | null;
  version: number;
}

export interface ScopeBody {
  classes?: ("coach" | "charter" | "hazmat" | "freight" | "school_bus")[] | null;
  divisions?: (string)[] | null;
  operators?: (string)[] | null;
}

export interface ScopeShape {
  classes: (string)[] | null;
  divisions: (string)[] | null;
  operators: (string)[] | null;
}

export interface SecretShape {
  created: string;
  public_key: string | null;
  until: string | null;
}

export interface Seen {
  id: string;
  version: number;
}

export interface SeenAlert {
  id: string;
  version: number;
}

export interface Sentence {
  en: string;
  zh: string;
}

export interface ShiftActor {
  actions: Record<string, number>;
  id: string;
  name: string;
  role?: string | null;
  total: number;
}

export interface ShiftDone {
  actions: Record<string, number>;
  by: (ShiftActor)[];
  resolutions: Record<string, number>;
  total: number;
}

export interface ShiftOpen {
  alerts: number;
  handlings: Record<string, number>;
  overdue: number;
  severities: Record<string, number>;
}

export interface ShiftSummary {
  as_of: string;
  began: number;
  done: ShiftDone;
  from: string;
  open: ShiftOpen;
  to: string;
}

export interface StopItem {
  began: string;
  cut: boolean;
  duration_s: number;
  ended: string;
  fixes: number;
  open: boolean;
  place: (number)[];
}

export interface StopPage {
  gaps: (GapItem)[];
  items: (StopItem)[];
  next: string | null;
}

export interface Supervising {
  due: string;
  level: Supervision;
  text?: string | null;
}

export type Supervision = "urgent" | "normal";

export interface System {
  database_bytes: number;
  feed: number | null;
  guard: SystemGuard;
  jobs: SystemJobs;
  kafka: "ok" | "away";
  operators: (SystemOperator)[];
  reports: SystemPeriods;
  services: (SystemService)[];
  streams: number;
  time: string;
  watched_since: string | null;
  webhooks: SystemWebhooks;
}

export interface SystemGuard {
  kept_out: number;
  reasons: (SystemReason)[];
  reports: number;
  since: string | null;
  state: "quiet" | "over" | "held";
}

export interface SystemJobs {
  running: number;
  waiting: number;
}

export interface SystemOperator {
  last: string;
  operator: string;
  vehicles: number;
}

export interface SystemPartition {
  claimed: string;
  end: number | null;
  lag: number | null;
  owner: string;
  partition: number;
  position: number;
  rate: number | null;
}

export interface SystemPeriods {
  hour: SystemReports | null;
  minute: SystemReports | null;
}

export interface SystemReason {
  code: string;
  count: number;
  en: string;
  verdict: string;
  zh: string;
}

export interface SystemReports {
  accepted: number;
  flagged: number;
  over_s: number;
  quarantined: number;
  reasons: (SystemReason)[];
  rejected: number;
}

export interface SystemService {
  lag: number | null;
  partitions: (SystemPartition)[];
  rate: number | null;
  service: "ingest" | "recorder" | "rules";
  topic: string;
}

export interface SystemWebhooks {
  oldest_s: number | null;
  waiting: number;
}

export interface TerminalHealth {
  backfilled: number;
  clock: "right" | "behind" | "ahead" | "unsteady" | "unknown";
  clock_offset_s: number | null;
  clock_spread_s: number | null;
  from: string;
  interval_s: number | null;
  last: LastReport | null;
  reports: number;
  satellites: number | null;
  share_flagged: number | null;
  share_frozen: number | null;
  share_without_speed: number | null;
  speed: "told" | "missing" | "stuck" | "unknown";
  to: string;
  truncated: boolean;
}

export interface TestingEvent {
  type?: "alert.opened" | "alert.updated" | "alert.closed" | "alert.revised" | "alert.withdrawn" | "alert.acknowledged" | "alert.assigned" | "alert.commented" | "alert.supervised" | "alert.resolved" | "alert.reopened" | "alert.escalated";
}

export interface Tiles {
  credit: string;
  url: string;
}

export interface Track {
  geometry: Record<string, unknown> | null;
  properties: TrackProperties;
  type: "Feature";
}

export interface TrackProperties {
  datetimes: (string)[];
  flags: Record<string, (number)[]>;
  headings: (number | null)[];
  plate: string | null;
  recorder_speeds_kmh: (number | null)[];
  speeds_kmh: (number | null)[];
  vehicle: number;
}

export interface TripItem {
  began: string;
  cut: boolean;
  distance_km: number;
  distance_source: "odometer" | "positions" | "mixed";
  ended: string;
  fixes: number;
  from: (number)[];
  max_speed_kmh: number | null;
  odometer_doubts: ("absent" | "backwards" | "leap" | "too_little" | "too_much")[];
  open: boolean;
  to: (number)[];
}

export interface TripPage {
  gaps: (GapItem)[];
  items: (TripItem)[];
  next: string | null;
}

export interface Try {
  at: string;
  error: string | null;
  milliseconds: number;
  number: number;
  response: string | null;
  status: number | null;
}

export interface Vehicle {
  class: string;
  division: string;
  id: number;
  inspection_due: string | null;
  operator: string;
  permit: string | null;
  permit_to: string | null;
  plate: string;
  plate_color: string;
  scrapped_on: string | null;
  status: string;
  subtype: string | null;
  terminal: string;
  valid_from: string | null;
  valid_to: string | null;
  vin: string | null;
}

export interface VehicleDetail {
  class: string;
  division: string;
  id: number;
  inspection_due: string | null;
  operator: string;
  permit: string | null;
  permit_to: string | null;
  plate: string;
  plate_color: string;
  registrations: (Registration)[];
  scrapped_on: string | null;
  status: string;
  subtype: string | null;
  terminal: string;
  valid_from: string | null;
  valid_to: string | null;
  vin: string | null;
}

export interface VehiclePage {
  items: (Vehicle)[];
  next: string | null;
}

export interface Viewer {
  id: string;
  name: string;
  since: string;
}

export interface Viewers {
  lasts_s: number;
  others: (Viewer)[];
}

export interface Webhook {
  after: number;
  algorithm: string;
  created: string;
  description: string;
  failing_since: string | null;
  failures: number;
  filters: Record<string, (string)[]>;
  id: string;
  numbered: number;
  reason: string | null;
  resume_at: string | null;
  secrets: (SecretShape)[];
  state: "pending" | "active" | "paused" | "disabled";
  types: (string)[];
  url: string;
  version: number;
}

export interface WebhookChange {
  description?: string | null;
  filters?: Filters | null;
  types?: ("alert.opened" | "alert.updated" | "alert.closed" | "alert.revised" | "alert.withdrawn" | "alert.acknowledged" | "alert.assigned" | "alert.commented" | "alert.supervised" | "alert.resolved" | "alert.reopened" | "alert.escalated")[] | null;
  url?: string | null;
}

export interface WebhookPage {
  items: (Webhook)[];
  next: string | null;
}

export interface ZoneCollection {
  features: (ZoneFeature)[];
  truncated: boolean;
  type: "FeatureCollection";
}

export interface ZoneFeature {
  geometry: AreaGeometry;
  properties: ZoneProperties;
  type: "Feature";
}

export interface ZoneProperties {
  buffer_m: number;
  classes: (string)[];
  dates: ((string)[])[];
  days: (string)[];
  drawn: "line" | "area";
  except_dates: ((string)[])[];
  from: string | null;
  hours: ((string)[])[];
  kind: "forbidden" | "hazard_section" | "school" | "parking" | "dead_zone" | "depot";
  limit_kmh: number | null;
  name: string;
  reason: string | null;
  to: string | null;
  zone: string;
}
