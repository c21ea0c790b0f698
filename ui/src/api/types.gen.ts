// Made of the server's OpenAPI documents by `UPDATE=1 cargo test -p api`; not edited by hand.
export type ActiveTarget = {
  discoveredLabels: Record<string, string>;
  labels: Record<string, string>;
  scrapePool: string;
  scrapeUrl: string;
  globalUrl: string;
  lastError: string;
  /** RFC 3339. */
  lastScrape: string;
  /** Seconds. */
  lastScrapeDuration: number;
  /** `up`, `down` or `unknown`. */
  health: string;
  scrapeInterval: string;
  scrapeTimeout: string;
};

export type AlertingRule = {
  state: string;
  name: string;
  query: string;
  duration: number;
  keepFiringFor: number;
  labels: Record<string, string>;
  annotations: Record<string, string>;
  alerts: RuleAlert[];
  health: string;
  lastError?: string | null;
  evaluationTime: number;
  lastEvaluation: string;
  type: string;
};

export type AlertmanagerUrl = {
  url: string;
};

export type Alertmanagers = {
  activeAlertmanagers: AlertmanagerUrl[];
  droppedAlertmanagers: AlertmanagerUrl[];
};

export type Blocks = {
  blocks: unknown[];
};

export type BuildInfo = {
  version: string;
  revision: string;
  branch: string;
  buildUser: string;
  buildDate: string;
  goVersion: string;
};

export type Config = {
  yaml: string;
};

export type DroppedTarget = {
  discoveredLabels: Record<string, string>;
  scrapePool: string;
};

export type Exemplar = {
  labels: Record<string, string>;
  value: string;
  timestamp: number;
};

export type ExemplarsOfSeries = {
  seriesLabels: Record<string, string>;
  exemplars: Exemplar[];
};

export type HeadStats = {
  numSeries: number;
  numLabelPairs: number;
  chunkCount: number;
  minTime: number;
  maxTime: number;
};

export type Histogram = {
  count: string;
  sum: string;
  buckets?: Array<[number, string, string, string]> | null;
};

export type InstantSample = {
  metric: Record<string, string>;
  value?: [number, string] | null;
  histogram?: [number, Histogram] | null;
};

export type Metadata = {
  type: string;
  help: string;
  unit: string;
};

export type Notification = {
  text: string;
  date: string;
  /** Only subscribers hear of one that is over. */
  active: boolean;
};

export type PrometheusRelabelStep = {
  rule: RelabelRule;
  /** Empty once the target is dropped. */
  output: Record<string, string>;
  keep: boolean;
};

/** The data of `query` and `query_range`. */
export type QueryData = {
  /** With `stats`. */
  stats?: (QueryStats | null);
} & ({
  resultType: "scalar";
  result: [number, string];
} | {
  resultType: "string";
  result: [number, string];
} | {
  resultType: "vector";
  result: InstantSample[];
} | {
  resultType: "matrix";
  result: RangeSeries[];
});

export type QueryStats = {
  samples: SampleStats;
};

export type RangeSeries = {
  metric: Record<string, string>;
  values?: Array<[number, string]> | null;
  histograms?: Array<[number, Histogram]> | null;
};

export type RecordingRule = {
  name: string;
  query: string;
  labels: Record<string, string>;
  health: string;
  lastError?: string | null;
  evaluationTime: number;
  lastEvaluation: string;
  type: string;
};

export type RelabelRule = {
  source_labels?: string[];
  separator?: string;
  regex: string;
  modulus?: number;
  target_label?: string;
  replacement?: string;
  action: string;
};

export type RelabelSteps = {
  steps: PrometheusRelabelStep[];
};

export type ReplayProgress = {
  min: number;
  max: number;
  current: number;
};

export type Rule = (RecordingRule | AlertingRule);

export type RuleAlert = {
  labels: Record<string, string>;
  annotations: Record<string, string>;
  state: string;
  activeAt: string;
  keepFiringSince?: string | null;
  value: string;
};

export type RuleAlerts = {
  alerts: RuleAlert[];
};

export type RuleGroup = {
  name: string;
  file: string;
  rules: Rule[];
  /** Seconds. */
  interval: number;
  limit: number;
  evaluationTime: number;
  lastEvaluation: string;
};

export type Rules = {
  groups: RuleGroup[];
  /** `group_next_token` of the next page. */
  groupNextToken?: string | null;
};

/** Keys that speak of Go's runtime keep the values that mean "not limited". */
export type RuntimeInfo = {
  startTime: string;
  CWD: string;
  hostname: string;
  serverTime: string;
  reloadConfigSuccess: boolean;
  lastConfigTime: string;
  corruptionCount: number;
  goroutineCount: number;
  GOMAXPROCS: number;
  GOMEMLIMIT: number;
  GOGC: string;
  GODEBUG: string;
  storageRetention: string;
};

export type SampleStats = {
  totalQueryableSamples: number;
  peakSamples: number;
};

export type ScrapePools = {
  scrapePools: string[];
};

export type Snapshot = {
  name: string;
};

export type TargetMetadata = {
  target: Record<string, string>;
  /** Left out where one metric was asked for. */
  metric?: string | null;
  type: string;
  help: string;
  unit: string;
};

export type Targets = {
  activeTargets: ActiveTarget[];
  droppedTargets: DroppedTarget[];
  droppedTargetCounts?: Record<string, number> | null;
};

export type TsdbCount = {
  name: string;
  value: number;
};

