-- What all migrations result in; written by `python -m tools.schema`.
PRAGMA application_id = 1718908265;
PRAGMA user_version = 7;
CREATE TABLE "sources" (
   "id" TEXT PRIMARY KEY,
   "kind" TEXT NOT NULL,
   "root" TEXT NOT NULL,
   "added_at" REAL NOT NULL,
   "scanned_at" REAL NOT NULL DEFAULT 0.0,
   "documents" INTEGER NOT NULL DEFAULT 0,
   "examples" INTEGER NOT NULL DEFAULT 0,
   "skipped" INTEGER NOT NULL DEFAULT 0
, options TEXT NOT NULL DEFAULT '{}', fingerprint TEXT NOT NULL DEFAULT '');
CREATE TABLE "skips" (
   "source_id" TEXT NOT NULL,
   "path" TEXT NOT NULL,
   "line" INTEGER NOT NULL,
   "code" TEXT NOT NULL,
   "reason" TEXT NOT NULL
, item TEXT NOT NULL DEFAULT '');
CREATE INDEX "idx_skips_source_id"
    ON "skips" ("source_id");
CREATE TABLE queue (
            position INTEGER PRIMARY KEY AUTOINCREMENT,
            example_id TEXT NOT NULL UNIQUE,
            source_id TEXT NOT NULL,
            kind TEXT NOT NULL,
            label TEXT NOT NULL,
            state TEXT NOT NULL DEFAULT 'undecided',
            edited INTEGER NOT NULL DEFAULT 0,
            decided_at REAL NOT NULL DEFAULT 0
        , origin TEXT NOT NULL DEFAULT '', flagged INTEGER NOT NULL DEFAULT 0, language TEXT NOT NULL DEFAULT '', quality REAL, conflict INTEGER NOT NULL DEFAULT 0);
CREATE INDEX idx_queue_edited ON queue (edited) WHERE edited = 1;
CREATE TABLE "examples" (
   "position" INTEGER PRIMARY KEY,
   "path" TEXT,
   "start_line" INTEGER,
   "end_line" INTEGER,
   "heading" TEXT,
   "title" TEXT,
   "tags" TEXT,
   "date" TEXT,
   "content_hash" TEXT,
   "score" REAL,
   "reason" TEXT,
   "metadata" TEXT,
   "turns" TEXT,
   "edited_turns" TEXT
, follows TEXT NOT NULL DEFAULT '', alternatives TEXT NOT NULL DEFAULT '[]', record TEXT NOT NULL DEFAULT '');
CREATE TABLE tags (tag TEXT NOT NULL, position INTEGER NOT NULL, PRIMARY KEY (tag, position)) WITHOUT ROWID;
CREATE INDEX "idx_tags_position"
    ON "tags" ("position");
CREATE TABLE journal (
            seq INTEGER PRIMARY KEY AUTOINCREMENT,
            example_id TEXT NOT NULL,
            action TEXT NOT NULL,
            at REAL NOT NULL,
            session TEXT NOT NULL,
            target INTEGER NOT NULL DEFAULT 0,
            turns TEXT
        , operation TEXT NOT NULL DEFAULT '', seen INTEGER);
CREATE INDEX "idx_journal_example_id"
    ON "journal" ("example_id");
CREATE INDEX idx_journal_decisions ON journal (seq) WHERE action IN ('approve', 'reject', 'skip', 'edit');
CREATE INDEX idx_journal_at ON journal (at);
CREATE TRIGGER journal_no_update BEFORE UPDATE ON journal BEGIN SELECT RAISE(ABORT, 'the journal is only appended to'); END;
CREATE TRIGGER journal_no_delete BEFORE DELETE ON journal BEGIN SELECT RAISE(ABORT, 'the journal is only appended to'); END;
CREATE TABLE "undone" (
   "seq" INTEGER PRIMARY KEY,
   "undo_seq" INTEGER NOT NULL
);
CREATE INDEX "idx_undone_undo_seq"
    ON "undone" ("undo_seq");
CREATE TABLE "votes" (
   "id" INTEGER PRIMARY KEY,
   "run_id" TEXT,
   "quant" TEXT,
   "prompt" TEXT,
   "base_text" TEXT,
   "tuned_text" TEXT,
   "left" TEXT,
   "choice" TEXT,
   "blind" INTEGER,
   "at" REAL,
   "metadata" TEXT
);
CREATE INDEX "idx_votes_run_id"
    ON "votes" ("run_id");
CREATE TABLE "meta" (
   "key" TEXT PRIMARY KEY,
   "value" TEXT NOT NULL
);
CREATE INDEX idx_queue_origin ON queue (origin) WHERE origin != '';
CREATE INDEX idx_examples_follows ON examples (follows) WHERE follows != '';
CREATE INDEX idx_queue_flagged ON queue (position) WHERE flagged > 0;
CREATE INDEX idx_queue_language ON queue (language) WHERE language != '';
CREATE TABLE "flags" (
   "position" INTEGER NOT NULL,
   "name" TEXT NOT NULL,
   "kind" TEXT NOT NULL,
   "code" TEXT NOT NULL,
   "score" REAL NOT NULL,
   "reason" TEXT NOT NULL,
   "turn" INTEGER NOT NULL,
   "start" INTEGER NOT NULL,
   "stop" INTEGER NOT NULL
);
CREATE INDEX "idx_flags_position"
    ON "flags" ("position");
CREATE INDEX "idx_flags_kind_code_position"
    ON "flags" ("kind", "code", "position");
