-- The loop, thin but whole: people, keys, providers, prompts, routes, the request log, feedback.
-- Instants are integers: microseconds since 1970, UTC. Amounts are integers: 1e-9 USD.

CREATE TABLE settings (
  name TEXT PRIMARY KEY NOT NULL,
  value TEXT NOT NULL
);

-- One row; grows with every audited change, so that replicas notice.
CREATE TABLE config_version (
  version BIGINT NOT NULL
);
INSERT INTO config_version (version) VALUES (1);

CREATE TABLE people (
  id TEXT PRIMARY KEY NOT NULL,
  email TEXT NOT NULL UNIQUE,
  role TEXT NOT NULL,
  safety BOOLEAN NOT NULL,
  password_hash TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  last_login_at BIGINT,
  disabled_at BIGINT
);

CREATE TABLE sessions (
  token_hash TEXT PRIMARY KEY NOT NULL,
  person_id TEXT NOT NULL REFERENCES people (id) ON DELETE CASCADE,
  created_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL
);
CREATE INDEX sessions_by_person ON sessions (person_id);

CREATE TABLE api_keys (
  id TEXT PRIMARY KEY NOT NULL,
  name TEXT NOT NULL UNIQUE,
  hint TEXT NOT NULL,
  secret_hash TEXT NOT NULL UNIQUE,
  scopes JSONB NOT NULL,
  routes JSONB NOT NULL,
  limits JSONB NOT NULL,
  created_at BIGINT NOT NULL,
  revoked_at BIGINT
);

CREATE TABLE audit (
  id TEXT PRIMARY KEY NOT NULL,
  at BIGINT NOT NULL,
  actor TEXT NOT NULL,
  action TEXT NOT NULL,
  object TEXT NOT NULL,
  reason TEXT NOT NULL,
  before JSONB,
  after JSONB
);

CREATE INDEX audit_by_actor ON audit (actor, id);
CREATE INDEX audit_by_action ON audit (action, id);
-- Nobody edits it, not by this program and not beside it.
CREATE FUNCTION refuse_change_of_audit() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'the audit log cannot be changed'; END $$;
CREATE TRIGGER audit_is_not_changed BEFORE UPDATE OR DELETE OR TRUNCATE ON audit FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_audit();

CREATE TABLE providers (
  id TEXT PRIMARY KEY NOT NULL,
  name TEXT NOT NULL UNIQUE,
  kind TEXT NOT NULL,
  preset TEXT,
  base_url TEXT NOT NULL,
  keys_sealed BYTEA NOT NULL,
  key_hints JSONB NOT NULL,
  timeouts JSONB NOT NULL,
  max_in_flight BIGINT NOT NULL,
  sample BOOLEAN NOT NULL,
  draining BOOLEAN NOT NULL,
  responses_api BOOLEAN NOT NULL,
  updated_at BIGINT NOT NULL
);

CREATE TABLE models (
  provider TEXT NOT NULL,
  name TEXT NOT NULL,
  context_window BIGINT,
  max_output_tokens BIGINT,
  price JSONB,
  PRIMARY KEY (provider, name)
);

CREATE TABLE prompts (
  id TEXT PRIMARY KEY NOT NULL,
  name TEXT NOT NULL UNIQUE,
  protected JSONB NOT NULL,
  gated BOOLEAN NOT NULL,
  created_at BIGINT NOT NULL
);

CREATE TABLE prompt_versions (
  prompt_id TEXT NOT NULL REFERENCES prompts (id) ON DELETE CASCADE,
  version BIGINT NOT NULL,
  content JSONB NOT NULL,
  author TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  PRIMARY KEY (prompt_id, version)
);

CREATE TABLE prompt_labels (
  prompt_id TEXT NOT NULL REFERENCES prompts (id) ON DELETE CASCADE,
  label TEXT NOT NULL,
  version BIGINT NOT NULL,
  moved_by TEXT NOT NULL,
  moved_at BIGINT NOT NULL,
  PRIMARY KEY (prompt_id, label)
);

CREATE TABLE prompt_label_changes (
  id TEXT PRIMARY KEY NOT NULL,
  prompt_id TEXT NOT NULL REFERENCES prompts (id) ON DELETE CASCADE,
  label TEXT NOT NULL,
  at BIGINT NOT NULL,
  actor TEXT NOT NULL,
  before BIGINT,
  after BIGINT NOT NULL,
  reason TEXT NOT NULL
);
CREATE INDEX prompt_label_changes_by_prompt ON prompt_label_changes (prompt_id, id);