export type TsdbStatus = {
  headStats: HeadStats;
  seriesCountByMetricName: TsdbCount[];
  labelValueCountByLabelName: TsdbCount[];
  memoryInBytesByLabelName: TsdbCount[];
  seriesCountByLabelValuePair: TsdbCount[];
};

export type AlertStatus = {
  inhibitedBy: string[];
  mutedBy: string[];
  silencedBy: string[];
  state: string;
};

export type AlertmanagerConfig = {
  original: string;
};

export type AlertmanagerStatus = {
  cluster: ClusterStatus;
  config: AlertmanagerConfig;
  uptime: string;
  versionInfo: VersionInfo;
};

export type ClusterStatus = {
  /** Of this node; absent if it is no member of a mesh. */
  name?: string | null;
  peers: PeerStatus[];
  status: string;
};

/** An alert in answers; `write_alert` writes it. */
export type NotifiedAlert = {
  annotations: Record<string, string>;
  endsAt: string;
  fingerprint: string;
  receivers: Receiver[];
  startsAt: string;
  status: AlertStatus;
  updatedAt: string;
  generatorURL?: string;
  labels: Record<string, string>;
};

/** A group in answers; `list` writes it. */
export type NotifiedGroup = {
  alerts: NotifiedAlert[];
  labels: Record<string, string>;
  receiver: Receiver;
  routeLabels: Record<string, string>;
};

export type PeerStatus = {
  address: string;
  name: string;
};

/** One alert of the body; described for the API's document. */
export type PostedAlert = {
  labels: Record<string, string>;
  annotations?: Record<string, string> | null;
  startsAt?: string | null;
  endsAt?: string | null;
  generatorURL?: string | null;
};

export type PostedMatcher = {
  name: string;
  value: string;
  isRegex: boolean;
  /** True without. */
  isEqual?: boolean | null;
};

/** The body that makes or changes a silence; described for the API's document. */
export type PostedSilence = {
  /** Of the silence that is changed. */
  id?: string | null;
  matchers: PostedMatcher[];
  startsAt: string;
  endsAt: string;
  createdBy: string;
  comment: string;
  annotations?: Record<string, string> | null;
};

/** A receiver as alerts name it. */
export type Receiver = {
  name: string;
};

export type ReceiverWithLabels = {
  labels: Record<string, string>;
  name: string;
};

export type Silence = {
  id: string;
  status: SilenceStatus;
  updatedAt: string;
  annotations?: Record<string, string>;
  comment: string;
  createdBy: string;
  endsAt: string;
  matchers: SilenceMatcher[];
  startsAt: string;
};

export type SilenceId = {
  silenceID: string;
};

export type SilenceMatcher = {
  isEqual: boolean;
  isRegex: boolean;
  name: string;
  value: string;
};

export type SilenceStatus = {
  state: string;
};

export type VersionInfo = {
  branch: string;
  buildDate: string;
  buildUser: string;
  goVersion: string;
  revision: string;
  version: string;
};

export type ActiveQuery = {
  id: number;
  query: string;
  kind: string;
  stage: string;
  startedAt: string;
  elapsedSeconds: number;
} & ({
  client: string;
  method: string;
  path: string;
} | {
  ruleFile: string;
  ruleGroup: string;
});

/** The group that notifies about an alert. */
export type AlertGroup = {
  receiver: string;
  labels: Record<string, string>;
  key: string;
  /** RFC 3339; when the group is looked at next. */
  nextFlush: string;
};

/** Something that was said about the alert, or was not. */
export type AlertMark = {
  /** Of the event in the journal. */
  id: string;
  /** RFC 3339. */
  at: string;
  /** `notified`, `retried`, `failed` or `not-notified`. */
  kind: string;
  code: string;
  /** One sentence for people. */
  text: string;
  receiver?: string | null;
  integration?: string | null;
};

export type AlertRow = {
  fingerprint: string;
  /** `firing`, `silenced`, `inhibited`, `muted` or `pending`. */
  state: string;
  labels: Record<string, string>;
  annotations: Record<string, string>;
  /** RFC 3339. */
  since: string;
  /** The newest value of the rule's expression. */
  value?: string | null;
  rule?: (AlertRule | null);
  /** With `by=group`: the one that this row is in. */
  group?: (AlertGroup | null);
  receivers: string[];
  silencedBy: string[];
  inhibitedBy: string[];
  mutedBy: string[];
  generatorUrl?: string;
};

/** The rule that an alert came from. */
export type AlertRule = {
  name: string;
  group: string;
  file: string;
  expression: string;
};

/** What the alert was for some time. Spans overlap: while it fires, some receivers may not be told. */
export type AlertSpan = {
  /** `pending`, `firing` or `suppressed`. */
  state: string;
  /** RFC 3339. */
  from: string;
  /** RFC 3339; the end of the range if it lasts for longer. */
  to: string;
  /** It lasted at the end of the range. */
  isOpen: boolean;
  /** Who is not told, of `suppressed`. */
  receiver?: string | null;
  /** Why, of `suppressed`: `alert-silenced`, `alert-inhibited`, `alert-muted-by-interval`, `alert-outside-active-interval`. */
  code?: string | null;
  /** The same in words, with evidence. */
  reason?: string | null;
};

export type AlertTimeline = {
  fingerprint: string;
  /** Empty if the journal does not know the alert. */
  labels: Record<string, string>;
  /** RFC 3339. */
  from: string;
  /** RFC 3339. */
  to: string;
  spans: AlertSpan[];
  marks: AlertMark[];
  /** Otherwise there were too many events, and the oldest of them are missing. */
  isComplete: boolean;
};

