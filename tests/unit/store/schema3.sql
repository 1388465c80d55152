BEGIN TRANSACTION;
CREATE TABLE artifacts (
	run INTEGER NOT NULL, 
	path TEXT NOT NULL, 
	size INTEGER NOT NULL, 
	sha256 VARCHAR(64) NOT NULL, 
	PRIMARY KEY (run, path), 
	FOREIGN KEY(run) REFERENCES runs (n) ON DELETE CASCADE
)
 WITHOUT ROWID

;
CREATE TABLE chunks (
	series INTEGER NOT NULL, 
	n INTEGER NOT NULL, 
	count INTEGER NOT NULL, 
	data BLOB NOT NULL, 
	PRIMARY KEY (series, n)
);
CREATE TABLE console (
	session VARCHAR(64) NOT NULL, 
	at INTEGER NOT NULL, 
	stream VARCHAR(8) NOT NULL, 
	text TEXT NOT NULL, 
	PRIMARY KEY (session, at)
)
 WITHOUT ROWID

;
CREATE TABLE datasets (
	run INTEGER NOT NULL, 
	name TEXT NOT NULL, 
	digest TEXT NOT NULL, 
	context TEXT NOT NULL, 
	rows INTEGER, 
	columns TEXT, 
	source TEXT, 
	kind TEXT, 
	bytes INTEGER, 
	fingerprint VARCHAR(64), 
	mlflow_digest TEXT, 
	partial TEXT, 
	PRIMARY KEY (run, name, digest, context), 
	FOREIGN KEY(run) REFERENCES runs (n) ON DELETE CASCADE
)
 WITHOUT ROWID

;
INSERT INTO "datasets" VALUES(1,'x','6eb8b9efc7e73d73e465c0080fe4e5fe','train',2,'{"": "float64"}',NULL,'numpy.ndarray',16,'ccdf20c6712b9fdb01091fcf83db303ed23fbd620a4ff249ae7279258cf1a446','640bc80d',NULL);
CREATE TABLE experiment_tags (
	experiment_id VARCHAR(64) NOT NULL, 
	"key" TEXT NOT NULL, 
	value TEXT NOT NULL, 
	PRIMARY KEY (experiment_id, "key"), 
	FOREIGN KEY(experiment_id) REFERENCES experiments (id) ON DELETE CASCADE
)
 WITHOUT ROWID

;
CREATE TABLE experiments (
	id VARCHAR(64) NOT NULL, 
	name TEXT NOT NULL, 
	lifecycle VARCHAR(8) NOT NULL, 
	created INTEGER NOT NULL, 
	updated INTEGER NOT NULL, 
	PRIMARY KEY (id), 
	UNIQUE (name)
);
INSERT INTO "experiments" VALUES('f896bb9ddd7520d3','old','active',1795690755747632977,1795690755747632977);
CREATE TABLE files (
	session VARCHAR(64) NOT NULL, 
	role VARCHAR(8) NOT NULL, 
	path TEXT NOT NULL, 
	sha256 VARCHAR(80) NOT NULL, 
	first INTEGER NOT NULL, 
	size INTEGER, 
	mtime INTEGER, 
	partial TEXT, 
	PRIMARY KEY (session, role, path, sha256)
)
 WITHOUT ROWID

;
CREATE TABLE meta (
	"key" VARCHAR(64) NOT NULL, 
	value TEXT NOT NULL, 
	PRIMARY KEY ("key")
);
INSERT INTO "meta" VALUES('schema','3');
INSERT INTO "meta" VALUES('min_reader','1');
INSERT INTO "meta" VALUES('min_writer','3');
INSERT INTO "meta" VALUES('written_by','0.1.0');
CREATE TABLE models (
	run INTEGER NOT NULL, 
	path TEXT NOT NULL, 
	flavor TEXT NOT NULL, 
	class_name TEXT NOT NULL, 
	size INTEGER NOT NULL, 
	digest VARCHAR(64), 
	PRIMARY KEY (run, path), 
	FOREIGN KEY(run) REFERENCES runs (n) ON DELETE CASCADE
)
 WITHOUT ROWID

;
CREATE TABLE params (
	run INTEGER NOT NULL, 
	"key" TEXT NOT NULL, 
	value TEXT NOT NULL, 
	number DOUBLE, 
	PRIMARY KEY (run, "key"), 
	FOREIGN KEY(run) REFERENCES runs (n) ON DELETE CASCADE
)
 WITHOUT ROWID

