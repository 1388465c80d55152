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
INSERT INTO "artifacts" VALUES(1,'notes.txt',5,'2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824');
CREATE TABLE chunks (
	series INTEGER NOT NULL, 
	n INTEGER NOT NULL, 
	count INTEGER NOT NULL, 
	data BLOB NOT NULL, 
	PRIMARY KEY (series, n)
);
INSERT INTO "chunks" VALUES(1,0,5,X'010001000500000083B246FE00000000000000000100000000000000020000000000000003000000000000000400000000000000EC292D471F610600F7292D471F610600F8292D471F610600F9292D471F610600F9292D471F610600000000000000F03F000000000000E03F555555555555D53F000000000000D03F9A9999999999C93F');
CREATE TABLE datasets (
	run INTEGER NOT NULL, 
	name TEXT NOT NULL, 
	digest TEXT NOT NULL, 
	context TEXT NOT NULL, 
	rows INTEGER, 
	columns TEXT, 
	source TEXT, 
	PRIMARY KEY (run, name, digest, context), 
	FOREIGN KEY(run) REFERENCES runs (n) ON DELETE CASCADE
)
 WITHOUT ROWID

;
INSERT INTO "datasets" VALUES(1,'X','b80fbaeadf17912747cb54ac706639be','train',3,'{"": "float64[2]"}',NULL);
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
INSERT INTO "experiments" VALUES('fe98b07b1ba6b3a2','default','active',1795636826343603523,1795636826343603523);
CREATE TABLE meta (
	"key" VARCHAR(64) NOT NULL, 
	value TEXT NOT NULL, 
	PRIMARY KEY ("key")
);
INSERT INTO "meta" VALUES('schema','1');
INSERT INTO "meta" VALUES('min_reader','1');
INSERT INTO "meta" VALUES('min_writer','1');
INSERT INTO "meta" VALUES('written_by','0.1.0');
CREATE TABLE models (
	run INTEGER NOT NULL, 
	path TEXT NOT NULL, 
	flavor TEXT NOT NULL, 
	class_name TEXT NOT NULL, 
	size INTEGER NOT NULL, 
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
	PRIMARY KEY (n), 
	UNIQUE (id), 
	FOREIGN KEY(experiment_id) REFERENCES experiments (id)
);
INSERT INTO "runs" VALUES(1,'5ae32401547ede0ba3a587de5f540121','old one','fe98b07b1ba6b3a2','FINISHED',1795636826201900237,1795636826343596504,1795636826343603523,'919dabb28fb43f0a17eb3e9ead64f331',NULL,'root','artifacts/fe98b07b1ba6b3a2/5ae32401547ede0ba3a587de5f540121',NULL,NULL,NULL,'ead742895ce0b85fcfdd3ce5a229952a','active',NULL,NULL);
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
INSERT INTO "series" VALUES(1,'loss',1,0.2,4596373779694328218,0,4,1795636826286585000,0.2,1.0,5,1,5);
CREATE TABLE sessions (
	id VARCHAR(64) NOT NULL, 
	started INTEGER NOT NULL, 
	data TEXT NOT NULL, 
	PRIMARY KEY (id)
);
INSERT INTO "sessions" VALUES('919dabb28fb43f0a17eb3e9ead64f331',1795636826272081881,'{"k": "session", "t": 1795636826272081881, "id": "919dabb28fb43f0a17eb3e9ead64f331", "argv": [".venv/bin/python", "-"], "entry": "<stdin>", "cwd": "/tmp/tmpst1_ohb_", "host": "vm", "pid": 6868, "user": "root", "python": "3.11.7", "platform": "linux", "autotrack": "0.1.0"}');
CREATE TABLE tags (
	run INTEGER NOT NULL, 
	"key" TEXT NOT NULL, 
	value TEXT NOT NULL, 
	PRIMARY KEY (run, "key"), 
	FOREIGN KEY(run) REFERENCES runs (n) ON DELETE CASCADE
)
 WITHOUT ROWID

;
INSERT INTO "tags" VALUES(1,'team','blue');
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
CREATE TABLE writers (
	writer VARCHAR(64) NOT NULL, 
	events INTEGER NOT NULL, 
	points INTEGER NOT NULL, 
	damaged INTEGER NOT NULL, 
	state VARCHAR(8) NOT NULL, 
	host TEXT, 
	last_seen INTEGER, 
	PRIMARY KEY (writer)
);
INSERT INTO "writers" VALUES('ead742895ce0b85fcfdd3ce5a229952a',6416,5,0,'done','vm',1795636826359143976);
CREATE INDEX runs_of_writer ON runs (writer);
CREATE INDEX runs_of_experiment ON runs (experiment_id, lifecycle, started DESC, id);
CREATE INDEX runs_of_parent ON runs (parent);
CREATE INDEX runs_recent ON runs (lifecycle, started DESC, id);
CREATE INDEX series_by_value ON series ("key", last, run);
COMMIT;