/** Something that somebody should look at. */
export type Attention = {
  code: string;
  subject: string;
  message: string;
  hint?: string | null;
  /** RFC 3339. */
  since?: string | null;
  /** The page that shows more, with its query string. */
  page: string;
};

export type BackfilledRule = {
  file: string;
  group: string;
  record: string;
  labels: Record<string, string>;
  expression: string;
  /** `waiting`, `running`, `done` or `failed`. */
  state: string;
  /** RFC 3339; what is filled, … */
  from: string;
  until: string;
  /** … and up to where it is. */
  reached: string;
  /** Written so far. */
  samples: number;
  /** Why it was given up. */
  problem?: string | null;
};

export type BeforeAfter = {
  old: number;
  new: number;
};

export type Boot = {
  version: string;
  /** RFC 3339. */
  startedAt: string;
  /** RFC 3339; tells the browser how far its clock is off. */
  now: string;
  isReady: boolean;
  externalUrl: string;
  /** Paths of this API, so that the UI shows nothing that is not there. */
  paths: string[];
  me: Me;
};

/** `cardinality`: which labels make the series of a metric many. */
export type Cardinality = {
  metric: string;
  series: number;
  /** Values of each label with how many series have them, most first; at most 100 of each. */
  labels: LabelCardinality[];
};

export type ComparedAlert = {
  labels: Record<string, string>;
  changed: boolean;
  reasons: string[];
  old: RouteOutcome;
  new: RouteOutcome;
};

export type ComparedEnd = {
  routeId: string;
  receiver: string;
  /** Kinds; none: nobody is told. */
  integrations: string[];
  /** `...` alone means every label. */
  groupBy: string[];
  groupLabels: Record<string, string>;
  groupKey: string;
  groupWait: string;
  groupInterval: string;
  repeatInterval: string;
  muteTimeIntervals: string[];
  activeTimeIntervals: string[];
  /** Those that the route gives, with their templates. */
  routeLabels: Record<string, string>;
  /** Why the intervals hold it back at the time. */
  muted?: (Suppressed | null);
};

/** What becomes of a receiver. */
export type ComparedReceiver = {
  name: string;
  /** `stays`, `comes` or `goes`. */
  state: string;
  /** Kinds of its integrations that go elsewhere or say something else, where it has the same kinds. */
  settings: string[];
  /** Alerts that reach it. */
  old: number;
  new: number;
  /** Alerts that reach it only with the new configuration. */
  gained: number;
  /** Alerts that reach it only with the old one. */
  lost: number;
};

export type ConfigComparison = {
  prometheus: ConfigPart;
  alertmanager: ConfigPart;
  /** RFC 3339. */
  loadedAt: string;
  isLastReloadOk: boolean;
  /** What is wrong with the files as they are now, warnings and notes included. */
  problems: Problem[];
  /** What could not even be read. */
  failure?: string | null;
};

export type ConfigPart = {
  /** In use, printed in full, secrets left out. */
  running: string;
  /** What a reload would put in place; absent if it would be refused. */
  files?: string | null;
};

/** What became of one object, as one of those that considered it decided. */
export type Decision = {
  object: string;
  /** Who decided. */
  by: string | null;
  code: string;
  message: string;
  hint: string | null;
  inUse: boolean;
  file: string;
  line: number;
};

/** A discovered target, before and after relabelling. */
export type DiscoveredRow = {
  pool: string;
  /** `kept` or `dropped`. */
  outcome: string;
  /** Code of the reason if it was dropped. */
  code?: string;
  reason?: string;
  discoveredLabels: Record<string, string>;
  /** Empty if it was dropped. */
  labels: Record<string, string>;
};

/** How a fire drill went. */
export type Drill = {
  /** The value of the label `keepwatch_drill`. */
  id: string;
  fingerprint: string;
  labels: Record<string, string>;
  /** `proven`, `failed`, `waiting`, `suppressed` or `nobody`. */
  outcome: string;
  /** One sentence for people. */
  text: string;
  /** RFC 3339, like all times here. */
  startedAt: string;
  endedAt: string;
  ends: DrillEnd[];
  /** What happened, the first first. */
  hops: DrillHop[];
};

/** What came out at one integration, or at a group that told none. */
export type DrillEnd = {
  receiver: string;
  integration?: string | null;
  /** Otherwise it is about telling that the alert fires. */
  isResolved: boolean;
  /** `delivered`, `failed`, `suppressed`, `nobody` or `waiting`. */
  outcome: string;
  at: string;
  text: string;
  /** Of HTTP. */
  status?: number | null;
};

export type DrillHop = {
  at: string;
  /** Since the drill began. */
  afterMs: number;
  /** As in the journal. */
  code: string;
  text: string;
  receiver?: string | null;
  integration?: string | null;
  attempt?: number | null;
  /** What the receiver answered, or why it could not be asked. */
  answer?: string | null;
};

export type DrillQuestion = {
  /** All of its integrations are told, whatever the routes say. Either this or `labels`. */
  receiver?: string | null;
  /** Whoever the routes choose is told. */
  labels?: Record<string, string> | null;
  /** How long the alert fires at most, such as `2m`; 6m if left out, at most 1h. */
  wait?: string | null;
};

export type DroppedTargetWithReason = {
  scrapePool: string;
  code: string;
  reason: string;
  discoveredLabels: Record<string, string>;
};

export type ExplainedCost = {
  series: number;
  samples: number;
  bytes: number;
};

export type ExplainedNode = {
  op: string;
  detail: string;
  span: ExplainedSpan;
  estimated: ExplainedCost;
  measured?: (MeasuredCost | null);
  children: ExplainedNode[];
};