CREATE TABLE links (model TEXT NOT NULL, what TEXT NOT NULL, a INTEGER NOT NULL, b INTEGER NOT NULL, similarity REAL NOT NULL, PRIMARY KEY (model, what, a, b)) WITHOUT ROWID;
CREATE TABLE linked (model TEXT NOT NULL, position INTEGER NOT NULL, key TEXT NOT NULL, PRIMARY KEY (model, position)) WITHOUT ROWID;
CREATE INDEX "idx_linked_position"
    ON "linked" ("position");
CREATE TABLE votes_taken_back (vote_id INTEGER PRIMARY KEY, at REAL NOT NULL);
CREATE TRIGGER votes_no_update BEFORE UPDATE ON votes BEGIN SELECT RAISE(ABORT, 'votes is only appended to'); END;
CREATE TRIGGER votes_no_delete BEFORE DELETE ON votes BEGIN SELECT RAISE(ABORT, 'votes is only appended to'); END;
CREATE TRIGGER votes_taken_back_no_update BEFORE UPDATE ON votes_taken_back BEGIN SELECT RAISE(ABORT, 'votes_taken_back is only appended to'); END;
CREATE TRIGGER votes_taken_back_no_delete BEFORE DELETE ON votes_taken_back BEGIN SELECT RAISE(ABORT, 'votes_taken_back is only appended to'); END;
CREATE INDEX idx_journal_operation ON journal (operation) WHERE operation != '';
CREATE INDEX idx_journal_session ON journal (session) WHERE action IN ('approve', 'reject', 'skip', 'edit');
CREATE INDEX idx_queue_conflict ON queue (position) WHERE conflict = 1;
CREATE VIRTUAL TABLE search USING fts5(text, content='', detail=none, columnsize=0, tokenize='unicode61 remove_diacritics 2');
CREATE TABLE items (number INTEGER PRIMARY KEY, source_id TEXT NOT NULL, name TEXT NOT NULL, size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL, digest TEXT NOT NULL, documents INTEGER NOT NULL, sections INTEGER NOT NULL DEFAULT 0, UNIQUE (source_id, name));
CREATE TABLE sightings (item INTEGER NOT NULL, position INTEGER NOT NULL, PRIMARY KEY (item, position)) WITHOUT ROWID;
CREATE INDEX idx_sightings_position ON sightings (position);
CREATE TABLE looks (number INTEGER PRIMARY KEY, said TEXT NOT NULL UNIQUE);
CREATE TABLE checked (position INTEGER PRIMARY KEY, look INTEGER NOT NULL, measures TEXT NOT NULL);
CREATE TRIGGER findings_of_edited AFTER UPDATE OF turns, edited_turns ON examples WHEN coalesce(OLD.edited_turns, OLD.turns) IS NOT coalesce(NEW.edited_turns, NEW.turns) BEGIN DELETE FROM flags WHERE position = OLD.position; DELETE FROM checked WHERE position = OLD.position;  UPDATE queue SET flagged = 0, language = '', quality = NULL WHERE position = OLD.position; UPDATE linked SET key = '!' || key WHERE position = OLD.position AND key NOT LIKE '!%'; END;
CREATE TRIGGER findings_of_gone AFTER DELETE ON queue BEGIN DELETE FROM flags WHERE position = OLD.position; DELETE FROM checked WHERE position = OLD.position;  END;
CREATE TABLE tally (block INTEGER NOT NULL, source_id TEXT NOT NULL, kind TEXT NOT NULL, state TEXT NOT NULL, edited INTEGER NOT NULL, origin TEXT NOT NULL, n INTEGER NOT NULL, PRIMARY KEY (block, source_id, kind, state, edited, origin)) WITHOUT ROWID;
CREATE TRIGGER tally_of_new AFTER INSERT ON queue BEGIN INSERT OR IGNORE INTO tally VALUES (NEW.position >> 10, NEW.source_id, NEW.kind, NEW.state, NEW.edited, NEW.origin, 0); INSERT OR IGNORE INTO tally VALUES (-1, NEW.source_id, NEW.kind, NEW.state, NEW.edited, NEW.origin, 0); UPDATE tally SET n = n + 1 WHERE block IN (NEW.position >> 10, -1) AND source_id = NEW.source_id AND kind = NEW.kind AND state = NEW.state AND edited = NEW.edited AND origin = NEW.origin; END;
CREATE TRIGGER tally_of_gone AFTER DELETE ON queue BEGIN UPDATE tally SET n = n + -1 WHERE block IN (OLD.position >> 10, -1) AND source_id = OLD.source_id AND kind = OLD.kind AND state = OLD.state AND edited = OLD.edited AND origin = OLD.origin; END;
CREATE TRIGGER tally_of_changed AFTER UPDATE OF source_id, kind, state, edited, origin ON queue WHEN OLD.source_id IS NOT NEW.source_id OR OLD.kind IS NOT NEW.kind OR OLD.state IS NOT NEW.state OR OLD.edited IS NOT NEW.edited OR OLD.origin IS NOT NEW.origin BEGIN UPDATE tally SET n = n + -1 WHERE block IN (OLD.position >> 10, -1) AND source_id = OLD.source_id AND kind = OLD.kind AND state = OLD.state AND edited = OLD.edited AND origin = OLD.origin; INSERT OR IGNORE INTO tally VALUES (NEW.position >> 10, NEW.source_id, NEW.kind, NEW.state, NEW.edited, NEW.origin, 0); INSERT OR IGNORE INTO tally VALUES (-1, NEW.source_id, NEW.kind, NEW.state, NEW.edited, NEW.origin, 0); UPDATE tally SET n = n + 1 WHERE block IN (NEW.position >> 10, -1) AND source_id = NEW.source_id AND kind = NEW.kind AND state = NEW.state AND edited = NEW.edited AND origin = NEW.origin; END;
