-- What the migrations make of an empty file; written by `python -m tests.store.schema`, compared by a test.
CREATE TABLE admin_events (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	time DOUBLE NOT NULL, 
	organisation_id VARCHAR(36) NOT NULL, 
	actor TEXT NOT NULL, 
	action VARCHAR(32) NOT NULL, 
	kind VARCHAR(16) NOT NULL, 
	target VARCHAR(36) NOT NULL, 
	"before" TEXT, 
	"after" TEXT, 
	CONSTRAINT fk_admin_events_organisation_id FOREIGN KEY(organisation_id) REFERENCES organisations (id)
);
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('0005');
CREATE TABLE api_tokens (
	id VARCHAR(36) NOT NULL, 
	organisation_id VARCHAR(36) NOT NULL, 
	name VARCHAR(64) NOT NULL, 
	digest BLOB NOT NULL, 
	role VARCHAR(16) NOT NULL, 
	approver TEXT NOT NULL, 
	created_by TEXT NOT NULL, 
	created DOUBLE NOT NULL, 
	expires DOUBLE, 
	revoked DOUBLE, 
	last_used DOUBLE, 
	CONSTRAINT pk_api_tokens PRIMARY KEY (id), 
	CONSTRAINT fk_api_tokens_organisation_id FOREIGN KEY(organisation_id) REFERENCES organisations (id), 
	CONSTRAINT uq_api_tokens_digest UNIQUE (digest)
);
CREATE TABLE changes (
	seq INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	kind VARCHAR(16) NOT NULL, 
	id VARCHAR(36) NOT NULL
);
CREATE TABLE contact_messages (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	time DOUBLE NOT NULL, 
	name TEXT NOT NULL, 
	email TEXT NOT NULL, 
	message TEXT NOT NULL, 
	about TEXT NOT NULL, 
	address VARCHAR(64) NOT NULL, 
	answered DOUBLE
);
CREATE TABLE definitions (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	server_id VARCHAR(36) NOT NULL, 
	name TEXT NOT NULL, 
	fingerprint VARCHAR(64) NOT NULL, 
	definition TEXT NOT NULL, 
	first_seen DOUBLE NOT NULL, 
	last_seen DOUBLE NOT NULL, 
	accepted DOUBLE, 
	status VARCHAR(8) NOT NULL, category VARCHAR(16), judged_by TEXT DEFAULT '' NOT NULL, 
	CONSTRAINT fk_definitions_server_id FOREIGN KEY(server_id) REFERENCES servers (id)
);
CREATE TABLE deliveries (
	id VARCHAR(36) NOT NULL, 
	webhook_id VARCHAR(36) NOT NULL, 
	approval_id VARCHAR(64) NOT NULL, 
	event VARCHAR(16) NOT NULL, 
	created DOUBLE NOT NULL, 
	attempts INTEGER NOT NULL, 
	next_try DOUBLE, 
	lease_until DOUBLE, 
	delivered DOUBLE, 
	error TEXT NOT NULL, 
	CONSTRAINT pk_deliveries PRIMARY KEY (id), 
	CONSTRAINT fk_deliveries_webhook_id FOREIGN KEY(webhook_id) REFERENCES webhooks (id)
);
CREATE TABLE grants (
	id VARCHAR(36) NOT NULL, 
	organisation_id VARCHAR(36) NOT NULL, 
	digest BLOB NOT NULL, 
	label TEXT NOT NULL, 
	principal TEXT NOT NULL, 
	labels TEXT NOT NULL, 
	server_id VARCHAR(36) NOT NULL, 
	policy_id VARCHAR(36), 
	created DOUBLE NOT NULL, 
	expires DOUBLE, 
	revoked DOUBLE, 
	rotated DOUBLE, origin TEXT, claims TEXT, created_by TEXT DEFAULT '' NOT NULL, stopped DOUBLE, stopped_by TEXT DEFAULT '' NOT NULL, stop_reason TEXT DEFAULT '' NOT NULL, 
	CONSTRAINT pk_grants PRIMARY KEY (id), 
	CONSTRAINT fk_grants_organisation_id FOREIGN KEY(organisation_id) REFERENCES organisations (id), 
	CONSTRAINT fk_grants_policy_id FOREIGN KEY(policy_id) REFERENCES policies (id), 
	CONSTRAINT fk_grants_server_id FOREIGN KEY(server_id) REFERENCES servers (id), 
	CONSTRAINT uq_grants_digest UNIQUE (digest)
);
CREATE TABLE idempotency (
	organisation_id VARCHAR(36) NOT NULL, 
	actor VARCHAR(320) NOT NULL, 
	"key" VARCHAR(128) NOT NULL, 
	request BLOB NOT NULL, 
	status INTEGER, 
	sealed BLOB, 
	created DOUBLE NOT NULL, 
	CONSTRAINT pk_idempotency PRIMARY KEY (organisation_id, actor, "key")
);
CREATE TABLE index_positions (
	chain VARCHAR(64) NOT NULL, 
	segment INTEGER NOT NULL, 
	"offset" BIGINT NOT NULL, 
	CONSTRAINT pk_index_positions PRIMARY KEY (chain)
);
CREATE TABLE members (
	id VARCHAR(36) NOT NULL, 
	organisation_id VARCHAR(36) NOT NULL, 
	email VARCHAR(254) NOT NULL, 
	name TEXT NOT NULL, 
	role VARCHAR(16) NOT NULL, 
	approver TEXT NOT NULL, 
	password TEXT, 
	issuer TEXT, 
	subject TEXT, 
	created DOUBLE NOT NULL, 
	disabled DOUBLE, 
	last_seen DOUBLE, 
	CONSTRAINT pk_members PRIMARY KEY (id), 
	CONSTRAINT fk_members_organisation_id FOREIGN KEY(organisation_id) REFERENCES organisations (id), 
	CONSTRAINT uq_members_email UNIQUE (email)
);
CREATE TABLE oauth_attempts (
	digest BLOB NOT NULL, 
	server_id VARCHAR(36) NOT NULL, 
	grant_id VARCHAR(36) NOT NULL, 
	member_id VARCHAR(36) NOT NULL, 
	sealed BLOB NOT NULL, 
	created DOUBLE NOT NULL, 
	expires DOUBLE NOT NULL, 
	CONSTRAINT pk_oauth_attempts PRIMARY KEY (digest), 
	CONSTRAINT fk_oauth_attempts_member_id FOREIGN KEY(member_id) REFERENCES members (id), 
	CONSTRAINT fk_oauth_attempts_server_id FOREIGN KEY(server_id) REFERENCES servers (id)
);
CREATE TABLE oauth_clients (
	server_id VARCHAR(36) NOT NULL, 
	issuer TEXT NOT NULL, 
	resource TEXT NOT NULL, 
	client_id TEXT NOT NULL, 
	sealed_secret BLOB, 
	kind VARCHAR(16) NOT NULL, 
	scopes TEXT NOT NULL, 
	metadata TEXT NOT NULL, 
	created DOUBLE NOT NULL, 
	CONSTRAINT pk_oauth_clients PRIMARY KEY (server_id), 
	CONSTRAINT fk_oauth_clients_server_id FOREIGN KEY(server_id) REFERENCES servers (id)
);
CREATE TABLE oauth_tokens (
	server_id VARCHAR(36) NOT NULL, 
	grant_id VARCHAR(36) NOT NULL, 
	sealed BLOB NOT NULL, 
	generation INTEGER NOT NULL, 
	scope TEXT NOT NULL, 
	wanted_scope TEXT NOT NULL, 
	status VARCHAR(16) NOT NULL, 
	error TEXT NOT NULL, 
	connected_by TEXT NOT NULL, 
	connected DOUBLE NOT NULL, 
	refreshed DOUBLE NOT NULL, 
	expires DOUBLE, 
	refresh_at DOUBLE, 
	lease_until DOUBLE, 
	lease_by TEXT NOT NULL, 
	CONSTRAINT pk_oauth_tokens PRIMARY KEY (server_id, grant_id), 
	CONSTRAINT fk_oauth_tokens_server_id FOREIGN KEY(server_id) REFERENCES servers (id)
);
CREATE TABLE organisations (
	id VARCHAR(36) NOT NULL, 
	name VARCHAR(64) NOT NULL, 
	created DOUBLE NOT NULL, 
	CONSTRAINT pk_organisations PRIMARY KEY (id), 
	CONSTRAINT uq_organisations_name UNIQUE (name)
);
INSERT INTO "organisations" VALUES('00000000-0000-4000-8000-000000000001','default',(julianday('now') - 2440587.5) * 86400.0);
CREATE TABLE policies (
	id VARCHAR(36) NOT NULL, 
	organisation_id VARCHAR(36) NOT NULL, 
	name VARCHAR(64) NOT NULL, 
	revision INTEGER NOT NULL, 
	created DOUBLE NOT NULL, 
	removed DOUBLE, origin TEXT, 
	CONSTRAINT pk_policies PRIMARY KEY (id), 
	CONSTRAINT fk_policies_organisation_id FOREIGN KEY(organisation_id) REFERENCES organisations (id)
);
CREATE TABLE policy_revisions (
	policy_id VARCHAR(36) NOT NULL, 
	revision INTEGER NOT NULL, 
	document TEXT NOT NULL, 
	digest VARCHAR(64) NOT NULL, 
	author TEXT NOT NULL, 
	created DOUBLE NOT NULL, 
	CONSTRAINT pk_policy_revisions PRIMARY KEY (policy_id, revision), 
	CONSTRAINT fk_policy_revisions_policy_id FOREIGN KEY(policy_id) REFERENCES policies (id)
);
CREATE TABLE records (
	id INTEGER NOT NULL, 
	time DOUBLE NOT NULL, 
	organisation_id VARCHAR(36) NOT NULL, 
	outcome VARCHAR(16) NOT NULL, 
	tool TEXT NOT NULL, 
	rule TEXT NOT NULL, 
	server_id TEXT NOT NULL, 
	grant_id TEXT NOT NULL, 
	grant_label TEXT NOT NULL, 
	policy_id TEXT NOT NULL, 
	words TEXT NOT NULL, 
	decision_id VARCHAR(64) NOT NULL, 
	chain VARCHAR(64) NOT NULL, 
	seq BIGINT NOT NULL, 
	segment INTEGER NOT NULL, 
	"offset" BIGINT NOT NULL, 
	result VARCHAR(16), 
	result_segment INTEGER, 
	result_offset BIGINT, 
	CONSTRAINT pk_records PRIMARY KEY (id)
);
CREATE TABLE servers (
	id VARCHAR(36) NOT NULL, 
	organisation_id VARCHAR(36) NOT NULL, 
	name VARCHAR(64) NOT NULL, 
	url TEXT NOT NULL, 
	allow_private BOOLEAN NOT NULL, 
	pin BOOLEAN NOT NULL, 
	ca_file TEXT, 
	client_certificate TEXT, 
	client_key TEXT, 
	proxy TEXT, 
	protocol_revision VARCHAR(32), 
	created DOUBLE NOT NULL, 
	removed DOUBLE, command TEXT, origin TEXT, capture INTEGER, stopped DOUBLE, stopped_by TEXT DEFAULT '' NOT NULL, stop_reason TEXT DEFAULT '' NOT NULL, 
	CONSTRAINT pk_servers PRIMARY KEY (id), 
	CONSTRAINT fk_servers_organisation_id FOREIGN KEY(organisation_id) REFERENCES organisations (id)
);
CREATE TABLE sessions (
	digest BLOB NOT NULL, 
	member_id VARCHAR(36) NOT NULL, 
	created DOUBLE NOT NULL, 
	last_used DOUBLE NOT NULL, 
	expires DOUBLE NOT NULL, 
	address VARCHAR(64) NOT NULL, 
	agent TEXT NOT NULL, 
	CONSTRAINT pk_sessions PRIMARY KEY (digest), 
	CONSTRAINT fk_sessions_member_id FOREIGN KEY(member_id) REFERENCES members (id)
);
CREATE TABLE sign_in_links (
	digest BLOB NOT NULL, 
	organisation_id VARCHAR(36) NOT NULL, 
	purpose VARCHAR(8) NOT NULL, 
	member_id VARCHAR(36), 
	created DOUBLE NOT NULL, 
	expires DOUBLE NOT NULL, 
	used DOUBLE, 
	CONSTRAINT pk_sign_in_links PRIMARY KEY (digest), 
	CONSTRAINT fk_sign_in_links_member_id FOREIGN KEY(member_id) REFERENCES members (id), 
	CONSTRAINT fk_sign_in_links_organisation_id FOREIGN KEY(organisation_id) REFERENCES organisations (id)
);
CREATE TABLE tallies (
	organisation_id VARCHAR(36) NOT NULL, 
	kind VARCHAR(16) NOT NULL, 
	hour INTEGER NOT NULL, 
	name TEXT NOT NULL, 
	allowed BIGINT NOT NULL, 
	denied BIGINT NOT NULL, 
	waited BIGINT NOT NULL, 
	refused BIGINT NOT NULL, 
	CONSTRAINT pk_tallies PRIMARY KEY (organisation_id, kind, hour, name)
)
 WITHOUT ROWID