/** Bytes of the query, the end not included. */
export type ExplainedSpan = {
  start: number;
  end: number;
};

/** One step of the way from an object to stored samples. */
export type Hop = {
  /** `object`, `selected`, `discovered`, `relabelled`, `kept`, `scraped`, `stored`. */
  step: string;
  /** `yes`, `no`, `unknown` or `not-reached`. */
  outcome: string;
  message: string;
  code?: string | null;
  hint?: string | null;
};

/** What an import did. */
export type Import = {
  blocks: ImportedBlock[];
  samples: number;
  /** Samples that were left out: their series has another one at the same time. */
  duplicates: number;
};

export type ImportedBlock = {
  ulid: string;
  /** Milliseconds; the last one is not in the block. */
  minTime: number;
  maxTime: number;
  series: number;
  samples: number;
};

/** Some events. A page may have fewer than were asked for, even none, although there are more: then it has `next`. */
export type Journal = {
  events: JournalEvent[];
  /** For the parameter `cursor`; absent at the end. */
  next?: string | null;
  /** Parts of the journal that could not be read, in words. */
  damage: string[];
  /** RFC 3339; events before that are gone. Absent if there is none at all. */
  keptSince?: string | null;
};

export type JournalAlert = {
  fingerprint: string;
  labels: Record<string, string>;
  isResolved: boolean;
};

/** Something that happened. */
export type JournalEvent = {
  /** Names the event for as long as it is kept; also a `cursor`. */
  id: string;
  /** RFC 3339. */
  at: string;
  /** Stable, kebab-case. */
  code: string;
  /** `alert`, `group`, `delivery`, `silence`, `config` or `rule`. */
  kind: string;
  /** One sentence for people. */
  text: string;
  /** Of the alert that it is about, as `labels`; absent where there are many or none. */
  fingerprint?: string | null;
  labels?: Record<string, string> | null;
  group?: (JournalGroup | null);
  /** Kind of the integration, such as `webhook`. */
  integration?: string | null;
  /** Attempts of one delivery share the number. A restart begins to count anew. */
  delivery?: number | null;
  /** 1 for the first. */
  attempt?: number | null;
  /** Why it was told, or why not, in words. */
  reason?: string | null;
  /** The first of the alerts that it is about, where these are many; those that were asked for come first. */
  alerts?: JournalAlert[];
  /** How many there are in all. */
  alertCount?: number;
  /** What else is known, such as `status`, `message`, `nextAt`, `silences`, `inhibitedBy`, `value`, `rule`. */
  detail: Record<string, string>;
};

export type JournalGroup = {
  key: string;
  receiver: string;
  routeId: string;
};

export type KilledQuery = {
  killed: number;
};

export type LabelCardinality = {
  name: string;
  values: number;
  top: Array<[string, number]>;
};

/** Who asks, and what they may do. */
export type Me = {
  /** Nobody signs in yet: a proxy in front decides who gets here. */
  user?: string | null;
  /** `--web.read-only`: requests that change something are refused. */
  isReadOnly: boolean;
  /** What may be changed: `reload`, and `admin` for series, tombstones and snapshots. */
  may: string[];
};

export type MeasuredCost = {
  series: number;
  samples: number;
  bytes: number;
  /** With all operators below. */
  seconds: number;
};

export type MetricRow = {
  name: string;
  /** Absent where there are more metrics than are counted. */
  series?: number | null;
  /** As the targets tell it; "" if none does. */
  kind: string;
  help: string;
  unit: string;
};

export type Overview = {
  /** RFC 3339. */
  now: string;
  startedAt: string;
  alerts: OverviewAlerts;
  targets: OverviewTargets;
  rules: OverviewRules;
  series: number;
  /** Since the start; the difference of two answers gives the rate. */
  samplesAppended: number;
  queriesRunning: number;
  isConfigOk: boolean;
  configLoadedAt: string;
  clusterStatus: string;
  attention: Attention[];
  /** How many items there are, shown or not. */
  attentionTotal: number;
};

export type OverviewAlerts = {
  firing: number;
  pending: number;
  silenced: number;
  inhibited: number;
  muted: number;
};

export type OverviewRules = {
  ok: number;
  failed: number;
  unknown: number;
  groups: number;
};

export type OverviewTargets = {
  up: number;
  down: number;
  unknown: number;
  dropped: number;
};

/** A part of a list, with what is needed to ask for the next. */
export type PageOfAlertRow = {
  /** Without those that `have` named. */
  rows: AlertRow[];
  /** With `have`: a print of each row of the page, in order; rows of the same print are the same. */
  prints?: string[] | null;
  /** Rows that the filter accepts. */
  matched: number;
  /** Rows without any filter. */
  total: number;
  /** For the parameter `cursor`; absent at the end. */
  next?: string | null;
  /** How many rows of the whole list have each value of each `@key`. */
  facets: Record<string, Record<string, number>>;
};

/** A part of a list, with what is needed to ask for the next. */
export type PageOfDiscoveredRow = {
  /** Without those that `have` named. */
  rows: DiscoveredRow[];
  /** With `have`: a print of each row of the page, in order; rows of the same print are the same. */
  prints?: string[] | null;
  /** Rows that the filter accepts. */
  matched: number;
  /** Rows without any filter. */
  total: number;
  /** For the parameter `cursor`; absent at the end. */
  next?: string | null;
  /** How many rows of the whole list have each value of each `@key`. */
  facets: Record<string, Record<string, number>>;
};

