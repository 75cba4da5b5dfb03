-- The loop, thin but whole: people, keys, providers, prompts, routes, the request log, feedback.
-- Instants are integers: microseconds since 1970, UTC. Amounts are integers: 1e-9 USD.

CREATE TABLE settings (
  name TEXT PRIMARY KEY NOT NULL,
  value TEXT NOT NULL
);

-- One row; grows with every audited change, so that replicas notice.
CREATE TABLE config_version (
  version INTEGER NOT NULL
);
INSERT INTO config_version (version) VALUES (1);

CREATE TABLE people (
  id TEXT PRIMARY KEY NOT NULL,
  email TEXT NOT NULL UNIQUE,
  role TEXT NOT NULL,
  password_hash TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  last_login_at INTEGER,
  disabled_at INTEGER
);

CREATE TABLE sessions (
  token_hash TEXT PRIMARY KEY NOT NULL,
  person_id TEXT NOT NULL REFERENCES people (id) ON DELETE CASCADE,
  created_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL
);
CREATE INDEX sessions_by_person ON sessions (person_id);

CREATE TABLE api_keys (
  id TEXT PRIMARY KEY NOT NULL,
  name TEXT NOT NULL UNIQUE,
  hint TEXT NOT NULL,
  secret_hash TEXT NOT NULL UNIQUE,
  scopes TEXT NOT NULL,
  routes TEXT NOT NULL,
  limits TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  revoked_at INTEGER
);

CREATE TABLE audit (
  id TEXT PRIMARY KEY NOT NULL,
  at INTEGER NOT NULL,
  actor TEXT NOT NULL,
  action TEXT NOT NULL,
  object TEXT NOT NULL,
  reason TEXT NOT NULL,
  before TEXT,
  after TEXT
);

CREATE TABLE providers (
  id TEXT PRIMARY KEY NOT NULL,
  name TEXT NOT NULL UNIQUE,
  kind TEXT NOT NULL,
  base_url TEXT NOT NULL,
  keys_sealed BLOB NOT NULL,
  key_hints TEXT NOT NULL,
  timeouts TEXT NOT NULL,
  max_in_flight INTEGER NOT NULL,
  sample BOOLEAN NOT NULL,
  updated_at INTEGER NOT NULL
);

CREATE TABLE models (
  provider TEXT NOT NULL,
  name TEXT NOT NULL,
  context_window INTEGER,
  price TEXT,
  PRIMARY KEY (provider, name)
);

CREATE TABLE prompts (
  id TEXT PRIMARY KEY NOT NULL,
  name TEXT NOT NULL UNIQUE,
  created_at INTEGER NOT NULL
);

CREATE TABLE prompt_versions (
  prompt_id TEXT NOT NULL REFERENCES prompts (id) ON DELETE CASCADE,
  version INTEGER NOT NULL,
  content TEXT NOT NULL,
  author TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  PRIMARY KEY (prompt_id, version)
);

CREATE TABLE prompt_labels (
  prompt_id TEXT NOT NULL REFERENCES prompts (id) ON DELETE CASCADE,
  label TEXT NOT NULL,
  version INTEGER NOT NULL,
  moved_by TEXT NOT NULL,
  moved_at INTEGER NOT NULL,
  PRIMARY KEY (prompt_id, label)
);

CREATE TABLE routes (
  id TEXT PRIMARY KEY NOT NULL,
  name TEXT NOT NULL UNIQUE,
  sticky_by TEXT NOT NULL,
  variants TEXT NOT NULL,
  failover TEXT NOT NULL,
  allocation TEXT NOT NULL,
  revision INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  updated_by TEXT NOT NULL
);

CREATE TABLE split_changes (
  route_id TEXT NOT NULL REFERENCES routes (id) ON DELETE CASCADE,
  revision INTEGER NOT NULL,
  at INTEGER NOT NULL,
  actor TEXT NOT NULL,
  reason TEXT NOT NULL,
  before TEXT NOT NULL,
  after TEXT NOT NULL,
  PRIMARY KEY (route_id, revision)
);
CREATE INDEX split_changes_by_time ON split_changes (at);

-- Facts apart from bodies: lists and charts never read a body, and bodies can be kept for a shorter time.
CREATE TABLE requests (
  id TEXT PRIMARY KEY NOT NULL,
  request_id TEXT NOT NULL,
  started_at INTEGER NOT NULL,
  endpoint TEXT NOT NULL,
  key_name TEXT,
  route TEXT,
  variant TEXT,
  provider TEXT,
  model TEXT,
  prompt TEXT,
  status INTEGER NOT NULL,
  outcome TEXT NOT NULL,
  error_code TEXT,
  error_message TEXT,
  streamed BOOLEAN NOT NULL,
  user_id TEXT,
  session_id TEXT,
  source_ip TEXT,
  user_agent TEXT,
  metadata TEXT,
  attempts TEXT NOT NULL,
  duration_us INTEGER NOT NULL,
  first_token_us INTEGER,
  overhead_us INTEGER NOT NULL,
  input_tokens INTEGER NOT NULL,
  cached_input_tokens INTEGER NOT NULL,
  output_tokens INTEGER NOT NULL,
  reasoning_tokens INTEGER NOT NULL,
  usage_missing BOOLEAN NOT NULL,
  cost INTEGER NOT NULL,
  finish_reason TEXT,
  confidence REAL,
  upstream_id TEXT,
  preview TEXT
);
CREATE INDEX requests_by_request_id ON requests (request_id);
CREATE INDEX requests_by_variant ON requests (route, variant, id);
CREATE INDEX requests_by_user ON requests (user_id, id) WHERE user_id IS NOT NULL;
CREATE INDEX requests_by_session ON requests (session_id, id) WHERE session_id IS NOT NULL;
CREATE INDEX requests_failed ON requests (id) WHERE outcome <> 'ok';

CREATE TABLE request_bodies (
  id TEXT PRIMARY KEY NOT NULL,
  request_body BLOB,
  rendered_prompt TEXT,
  response_body BLOB,
  response_text TEXT
);

-- Roll-ups: a chart costs the same at a thousand requests and at a billion. One replica owns its rows, so they are rewritten, never raced for.
CREATE TABLE traffic_minutes (
  minute INTEGER NOT NULL,
  replica TEXT NOT NULL,
  route TEXT NOT NULL,
  variant TEXT NOT NULL,
  provider TEXT NOT NULL,
  model TEXT NOT NULL,
  prompt TEXT NOT NULL,
  requests INTEGER NOT NULL,
  errors INTEGER NOT NULL,
  input_tokens INTEGER NOT NULL,
  output_tokens INTEGER NOT NULL,
  cost INTEGER NOT NULL,
  latency BLOB NOT NULL,
  first_token BLOB NOT NULL,
  PRIMARY KEY (minute, replica, route, variant, provider, model, prompt)
);

CREATE TABLE feedback (
  id TEXT PRIMARY KEY NOT NULL,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  dedupe TEXT NOT NULL UNIQUE,
  request TEXT,
  request_id TEXT,
  session_id TEXT,
  user_id TEXT,
  rating TEXT,
  stars INTEGER,
  score REAL,
  categories TEXT NOT NULL,
  flag TEXT,
  comment TEXT,
  correction TEXT,
  metadata TEXT,
  channel TEXT NOT NULL,
  reporter TEXT NOT NULL
);
CREATE INDEX feedback_by_request ON feedback (request);
CREATE INDEX feedback_by_time ON feedback (created_at);
CREATE INDEX feedback_unlinked ON feedback (request_id) WHERE request IS NULL AND request_id IS NOT NULL;