;
CREATE TABLE upstream_headers (
	server_id VARCHAR(36) NOT NULL, 
	name VARCHAR(128) NOT NULL, 
	sealed BLOB, 
	variable VARCHAR(256), 
	CONSTRAINT pk_upstream_headers PRIMARY KEY (server_id, name), 
	CONSTRAINT fk_upstream_headers_server_id FOREIGN KEY(server_id) REFERENCES servers (id)
);
CREATE TABLE webhooks (
	id VARCHAR(36) NOT NULL, 
	organisation_id VARCHAR(36) NOT NULL, 
	name VARCHAR(64) NOT NULL, 
	url TEXT NOT NULL, 
	format VARCHAR(16) NOT NULL, 
	sealed BLOB NOT NULL, 
	options TEXT NOT NULL, 
	created DOUBLE NOT NULL, 
	disabled DOUBLE, 
	removed DOUBLE, 
	CONSTRAINT pk_webhooks PRIMARY KEY (id), 
	CONSTRAINT fk_webhooks_organisation_id FOREIGN KEY(organisation_id) REFERENCES organisations (id)
);
CREATE UNIQUE INDEX uq_servers_name ON servers (organisation_id, name) WHERE removed IS NULL;
CREATE UNIQUE INDEX uq_definitions_version ON definitions (server_id, name, fingerprint);
CREATE UNIQUE INDEX uq_policies_name ON policies (organisation_id, name) WHERE removed IS NULL;
CREATE INDEX ix_grants_label ON grants (label);
CREATE INDEX ix_grants_server_id ON grants (server_id);
CREATE INDEX ix_admin_events_time ON admin_events (time);
CREATE UNIQUE INDEX uq_members_identity ON members (issuer, subject);
CREATE UNIQUE INDEX uq_webhooks_name ON webhooks (organisation_id, name) WHERE removed IS NULL;
CREATE INDEX ix_deliveries_next_try ON deliveries (next_try);
CREATE UNIQUE INDEX uq_deliveries_event ON deliveries (webhook_id, approval_id, event);
CREATE INDEX ix_oauth_tokens_refresh_at ON oauth_tokens (refresh_at);
CREATE INDEX ix_sessions_member_id ON sessions (member_id);
CREATE UNIQUE INDEX uq_records_entry ON records (chain, seq);
CREATE INDEX ix_records_time ON records (time);
CREATE INDEX ix_records_decision_id ON records (decision_id);
CREATE INDEX ix_contact_messages_time ON contact_messages (time);