/** A part of a list, with what is needed to ask for the next. */
export type PageOfMetricRow = {
  /** Without those that `have` named. */
  rows: MetricRow[];
  /** With `have`: a print of each row of the page, in order; rows of the same print are the same. */
  prints?: string[] | null;
  /** Rows that the filter accepts. */
  matched: number;
  /** Rows without any filter. */
  total: number;
  /** For the parameter `cursor`; absent at the end. */
  next?: string | null;
  /** How many rows of the whole list have each value of each `@key`. */
  facets: Record<string, Record<string, number>>;
};

/** A part of a list, with what is needed to ask for the next. */
export type PageOfRecentQuery = {
  /** Without those that `have` named. */
  rows: RecentQuery[];
  /** With `have`: a print of each row of the page, in order; rows of the same print are the same. */
  prints?: string[] | null;
  /** Rows that the filter accepts. */
  matched: number;
  /** Rows without any filter. */
  total: number;
  /** For the parameter `cursor`; absent at the end. */
  next?: string | null;
  /** How many rows of the whole list have each value of each `@key`. */
  facets: Record<string, Record<string, number>>;
};

/** A part of a list, with what is needed to ask for the next. */
export type PageOfRuleRow = {
  /** Without those that `have` named. */
  rows: RuleRow[];
  /** With `have`: a print of each row of the page, in order; rows of the same print are the same. */
  prints?: string[] | null;
  /** Rows that the filter accepts. */
  matched: number;
  /** Rows without any filter. */
  total: number;
  /** For the parameter `cursor`; absent at the end. */
  next?: string | null;
  /** How many rows of the whole list have each value of each `@key`. */
  facets: Record<string, Record<string, number>>;
};

/** A part of a list, with what is needed to ask for the next. */
export type PageOfSilenceRow = {
  /** Without those that `have` named. */
  rows: SilenceRow[];
  /** With `have`: a print of each row of the page, in order; rows of the same print are the same. */
  prints?: string[] | null;
  /** Rows that the filter accepts. */
  matched: number;
  /** Rows without any filter. */
  total: number;
  /** For the parameter `cursor`; absent at the end. */
  next?: string | null;
  /** How many rows of the whole list have each value of each `@key`. */
  facets: Record<string, Record<string, number>>;
};

/** A part of a list, with what is needed to ask for the next. */
export type PageOfTargetRow = {
  /** Without those that `have` named. */
  rows: TargetRow[];
  /** With `have`: a print of each row of the page, in order; rows of the same print are the same. */
  prints?: string[] | null;
  /** Rows that the filter accepts. */
  matched: number;
  /** Rows without any filter. */
  total: number;
  /** For the parameter `cursor`; absent at the end. */
  next?: string | null;
  /** How many rows of the whole list have each value of each `@key`. */
  facets: Record<string, Record<string, number>>;
};

export type Place = {
  file: string;
  line: number;
  column: number;
  text: string;
  remark: string;
};

export type PreviewMatcher = {
  name: string;
  value: string;
  isRegex: boolean;
  isEqual: boolean;
  /** Alerts that this one alone matches. */
  matched: number;
};

/** A problem in input. */
export type Problem = {
  /** `error`, `warning` or `note`. */
  severity: string;
  code: string;
  message: string;
  places: Place[];
  hints: string[];
};

export type Queries = {
  active: ActiveQuery[];
  /** What ran when the process before this one died. */
  unfinished: UnfinishedQuery[];
  concurrentMax: number;
};

export type QueryCheck = {
  /** None for a query that can be run; at most 100. */
  problems: QueryProblem[];
};

export type QueryProblem = {
  code: string;
  /** In Prometheus' words. */
  message: string;
  /** What to do, if there is a good guess. */
  hint?: string | null;
  /** Bytes of the query, the end not included. */
  start: number;
  end: number;
};

export type Reason = {
  /** Since the Unix epoch. */
  time_ms: number;
  code: string;
  subject: string;
  message: string;
  hint?: string | null;
};

export type Reasons = {
  /** How often each code occurred since the start. */
  counts: Record<string, number>;
  /** The newest of each code, newest first. */
  entries: Reason[];
};

/** What a client has asked, as often as it did. */
export type RecentQuery = {
  /** Cut to 4 KiB. */
  query: string;
  /** `instant` or `range`. */
  kind: string;
  client: string;
  path: string;
  count: number;
  /** Those of them that failed, were ended, or found no place. */
  failed: number;
  /** From arrival to result, of all together. */
  secondsTotal: number;
  secondsMax: number;
  /** Samples looked at, of all together. */
  samplesTotal: number;
  samplesMax: number;
  /** RFC 3339. */
  lastAt: string;
  /** Of the newest one that failed. */
  lastError?: string | null;
  /** Of the one that took longest: first and last time in milliseconds, and the step. */
  slowestStartMs: number;
  slowestEndMs: number;
  slowestStepMs: number;
};

/** What one relabelling rule did. */
export type RelabelStep = {
  /** As the configuration has it, in YAML. */
  rule: string;
  kept: boolean;
  /** After the rule. */
  labels: Record<string, string>;
};

/** What the relabelling rules of a job do to one discovered target. */
export type RelabelTrace = {
  steps: RelabelStep[];
};

export type Route = {
  id: string;
  receiver: string;
  matchers: string[];
  continues: boolean;
  /** `...` alone means every label. */
  groupBy: string[];
  groupWait: string;
  groupInterval: string;
  repeatInterval: string;
  muteTimeIntervals: string[];
  activeTimeIntervals: string[];
  /** Alerts in groups of this route now. */
  alerts: number;
  /** Nothing can ever come here, because an earlier sibling takes all of it. */
  neverMatches?: string | null;
  children: Route[];
};