;
INSERT INTO "params" VALUES(1,'lr','0.1',0.1);
CREATE TABLE runs (
	n INTEGER NOT NULL, 
	id VARCHAR(64) NOT NULL, 
	name TEXT NOT NULL, 
	experiment_id VARCHAR(64) NOT NULL, 
	status VARCHAR(16) NOT NULL, 
	started INTEGER NOT NULL, 
	ended INTEGER, 
	last_seen INTEGER, 
	session VARCHAR(64), 
	parent VARCHAR(64), 
	user TEXT, 
	artifact_uri TEXT, 
	error TEXT, 
	exit_code INTEGER, 
	health TEXT, 
	writer VARCHAR(64), 
	lifecycle VARCHAR(8) NOT NULL, 
	deleted_with VARCHAR(64), 
	deleted_at INTEGER, 
	random_state VARCHAR(64), 
	begun_at INTEGER, 
	name_at INTEGER, 
	status_at INTEGER, 
	guessed BOOLEAN, 
	PRIMARY KEY (n), 
	UNIQUE (id), 
	FOREIGN KEY(experiment_id) REFERENCES experiments (id)
);
INSERT INTO "runs" VALUES(1,'43b73976c55300627d4ef72fc04bc944','third','f896bb9ddd7520d3','FINISHED',1795690755663911162,1795690755747627118,1795690755747632977,'ac6f6312cf3eab766fa865868d3b3a2a',NULL,'root','artifacts/f896bb9ddd7520d3/43b73976c55300627d4ef72fc04bc944',NULL,NULL,NULL,'0cf865deb1b12bb909bce50535bccee4','active',NULL,NULL,'9804f639848d1a7b1ae91135c0dd4b01aa20683105024b2f870bca23243cbd3b',1795690755663911162,1795690755663911162,1795690755747632977,NULL);
CREATE TABLE series (
	run INTEGER NOT NULL, 
	"key" TEXT NOT NULL, 
	id INTEGER NOT NULL, 
	last DOUBLE, 
	last_bits INTEGER NOT NULL, 
	last_int BOOLEAN NOT NULL, 
	last_step INTEGER NOT NULL, 
	last_time INTEGER NOT NULL, 
	low DOUBLE, 
	high DOUBLE, 
	count INTEGER NOT NULL, 
	chunks INTEGER NOT NULL, 
	tail INTEGER NOT NULL, 
	PRIMARY KEY (run, "key"), 
	FOREIGN KEY(run) REFERENCES runs (n) ON DELETE CASCADE, 
	UNIQUE (id)
)
 WITHOUT ROWID

;
INSERT INTO "series" VALUES(1,'loss',1,0.2,4596373779694328218,0,0,1795690755713510000,0.2,0.2,1,0,0);
CREATE TABLE session_parts (
	session VARCHAR(64) NOT NULL, 
	part VARCHAR(64) NOT NULL, 
	data TEXT NOT NULL, 
	PRIMARY KEY (session, part)
)
 WITHOUT ROWID

;
CREATE TABLE sessions (
	id VARCHAR(64) NOT NULL, 
	started INTEGER NOT NULL, 
	data TEXT NOT NULL, 
	PRIMARY KEY (id)
);
CREATE TABLE tags (
	run INTEGER NOT NULL, 
	"key" TEXT NOT NULL, 
	value TEXT NOT NULL, 
	PRIMARY KEY (run, "key"), 
	FOREIGN KEY(run) REFERENCES runs (n) ON DELETE CASCADE
)
 WITHOUT ROWID

;
CREATE TABLE writer_series (
	writer VARCHAR(64) NOT NULL, 
	id INTEGER NOT NULL, 
	run INTEGER NOT NULL, 
	"key" TEXT NOT NULL, 
	is_int BOOLEAN NOT NULL, 
	PRIMARY KEY (writer, id), 
	FOREIGN KEY(writer) REFERENCES writers (writer) ON DELETE CASCADE
)
 WITHOUT ROWID

;
INSERT INTO "writer_series" VALUES('0cf865deb1b12bb909bce50535bccee4',1,1,'loss',0);
CREATE TABLE writers (
	writer VARCHAR(64) NOT NULL, 
	events INTEGER NOT NULL, 
	points INTEGER NOT NULL, 
	damaged INTEGER NOT NULL, 
	state VARCHAR(8) NOT NULL, 
	host TEXT, 
	last_seen INTEGER, 
	refused INTEGER, 
	clock INTEGER, 
	PRIMARY KEY (writer)
);
INSERT INTO "writers" VALUES('0cf865deb1b12bb909bce50535bccee4',8232,1,0,'live','vm',1795690755747534501,0,1795690755747632977);
CREATE INDEX files_by_path ON files (path);
CREATE INDEX files_by_content ON files (sha256);
CREATE INDEX runs_of_experiment ON runs (experiment_id, lifecycle, started DESC, id);
CREATE INDEX runs_of_session ON runs (session);
CREATE INDEX runs_of_writer ON runs (writer);
CREATE INDEX runs_recent ON runs (lifecycle, started DESC, id);
CREATE INDEX runs_of_parent ON runs (parent);
CREATE INDEX series_by_value ON series ("key", last, run);
CREATE INDEX datasets_by_digest ON datasets (digest);
CREATE INDEX artifacts_by_content ON artifacts (sha256);
COMMIT;