-- Requests to move a protected label: a second person decides.
CREATE TABLE approvals (
  id TEXT PRIMARY KEY NOT NULL,
  prompt_id TEXT NOT NULL REFERENCES prompts (id) ON DELETE CASCADE,
  label TEXT NOT NULL,
  version BIGINT NOT NULL,
  reason TEXT NOT NULL,
  asked_by TEXT NOT NULL,
  asked_at BIGINT NOT NULL,
  state TEXT NOT NULL,
  decided_by TEXT,
  decided_at BIGINT,
  note TEXT NOT NULL
);
CREATE INDEX approvals_by_prompt ON approvals (prompt_id, id);
CREATE INDEX approvals_open ON approvals (id) WHERE state = 'open';

-- What a prompt is tried out on: saved conversations, some with checks.
CREATE TABLE prompt_cases (
  id TEXT PRIMARY KEY NOT NULL,
  prompt_id TEXT NOT NULL REFERENCES prompts (id) ON DELETE CASCADE,
  name TEXT NOT NULL,
  content JSONB NOT NULL,
  created_by TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  UNIQUE (prompt_id, name)
);

-- How a version did on the cases with checks.
CREATE TABLE prompt_runs (
  id TEXT PRIMARY KEY NOT NULL,
  prompt_id TEXT NOT NULL REFERENCES prompts (id) ON DELETE CASCADE,
  version BIGINT NOT NULL,
  content JSONB NOT NULL,
  passed BOOLEAN NOT NULL,
  created_by TEXT NOT NULL,
  created_at BIGINT NOT NULL
);
CREATE INDEX prompt_runs_by_version ON prompt_runs (prompt_id, version, id);

CREATE TABLE routes (
  id TEXT PRIMARY KEY NOT NULL,
  name TEXT NOT NULL UNIQUE,
  sticky_by TEXT NOT NULL,
  variants JSONB NOT NULL,
  failover JSONB NOT NULL,
  options JSONB NOT NULL,
  allocation JSONB NOT NULL,
  revision BIGINT NOT NULL,
  updated_at BIGINT NOT NULL,
  updated_by TEXT NOT NULL
);

CREATE TABLE split_changes (
  route_id TEXT NOT NULL REFERENCES routes (id) ON DELETE CASCADE,
  revision BIGINT NOT NULL,
  at BIGINT NOT NULL,
  actor TEXT NOT NULL,
  reason TEXT NOT NULL,
  before JSONB NOT NULL,
  after JSONB NOT NULL,
  PRIMARY KEY (route_id, revision)
);
CREATE INDEX split_changes_by_time ON split_changes (at);

-- Changes of splits that are to come.
CREATE TABLE scheduled_splits (
  id TEXT PRIMARY KEY NOT NULL,
  route_id TEXT NOT NULL REFERENCES routes (id) ON DELETE CASCADE,
  due_at BIGINT NOT NULL,
  weights JSONB NOT NULL,
  reason TEXT NOT NULL,
  made_by TEXT NOT NULL,
  made_at BIGINT NOT NULL,
  state TEXT NOT NULL,
  outcome TEXT NOT NULL
);
CREATE INDEX scheduled_splits_by_route ON scheduled_splits (route_id, id);
CREATE INDEX scheduled_splits_waiting ON scheduled_splits (due_at) WHERE state = 'waiting';

-- Servers on this database, and the configuration each has in force.
CREATE TABLE replicas (
  name TEXT PRIMARY KEY NOT NULL,
  address TEXT NOT NULL,
  version BIGINT NOT NULL,
  started_at BIGINT NOT NULL,
  seen_at BIGINT NOT NULL
);

-- Objects that are kept in files elsewhere: pages and REST only read them.
CREATE TABLE locks (
  kind TEXT NOT NULL,
  name TEXT NOT NULL,
  reason TEXT NOT NULL,
  at BIGINT NOT NULL,
  PRIMARY KEY (kind, name)
);

-- What many calls have in common, once: a kind is a combination of the names that charts and filters use. Its id follows from the names, so that replicas agree.
CREATE TABLE request_kinds (
  id BIGINT PRIMARY KEY NOT NULL,
  endpoint TEXT NOT NULL,
  key_name TEXT NOT NULL,
  route TEXT,
  variant TEXT,
  provider TEXT,
  model TEXT,
  prompt TEXT
);
CREATE INDEX request_kinds_by_route ON request_kinds (route, variant);
CREATE INDEX request_kinds_by_prompt ON request_kinds (prompt);