export type RouteAnswer = {
  /** RFC 3339; the time that is asked about. */
  at: string;
  /** What each route of the tree says, by the route's id. */
  visits: Record<string, RouteVisit>;
  /** The routes that the alert ends at, in the order of the tree; none: nobody is told. */
  ends: RouteEnd[];
  /** Those that hide the alert at the time. */
  silences: RouteSilence[];
  /** Rules of inhibition that keep the alert quiet, by the alerts that there are now. */
  inhibitions: RouteInhibition[];
  /** What a start with `config` would warn of. */
  warnings: string[];
};

/** How alerts fare under two configurations. */
export type RouteComparison = {
  /** RFC 3339; the time at which intervals mute. */
  at: string;
  /** Alerts, by their labels, each once. */
  candidates: RouteComparisonCandidates;
  compared: number;
  /** Those of them that fare differently. */
  changed: number;
  /** In which ways, with how many alerts: `receiver`, `integrations`, `settings`, `labels`, `grouping`, `group-key`, `timers`, `intervals`, `muted`, `inhibited`. */
  reasons: Record<string, number>;
  /** Alerts that reach no receiver with an integration. */
  nobody: BeforeAfter;
  /** By name; those that no alert concerns too. */
  receivers: ComparedReceiver[];
  /** Those that change first. */
  alerts: ComparedAlert[];
  /** Alerts that `alerts` does not show. */
  leftOut: RouteComparisonLeftOut;
  /** What was not looked at, and what a start would warn of. */
  warnings: string[];
};

/** Where the label sets come from. */
export type RouteComparisonCandidates = {
  current: number;
  journalled: number;
  given: number;
};

export type RouteComparisonLeftOut = {
  changed: number;
  unchanged: number;
};

export type RouteComparisonQuestion = {
  /** The new configuration of alerting, in YAML. */
  config: string;
  /** What it is compared with; the one in use if left out. */
  old?: string | null;
  /** These instead of the alerts that there are now. Where there is no server, they are taken to fire together, so that they may inhibit each other. */
  labels?: Array<Record<string, string>> | null;
  /** Also the alerts that the journal mentions from here on: RFC 3339, seconds, or time before now as in 24h. */
  since?: string | null;
  /** When intervals mute: RFC 3339 or seconds; now if left out. */
  at?: string | null;
  /** Alerts of the answer, those that change first: 100 if left out, at most 1000. */
  limit?: number | null;
};

export type RouteEnd = {
  routeId: string;
  receiver: string;
  integrations: RouteIntegration[];
  groupKey: string;
  groupLabels: Record<string, string>;
  /** `...` alone means every label. */
  groupBy: string[];
  groupWait: string;
  groupInterval: string;
  repeatInterval: string;
  /** Ids of the routes that set `receiver`, `groupBy`, `groupWait`, `groupInterval` and `repeatInterval`; what is not there has its default. */
  setBy: Record<string, string>;
  muteTimeIntervals: RouteInterval[];
  activeTimeIntervals: RouteInterval[];
  /** `member`: the alert is in the group; `joins`: the group is there without it; `new`: it would make the group. */
  membership: string;
  /** RFC 3339; when the group is looked at next, not before the time that is asked about. A group that is not there is taken to begin then. */
  nextFlush: string;
  /** Everything that would keep it from being told of, in the order in which it is asked. */
  suppressedBy: Suppression[];
};

export type RouteInhibition = {
  /** The number of the rule in the configuration; the first has 1. */
  rule: number;
  /** Of the rule; "" if it has none. */
  name: string;
  /** An alert that fires. */
  source: Record<string, string>;
  sourceFingerprint: string;
};

export type RouteIntegration = {
  name: string;
  /** `nothing`, `firing` or `resolved`: what it was told about this alert last. */
  told: string;
  toldAt?: string | null;
};

/** A time interval of a route. */
export type RouteInterval = {
  name: string;
  /** Whether the time lies in it. */
  holds: boolean;
  /** RFC 3339; when that changes, if that is within a year. */
  until?: string | null;
};

export type RouteOutcome = {
  /** In the order of the routes. */
  ends: ComparedEnd[];
  /** Why another alert keeps it quiet now. */
  inhibited?: (Suppressed | null);
};

export type RouteQuestion = {
  labels: Record<string, string>;
  /** RFC 3339 or seconds; now if left out. */
  at?: string | null;
  /** A configuration of alerting, in YAML, instead of the one in use: there are no alerts, groups and silences then. */
  config?: string | null;
};

export type RouteSilence = {
  id: string;
  createdBy: string;
  comment: string;
  /** RFC 3339. */
  endsAt: string;
};

export type RouteVisit = {
  /** Parents before children, siblings in order; the root has 0. */
  position: number;
  /** How many routes are above. */
  depth: number;
  receiver: string;
  matchers: string[];
  continues: boolean;
  /** `end`, `passed`, `differs` or `not-reached`. */
  outcome: string;
  /** The first matcher that does not match, where the outcome is `differs`. */
  failed?: string | null;
  /** For people: what matches, the label that differs, or who took the alert. */
  because: string;
};

/** The whole tree with its receivers. */
export type Routing = {
  root: Route;
  receivers: RoutingReceiver[];
};

export type RoutingReceiver = {
  name: string;
  /** Kinds of its integrations; none: nobody is told. */
  integrations: string[];
};