-- One narrow row a call: what lists show and filters use. The rest lies compressed in a block, many calls together.
CREATE TABLE requests (
  id TEXT PRIMARY KEY NOT NULL,
  caller_id TEXT,
  started_at BIGINT NOT NULL,
  kind BIGINT NOT NULL,
  status BIGINT NOT NULL,
  outcome TEXT NOT NULL,
  error_code TEXT,
  streamed BOOLEAN NOT NULL,
  user_id TEXT,
  session_id TEXT,
  duration_us BIGINT NOT NULL,
  first_token_us BIGINT,
  input_tokens BIGINT NOT NULL,
  output_tokens BIGINT NOT NULL,
  cost BIGINT NOT NULL,
  preview TEXT,
  block BIGINT NOT NULL,
  place BIGINT NOT NULL,
  segment BIGINT NOT NULL
);
-- All calls are of one segment here: see SQLite's migration for what segments are for.
CREATE TABLE request_segments (
  id BIGINT PRIMARY KEY NOT NULL
);
CREATE INDEX requests_by_kind ON requests (kind, id);
CREATE INDEX requests_by_caller_id ON requests (caller_id, id) WHERE caller_id IS NOT NULL;
CREATE INDEX requests_by_user ON requests (user_id, id) WHERE user_id IS NOT NULL;
CREATE INDEX requests_by_session ON requests (session_id, id) WHERE session_id IS NOT NULL;
CREATE INDEX requests_failed ON requests (id) WHERE outcome <> 'ok';

-- Bodies and rare facts of up to 256 calls, compressed (zstd). They compress well together, and can be kept for a shorter time than the rows.
CREATE TABLE request_blocks (
  id BIGINT PRIMARY KEY NOT NULL,
  content BYTEA NOT NULL
);

-- Roll-ups: a chart costs the same at a thousand requests and at a billion. A row sums up `span` minutes. One replica owns its rows, so they are
-- rewritten, never raced for.
CREATE TABLE traffic (
  span BIGINT NOT NULL,
  start BIGINT NOT NULL,
  replica TEXT NOT NULL,
  kind BIGINT NOT NULL,
  requests BIGINT NOT NULL,
  errors BIGINT NOT NULL,
  input_tokens BIGINT NOT NULL,
  output_tokens BIGINT NOT NULL,
  cost BIGINT NOT NULL,
  latency BYTEA NOT NULL,
  first_token BYTEA NOT NULL,
  PRIMARY KEY (span, start, replica, kind)
);

CREATE TABLE feedback (
  id TEXT PRIMARY KEY NOT NULL,
  created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL,
  dedupe TEXT NOT NULL UNIQUE,
  request TEXT,
  request_id TEXT,
  session_id TEXT,
  user_id TEXT,
  rating TEXT,
  stars BIGINT,
  score DOUBLE PRECISION,
  categories JSONB NOT NULL,
  flag TEXT,
  comment TEXT,
  correction TEXT,
  metadata JSONB,
  channel TEXT NOT NULL,
  reporter TEXT NOT NULL,
  -- Copied from the call when it is found, so that lists filter without joins.
  route TEXT,
  variant TEXT,
  prompt TEXT,
  model TEXT,
  -- What we make of it.
  sentiment DOUBLE PRECISION,
  language TEXT,
  spam DOUBLE PRECISION NOT NULL,
  theme TEXT,
  examined_at BIGINT,
  -- Whether what the call tells has been copied, or there is no call to wait for.
  linked BOOLEAN NOT NULL,
  -- What people decide.
  state TEXT NOT NULL,
  severity TEXT,
  kind TEXT,
  assignee TEXT,
  issue TEXT,
  revision BIGINT NOT NULL,
  decided_at BIGINT
);
CREATE INDEX feedback_by_request ON feedback (request);
CREATE INDEX feedback_by_time ON feedback (created_at);
CREATE INDEX feedback_unlinked ON feedback (created_at) WHERE NOT linked;
CREATE INDEX feedback_by_state ON feedback (state, id);
CREATE INDEX feedback_by_route ON feedback (route, variant, id);
CREATE INDEX feedback_by_prompt ON feedback (prompt, created_at) WHERE prompt IS NOT NULL;
CREATE INDEX feedback_by_theme ON feedback (theme, created_at) WHERE theme IS NOT NULL;
CREATE INDEX feedback_by_issue ON feedback (issue, id) WHERE issue IS NOT NULL;
CREATE INDEX feedback_by_assignee ON feedback (assignee, state, id) WHERE assignee IS NOT NULL;
CREATE INDEX feedback_flagged ON feedback (flag, id) WHERE flag IS NOT NULL;
CREATE INDEX feedback_by_rating ON feedback (rating, id);
CREATE INDEX feedback_by_channel ON feedback (channel, id);
CREATE INDEX feedback_unexamined ON feedback (id) WHERE examined_at IS NULL;
CREATE INDEX feedback_by_user ON feedback (user_id, id) WHERE user_id IS NOT NULL;
-- All that is counted of themes, without a look at the rows.
CREATE INDEX feedback_of_themes ON feedback (created_at, theme, state, user_id, session_id, prompt, route, variant) WHERE theme IS NOT NULL;

-- Words are found wherever they stand, in the middle of others too, by their triples of letters. Where the extension is not to be had, words are looked for in every row.
DO $$ BEGIN
  CREATE EXTENSION IF NOT EXISTS pg_trgm;
  CREATE INDEX feedback_words ON feedback USING gin (comment gin_trgm_ops);
EXCEPTION WHEN OTHERS THEN
  RAISE NOTICE 'pg_trgm is not available: %', SQLERRM;
END $$;

-- The categories of feedback, one row each, so that a rare one is found as fast as a common one.
CREATE TABLE feedback_categories (
  category TEXT NOT NULL,
  feedback TEXT NOT NULL REFERENCES feedback (id) ON DELETE CASCADE,
  PRIMARY KEY (category, feedback)
);
CREATE INDEX feedback_categories_by_feedback ON feedback_categories (feedback);

-- Who decided what about feedback. A batch is what one key or one click did; undoing adds a batch of its own.
CREATE TABLE feedback_decisions (
  id TEXT PRIMARY KEY NOT NULL,
  batch TEXT NOT NULL,
  feedback TEXT NOT NULL REFERENCES feedback (id) ON DELETE CASCADE,
  at BIGINT NOT NULL,
  actor TEXT NOT NULL,
  revision BIGINT NOT NULL,
  before JSONB NOT NULL,
  after JSONB NOT NULL,
  undone BOOLEAN NOT NULL
);
CREATE INDEX feedback_decisions_by_feedback ON feedback_decisions (feedback, revision);
CREATE INDEX feedback_decisions_by_batch ON feedback_decisions (batch);
CREATE INDEX feedback_decisions_by_actor ON feedback_decisions (actor, id);

-- Filters that somebody saved; shared ones belong to everyone.
CREATE TABLE feedback_views (
  id TEXT PRIMARY KEY NOT NULL,
  name TEXT NOT NULL,
  query TEXT NOT NULL,
  owner TEXT NOT NULL,
  shared BOOLEAN NOT NULL,
  created_at BIGINT NOT NULL,
  UNIQUE (owner, name)
);

-- Where feedback comes in from other systems: how their fields map to ours, and the secret they sign with.
CREATE TABLE intake_channels (
  name TEXT PRIMARY KEY NOT NULL,
  label TEXT NOT NULL,
  secret_sealed BYTEA,
  mapping JSONB NOT NULL,
  created_at BIGINT NOT NULL
);
-- Ids of signed deliveries that were taken, for a day: the same one again is answered, not stored.
CREATE TABLE intake_deliveries (
  id TEXT PRIMARY KEY NOT NULL,
  at BIGINT NOT NULL
);
CREATE INDEX intake_deliveries_by_time ON intake_deliveries (at);

-- What many people say in their own words. `centroid` are its terms with their weights.
CREATE TABLE themes (
  id TEXT PRIMARY KEY NOT NULL,
  name TEXT NOT NULL,
  named_by TEXT,
  terms JSONB NOT NULL,
  centroid JSONB NOT NULL,
  merged_into TEXT,
  created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL
);