export type RuleBackfill = {
  /** Whether `--rules.backfill` is on. */
  enabled: boolean;
  /** Recording rules, in the order in which they are filled. */
  rules: BackfilledRule[];
};

export type RuleRow = {
  /** `alerting` or `recording`. */
  kind: string;
  name: string;
  group: string;
  file: string;
  expression: string;
  /** `firing`, `pending` or `inactive`; of recording rules `ok` or what else their health is. */
  state: string;
  /** `ok`, `err` or `unknown`. */
  health: string;
  error?: string;
  labels: Record<string, string>;
  annotations: Record<string, string>;
  holdSeconds: number;
  keepFiringSeconds: number;
  intervalSeconds: number;
  evaluationSeconds: number;
  /** RFC 3339. */
  lastEvaluation: string;
  firing: number;
  pending: number;
};

/** What a silence would do. */
export type SilencePreview = {
  matchers: PreviewMatcher[];
  /** Alerts that all matchers match; without matchers none. */
  matched: number;
  /** Those of them that another silence hides already. */
  silenced: number;
  /** All alerts that there are. */
  total: number;
  /** An alert without any label would be hidden: such a silence is refused. */
  isUnbounded: boolean;
  /** The first of the alerts, the most urgent first. */
  alerts: AlertRow[];
};

export type SilenceRow = {
  id: string;
  /** `active`, `pending` or `expired`. */
  state: string;
  /** All matchers of one set must match. There is one set, but for silences of other programs in the mesh. */
  matcherSets: SilenceMatcher[][];
  comment: string;
  createdBy: string;
  /** RFC 3339, as the other times. */
  startsAt: string;
  endsAt: string;
  updatedAt: string;
  annotations: Record<string, string>;
  /** Alerts that it hides now. */
  affects: number;
  /** Alerts that it has kept from being told so far. */
  stopped: number;
  /** There were more than `stopped`, which are not told apart. */
  stoppedIsLeast: boolean;
};

export type Suppressed = {
  code: string;
  message: string;
};

/** Why nobody would be told. */
export type Suppression = {
  code: string;
  message: string;
  /** RFC 3339; when it ends by itself, where that can be told. */
  until?: string | null;
};

export type TargetRow = {
  discoveredLabels: Record<string, string>;
  labels: Record<string, string>;
  scrapePool: string;
  scrapeUrl: string;
  globalUrl: string;
  lastError: string;
  /** RFC 3339. */
  lastScrape: string;
  /** Seconds. */
  lastScrapeDuration: number;
  /** `up`, `down` or `unknown`. */
  health: string;
  scrapeInterval: string;
  scrapeTimeout: string;
  samplesScraped: number;
  /** Code of the reason, if the newest scrape failed. */
  errorCode?: string | null;
};

export type UnfinishedQuery = {
  query: string;
  startedAt: string;
};

export type Why = {
  /** What is wrong first. */
  cases: WhyCase[];
  casesTotal: number;
  /** Refusals whose text or subject matches. */
  reasons: Reason[];
  /** Jobs that there are, for a text that finds nothing. */
  pools: string[];
};

/** One thing that the text names. */
export type WhyCase = {
  /** `object` or `target`. */
  kind: string;
  subject: string;
  /** Of a target. */
  pool?: string;
  /** Whether everything is as it should be. */
  good: boolean;
  hops: Hop[];
  labels: Record<string, string>;
  relabelling: RelabelStep[];
};

/** Paths that are read with GET: their parameters, and what stands in `data` or is the whole body. */
export interface Gets {
  "/api/v1/query": { params: { query: string; time?: string; timeout?: string; limit?: string; lookback_delta?: string; stats?: string }; answer: QueryData };
  "/api/v1/query_range": { params: { query: string; start: string; end: string; step: string; timeout?: string; limit?: string; lookback_delta?: string; stats?: string }; answer: QueryData };
  "/api/v1/query_exemplars": { params: { query: string; start?: string; end?: string }; answer: ExemplarsOfSeries[] };
  "/api/v1/format_query": { params: { query: string }; answer: string };
  "/api/v1/parse_query": { params: { query: string }; answer: unknown };
  "/api/v1/labels": { params: { "match[]"?: string[]; start?: string; end?: string; limit?: string }; answer: string[] };
  "/api/v1/label/{name}/values": { params: { name: string; "match[]"?: string[]; start?: string; end?: string; limit?: string }; answer: string[] };
  "/api/v1/series": { params: { "match[]"?: string[]; start?: string; end?: string; limit?: string }; answer: Array<Record<string, string>> };
  "/api/v1/metadata": { params: { limit?: string; limit_per_metric?: string; metric?: string }; answer: Record<string, Metadata[]> };
  "/api/v1/targets": { params: { state?: string; scrapePool?: string }; answer: Targets };
  "/api/v1/targets/metadata": { params: { match_target?: string; metric?: string; limit?: string }; answer: TargetMetadata[] };
  "/api/v1/targets/relabel_steps": { params: { scrapePool: string; labels: string }; answer: RelabelSteps };
  "/api/v1/scrape_pools/config": { params: { scrapePool: string }; answer: Config };
  "/api/v1/notifications": { params: Record<string, never>; answer: Notification[] };
  "/api/v1/scrape_pools": { params: Record<string, never>; answer: ScrapePools };
  "/api/v1/rules": { params: { type?: string; "rule_name[]"?: string[]; "rule_group[]"?: string[]; "file[]"?: string[]; "match[]"?: string[]; group_limit?: string; group_next_token?: string; exclude_alerts?: string }; answer: Rules };
  "/api/v1/alerts": { params: Record<string, never>; answer: RuleAlerts };
  "/api/v1/alertmanagers": { params: Record<string, never>; answer: Alertmanagers };
  "/api/v1/status/config": { params: Record<string, never>; answer: Config };
  "/api/v1/status/flags": { params: { all?: string }; answer: Record<string, string> };
  "/api/v1/status/runtimeinfo": { params: Record<string, never>; answer: RuntimeInfo };
  "/api/v1/status/buildinfo": { params: Record<string, never>; answer: BuildInfo };
  "/api/v1/status/tsdb": { params: { limit?: string }; answer: TsdbStatus };
  "/api/v1/status/tsdb/blocks": { params: Record<string, never>; answer: Blocks };
  "/api/v1/status/walreplay": { params: Record<string, never>; answer: ReplayProgress };
  "/api/v1/features": { params: Record<string, never>; answer: Record<string, Record<string, boolean>> };
  "/api/v2/status": { params: Record<string, never>; answer: AlertmanagerStatus };
  "/api/v2/receivers": { params: { receiver_matchers?: string[] }; answer: ReceiverWithLabels[] };
  "/api/v2/alerts": { params: { filter?: string[]; receiver?: string; receiver_matchers?: string[]; active?: string; silenced?: string; inhibited?: string; muted?: string }; answer: NotifiedAlert[] };
  "/api/v2/alerts/groups": { params: { filter?: string[]; receiver?: string; receiver_matchers?: string[]; active?: string; silenced?: string; inhibited?: string; muted?: string }; answer: NotifiedGroup[] };
  "/api/v2/silences": { params: { filter?: string[]; active?: string; pending?: string; expired?: string }; answer: Silence[] };
  "/api/v2/silence/{id}": { params: { id: string }; answer: Silence };
  "/api/keepwatch/v1/boot": { params: Record<string, never>; answer: Boot };
  "/api/keepwatch/v1/me": { params: Record<string, never>; answer: Me };
  "/api/keepwatch/v1/overview": { params: Record<string, never>; answer: Overview };
  "/api/keepwatch/v1/reasons": { params: { code?: string }; answer: Reasons };
  "/api/keepwatch/v1/objects": { params: Record<string, never>; answer: Decision[] };
  "/api/keepwatch/v1/targets": { params: { q?: string; sort?: string; cursor?: string; limit?: string; have?: string }; answer: PageOfTargetRow };
  "/api/keepwatch/v1/targets/dropped": { params: Record<string, never>; answer: DroppedTargetWithReason[] };
  "/api/keepwatch/v1/targets/relabel": { params: { pool: string; labels: string }; answer: RelabelTrace };
  "/api/keepwatch/v1/discovery": { params: { q?: string; sort?: string; cursor?: string; limit?: string; have?: string }; answer: PageOfDiscoveredRow };
  "/api/keepwatch/v1/why": { params: { q?: string }; answer: Why };
  "/api/keepwatch/v1/rules": { params: { q?: string; sort?: string; cursor?: string; limit?: string; have?: string }; answer: PageOfRuleRow };
  "/api/keepwatch/v1/rules/backfill": { params: Record<string, never>; answer: RuleBackfill };
  "/api/keepwatch/v1/alerts": { params: { q?: string; sort?: string; cursor?: string; limit?: string; have?: string; by?: string }; answer: PageOfAlertRow };
  "/api/keepwatch/v1/journal": { params: { from?: string; to?: string; filter?: string[]; fingerprint?: string; receiver?: string; code?: string[]; kind?: string[]; limit?: string; cursor?: string; order?: string }; answer: Journal };
  "/api/keepwatch/v1/alerts/{fingerprint}/timeline": { params: { fingerprint: string; from?: string; to?: string }; answer: AlertTimeline };
  "/api/keepwatch/v1/silences": { params: { q?: string; sort?: string; cursor?: string; limit?: string; have?: string }; answer: PageOfSilenceRow };
  "/api/keepwatch/v1/silences/preview": { params: { filter: string; limit?: string }; answer: SilencePreview };
  "/api/keepwatch/v1/route/tree": { params: Record<string, never>; answer: Routing };
  "/api/keepwatch/v1/metrics": { params: { q?: string; sort?: string; cursor?: string; limit?: string; have?: string }; answer: PageOfMetricRow };
  "/api/keepwatch/v1/metrics/cardinality": { params: { metric: string }; answer: Cardinality };
  "/api/keepwatch/v1/config": { params: Record<string, never>; answer: ConfigComparison };
  "/api/keepwatch/v1/queries": { params: Record<string, never>; answer: Queries };
  "/api/keepwatch/v1/queries/recent": { params: { q?: string; sort?: string; cursor?: string; limit?: string; have?: string }; answer: PageOfRecentQuery };
  "/api/keepwatch/v1/query/check": { params: { query: string }; answer: QueryCheck };
  "/api/keepwatch/v1/query/explain": { params: { query: string; analyze?: string; time?: string; start?: string; end?: string; step?: string }; answer: ExplainedNode };
}

/** Paths that take a JSON body. */
export interface Posts {
  "/api/v2/alerts": { body: PostedAlert[]; answer: null };
  "/api/v2/silences": { body: PostedSilence; answer: SilenceId };
  "/api/keepwatch/v1/alerts/drill": { body: DrillQuestion; answer: Drill };
  "/api/keepwatch/v1/route/explain": { body: RouteQuestion; answer: RouteAnswer };
  "/api/keepwatch/v1/route/compare": { body: RouteComparisonQuestion; answer: RouteComparison };
}