CREATE TABLE surveys (
  id TEXT PRIMARY KEY NOT NULL,
  name TEXT NOT NULL UNIQUE,
  content JSONB NOT NULL,
  revision BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL,
  updated_by TEXT NOT NULL
);
-- When a survey was put to somebody, and what they said. People are kept as a keyed hash.
CREATE TABLE survey_answers (
  id TEXT PRIMARY KEY NOT NULL,
  survey TEXT NOT NULL REFERENCES surveys (id) ON DELETE CASCADE,
  person TEXT NOT NULL,
  shown_at BIGINT NOT NULL,
  answered_at BIGINT,
  dismissed_at BIGINT,
  score BIGINT,
  comment TEXT,
  request TEXT,
  route TEXT,
  variant TEXT,
  feedback TEXT
);
CREATE INDEX survey_answers_by_survey ON survey_answers (survey, shown_at);
CREATE INDEX survey_answers_by_person ON survey_answers (person);
-- When somebody was last shown any survey. A row of its own, so that two pages opened at once cannot both ask, and a deleted survey still counts.
CREATE TABLE survey_people (
  person TEXT PRIMARY KEY NOT NULL,
  shown_at BIGINT NOT NULL
);

CREATE TABLE issues (
  id TEXT PRIMARY KEY NOT NULL,
  number BIGINT NOT NULL UNIQUE,
  title TEXT NOT NULL,
  description TEXT NOT NULL,
  severity TEXT NOT NULL,
  impact TEXT NOT NULL,
  kind TEXT NOT NULL,
  state TEXT NOT NULL,
  owner TEXT,
  watchers JSONB NOT NULL,
  created_at BIGINT NOT NULL,
  created_by TEXT NOT NULL,
  updated_at BIGINT NOT NULL,
  started_at BIGINT NOT NULL,
  acknowledged_at BIGINT,
  due_at BIGINT NOT NULL,
  closed_at BIGINT,
  blocked TEXT NOT NULL,
  theme TEXT,
  alert TEXT,
  cause JSONB,
  fix JSONB,
  metric JSONB,
  verdict JSONB,
  public JSONB,
  external_url TEXT,
  revision BIGINT NOT NULL
);
CREATE INDEX issues_by_state ON issues (state, id);
CREATE INDEX issues_by_theme ON issues (theme) WHERE theme IS NOT NULL;
-- One issue an alert; it is opened again when that comes back soon.
CREATE UNIQUE INDEX issues_by_alert ON issues (alert) WHERE alert IS NOT NULL;
CREATE INDEX issues_by_url ON issues (external_url) WHERE external_url IS NOT NULL;

-- The timeline of an issue: what happened to it, notes, and what it points to.
CREATE TABLE issue_events (
  id TEXT PRIMARY KEY NOT NULL,
  issue TEXT NOT NULL REFERENCES issues (id) ON DELETE CASCADE,
  at BIGINT NOT NULL,
  actor TEXT NOT NULL,
  kind TEXT NOT NULL,
  words TEXT NOT NULL,
  link TEXT
);
CREATE INDEX issue_events_by_issue ON issue_events (issue, at);

-- What was decided, by whom and why.
CREATE TABLE decisions (
  id TEXT PRIMARY KEY NOT NULL,
  at BIGINT NOT NULL,
  actor TEXT NOT NULL,
  title TEXT NOT NULL,
  why TEXT NOT NULL,
  issue TEXT
);

-- Where news are sent to, and what is on its way: at least once, with an id that stays.
CREATE TABLE channels (
  name TEXT PRIMARY KEY NOT NULL,
  kind TEXT NOT NULL,
  address TEXT NOT NULL,
  secret_sealed BYTEA,
  allow_private BOOLEAN NOT NULL,
  events JSONB NOT NULL,
  disabled TEXT,
  created_at BIGINT NOT NULL
);
CREATE TABLE deliveries (
  id TEXT PRIMARY KEY NOT NULL,
  channel TEXT NOT NULL REFERENCES channels (name) ON DELETE CASCADE,
  event TEXT NOT NULL,
  content JSONB NOT NULL,
  created_at BIGINT NOT NULL,
  next_at BIGINT,
  attempts BIGINT NOT NULL,
  answer TEXT NOT NULL,
  delivered_at BIGINT
);
CREATE INDEX deliveries_waiting ON deliveries (next_at) WHERE next_at IS NOT NULL;
CREATE INDEX deliveries_by_channel ON deliveries (channel, id);

-- Answers to calls that carried an Idempotency-Key, for a day. The id is a hash of the API key's name, the endpoint and the caller's key.
CREATE TABLE idempotent_answers (
  id TEXT PRIMARY KEY NOT NULL,
  request_hash TEXT NOT NULL,
  status BIGINT NOT NULL,
  headers JSONB NOT NULL,
  body BYTEA NOT NULL,
  created_at BIGINT NOT NULL
);
CREATE INDEX idempotent_answers_by_time ON idempotent_answers (created_at);
