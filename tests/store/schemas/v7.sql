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
INSERT INTO sources ("id", "kind", "root", "added_at", "scanned_at", "documents", "examples", "skipped", "options", "fingerprint") VALUES ('b2-e8643795980cade9c6901c3edba139ac', 'vault', '/notes', 1795932544.3046317, 1760000000.0, 5, 5, 1, '{}', '');
CREATE TABLE "skips" (
   "source_id" TEXT NOT NULL,
   "path" TEXT NOT NULL,
   "line" INTEGER NOT NULL,
   "code" TEXT NOT NULL,
   "reason" TEXT NOT NULL
, item TEXT NOT NULL DEFAULT '');
INSERT INTO skips ("source_id", "path", "line", "code", "reason", "item") VALUES ('b2-e8643795980cade9c6901c3edba139ac', 'a.md', 3, 'broken-yaml', 'a colon''s missing', '');
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
INSERT INTO queue ("position", "example_id", "source_id", "kind", "label", "state", "edited", "decided_at", "origin", "flagged", "language", "quality", "conflict") VALUES (1, 'b2-b8ebf7ba89debed7b8c978c6c4dd68b0', 'b2-e8643795980cade9c6901c3edba139ac', 'reflection', 'Question 0?', 'approved', 0, 1760000001.0, '', 1, '', NULL, 0);
INSERT INTO queue ("position", "example_id", "source_id", "kind", "label", "state", "edited", "decided_at", "origin", "flagged", "language", "quality", "conflict") VALUES (2, 'b2-0e9c107d96b36b20b2c2a82f5dd88d35', 'b2-e8643795980cade9c6901c3edba139ac', 'reflection', 'Question 1?', 'rejected', 0, 1760000002.0, '', 0, '', NULL, 0);
INSERT INTO queue ("position", "example_id", "source_id", "kind", "label", "state", "edited", "decided_at", "origin", "flagged", "language", "quality", "conflict") VALUES (3, 'b2-f462d06c7b940e0c2ea579a3e6ace94c', 'b2-e8643795980cade9c6901c3edba139ac', 'reflection', 'Edited?', 'undecided', 1, 0.0, '', 0, '', NULL, 0);
INSERT INTO queue ("position", "example_id", "source_id", "kind", "label", "state", "edited", "decided_at", "origin", "flagged", "language", "quality", "conflict") VALUES (4, 'b2-6cd4f46dd66bcf16175c1902e429ff45', 'b2-e8643795980cade9c6901c3edba139ac', 'reflection', 'Question 3?', 'skipped', 0, 1760000004.0, '', 0, '', NULL, 0);
INSERT INTO queue ("position", "example_id", "source_id", "kind", "label", "state", "edited", "decided_at", "origin", "flagged", "language", "quality", "conflict") VALUES (5, 'b2-287909b738e28178c4da2e93434c7c2a', 'b2-e8643795980cade9c6901c3edba139ac', 'reflection', X'4c6f6e6520eda0bd3f', 'undecided', 0, 0.0, '', 0, '', NULL, 0);
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
INSERT INTO examples ("position", "path", "start_line", "end_line", "heading", "title", "tags", "date", "content_hash", "score", "reason", "metadata", "turns", "edited_turns", "follows", "alternatives", "record") VALUES (1, 'notes/000.md', 1, 5, '', '', '["work"]', '2025-03-14', 'b2-00000000000000000000000000000000', 0.75, 'first person', '{"speaker":"Mara"}', '[["user","Question 0?"],["assistant","Answer 0."]]', NULL, '', '[]', '');
INSERT INTO examples ("position", "path", "start_line", "end_line", "heading", "title", "tags", "date", "content_hash", "score", "reason", "metadata", "turns", "edited_turns", "follows", "alternatives", "record") VALUES (2, 'notes/001.md', 1, 5, '', '', '["work"]', '2025-03-14', 'b2-00000000000000000000000000000001', 0.75, 'first person', '{"speaker":"Mara"}', '[["user","Question 1?"],["assistant","Answer 1."]]', NULL, '', '[]', '');
INSERT INTO examples ("position", "path", "start_line", "end_line", "heading", "title", "tags", "date", "content_hash", "score", "reason", "metadata", "turns", "edited_turns", "follows", "alternatives", "record") VALUES (3, 'notes/002.md', 1, 5, '', '', '["work"]', '2025-03-14', 'b2-00000000000000000000000000000002', 0.75, 'first person', '{"speaker":"Mara"}', '[["user","Question 2?"],["assistant","Answer 2."]]', '[["user","Edited?"],["assistant","It''s edited."]]', '', '[]', '');
INSERT INTO examples ("position", "path", "start_line", "end_line", "heading", "title", "tags", "date", "content_hash", "score", "reason", "metadata", "turns", "edited_turns", "follows", "alternatives", "record") VALUES (4, 'notes/003.md', 1, 5, '', '', '["work"]', '2025-03-14', 'b2-00000000000000000000000000000003', 0.75, 'first person', '{"speaker":"Mara"}', '[["user","Question 3?"],["assistant","Answer 3."]]', NULL, '', '[]', '');
INSERT INTO examples ("position", "path", "start_line", "end_line", "heading", "title", "tags", "date", "content_hash", "score", "reason", "metadata", "turns", "edited_turns", "follows", "alternatives", "record") VALUES (5, 'notes/004.md', 1, 5, '', '', X'5b2278edb3bf222c22776f726b225d', '2025-03-14', 'b2-00000000000000000000000000000004', 0.75, 'first person', '{"speaker":"Mara"}', X'5b5b2275736572222c224c6f6e6520eda0bd3f225d2c5b22617373697374616e74222c226e756c5c75303030302069742773225d5d', NULL, '', '[]', '');
CREATE TABLE tags (tag TEXT NOT NULL, position INTEGER NOT NULL, PRIMARY KEY (tag, position)) WITHOUT ROWID;
INSERT INTO tags ("tag", "position") VALUES ('work', 1);
INSERT INTO tags ("tag", "position") VALUES ('work', 2);
INSERT INTO tags ("tag", "position") VALUES ('work', 3);
INSERT INTO tags ("tag", "position") VALUES ('work', 4);
INSERT INTO tags ("tag", "position") VALUES ('work', 5);
INSERT INTO tags ("tag", "position") VALUES (X'78edb3bf', 5);
CREATE TABLE journal (
            seq INTEGER PRIMARY KEY AUTOINCREMENT,
            example_id TEXT NOT NULL,
            action TEXT NOT NULL,
            at REAL NOT NULL,
            session TEXT NOT NULL,
            target INTEGER NOT NULL DEFAULT 0,
            turns TEXT
        , operation TEXT NOT NULL DEFAULT '', seen INTEGER);
INSERT INTO journal ("seq", "example_id", "action", "at", "session", "target", "turns", "operation", "seen") VALUES (1, 'b2-b8ebf7ba89debed7b8c978c6c4dd68b0', 'approve', 1760000001.0, '2144285197c633e4', 0, NULL, '3efb56042dcef294.1', NULL);
INSERT INTO journal ("seq", "example_id", "action", "at", "session", "target", "turns", "operation", "seen") VALUES (2, 'b2-0e9c107d96b36b20b2c2a82f5dd88d35', 'reject', 1760000002.0, '2144285197c633e4', 0, NULL, '3efb56042dcef294.2', NULL);
INSERT INTO journal ("seq", "example_id", "action", "at", "session", "target", "turns", "operation", "seen") VALUES (3, 'b2-f462d06c7b940e0c2ea579a3e6ace94c', 'edit', 1760000003.0, '2144285197c633e4', 0, '[["user","Edited?"],["assistant","It''s edited."]]', '3efb56042dcef294.3', NULL);
INSERT INTO journal ("seq", "example_id", "action", "at", "session", "target", "turns", "operation", "seen") VALUES (4, 'b2-6cd4f46dd66bcf16175c1902e429ff45', 'skip', 1760000004.0, '2144285197c633e4', 0, NULL, '3efb56042dcef294.4', NULL);
INSERT INTO journal ("seq", "example_id", "action", "at", "session", "target", "turns", "operation", "seen") VALUES (5, 'b2-287909b738e28178c4da2e93434c7c2a', 'approve', 1760000005.0, '2144285197c633e4', 0, NULL, '3efb56042dcef294.5', NULL);
INSERT INTO journal ("seq", "example_id", "action", "at", "session", "target", "turns", "operation", "seen") VALUES (6, 'b2-287909b738e28178c4da2e93434c7c2a', 'undo', 1760000006.0, '2144285197c633e4', 5, NULL, '3efb56042dcef294.6', NULL);
CREATE TABLE "undone" (
   "seq" INTEGER PRIMARY KEY,
   "undo_seq" INTEGER NOT NULL
);
INSERT INTO undone ("seq", "undo_seq") VALUES (5, 6);
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
INSERT INTO votes ("id", "run_id", "quant", "prompt", "base_text", "tuned_text", "left", "choice", "blind", "at", "metadata") VALUES (1, 'run-1', 'q8_0', 'Why?', 'Because.', 'I was tired.', 'tuned', 'tuned', 1, 1760000007.0, '{"seed":"1"}');
INSERT INTO votes ("id", "run_id", "quant", "prompt", "base_text", "tuned_text", "left", "choice", "blind", "at", "metadata") VALUES (2, 'run-1', 'q8_0', 'Why?', 'Because.', 'I was tired.', 'tuned', 'tie', 1, 1760000007.0, '{"seed":"1"}');
CREATE TABLE "meta" (
   "key" TEXT PRIMARY KEY,
   "value" TEXT NOT NULL
);
INSERT INTO meta ("key", "value") VALUES ('colour', 'green');
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
INSERT INTO flags ("position", "name", "kind", "code", "score", "reason", "turn", "start", "stop") VALUES (1, 'quality', 'quality', 'echo', 0.9, 'because of echo', 1, 0, 3);
CREATE TABLE links (model TEXT NOT NULL, what TEXT NOT NULL, a INTEGER NOT NULL, b INTEGER NOT NULL, similarity REAL NOT NULL, PRIMARY KEY (model, what, a, b)) WITHOUT ROWID;
INSERT INTO links ("model", "what", "a", "b", "similarity") VALUES ('m1', 'both', 1, 2, 0.93);
CREATE TABLE linked (model TEXT NOT NULL, position INTEGER NOT NULL, key TEXT NOT NULL, PRIMARY KEY (model, position)) WITHOUT ROWID;
INSERT INTO linked ("model", "position", "key") VALUES ('m1', 1, 'k');
INSERT INTO linked ("model", "position", "key") VALUES ('m1', 2, 'k');
CREATE TABLE votes_taken_back (vote_id INTEGER PRIMARY KEY, at REAL NOT NULL);
INSERT INTO votes_taken_back ("vote_id", "at") VALUES (2, 1760000008.0);
CREATE VIRTUAL TABLE search USING fts5(text, content='', detail=none, columnsize=0, tokenize='unicode61 remove_diacritics 2');
DELETE FROM search_config;
INSERT INTO search_config VALUES ('version', 4);
DELETE FROM search_data;
INSERT INTO search_data VALUES (1, X'0514');
INSERT INTO search_data VALUES (10, X'000000000103030003010101020101030101');
INSERT INTO search_data VALUES (137438953473, X'00000044023030010101310201013203010133040106616e7377657201010101010269740501046c6f6e650501036e756c0501087175657374696f6e010101010101730504040404040c0507060e');
INSERT INTO search_data VALUES (274877906945, X'0000001f02303203000106616e73776572030001087175657374696f6e030004050a');
INSERT INTO search_data VALUES (412316860417, X'00000016073065646974656403010269740301017303040905');
DELETE FROM search_idx;
INSERT INTO search_idx VALUES (1, X'', 2);
INSERT INTO search_idx VALUES (2, X'', 2);
INSERT INTO search_idx VALUES (3, X'', 2);
CREATE TABLE items (number INTEGER PRIMARY KEY, source_id TEXT NOT NULL, name TEXT NOT NULL, size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL, digest TEXT NOT NULL, documents INTEGER NOT NULL, sections INTEGER NOT NULL DEFAULT 0, UNIQUE (source_id, name));
INSERT INTO items ("number", "source_id", "name", "size", "mtime_ns", "digest", "documents", "sections") VALUES (1, 'b2-e8643795980cade9c6901c3edba139ac', 'notes/000.md', -1, 0, '', 5, 0);
INSERT INTO items ("number", "source_id", "name", "size", "mtime_ns", "digest", "documents", "sections") VALUES (2, 'b2-e8643795980cade9c6901c3edba139ac', 'notes/001.md', -1, 0, '', 0, 0);
INSERT INTO items ("number", "source_id", "name", "size", "mtime_ns", "digest", "documents", "sections") VALUES (3, 'b2-e8643795980cade9c6901c3edba139ac', 'notes/002.md', -1, 0, '', 0, 0);
INSERT INTO items ("number", "source_id", "name", "size", "mtime_ns", "digest", "documents", "sections") VALUES (4, 'b2-e8643795980cade9c6901c3edba139ac', 'notes/003.md', -1, 0, '', 0, 0);
INSERT INTO items ("number", "source_id", "name", "size", "mtime_ns", "digest", "documents", "sections") VALUES (5, 'b2-e8643795980cade9c6901c3edba139ac', 'notes/004.md', -1, 0, '', 0, 0);
CREATE TABLE sightings (item INTEGER NOT NULL, position INTEGER NOT NULL, PRIMARY KEY (item, position)) WITHOUT ROWID;
INSERT INTO sightings ("item", "position") VALUES (1, 1);
INSERT INTO sightings ("item", "position") VALUES (2, 2);
INSERT INTO sightings ("item", "position") VALUES (3, 3);
INSERT INTO sightings ("item", "position") VALUES (4, 4);
INSERT INTO sightings ("item", "position") VALUES (5, 5);
CREATE TABLE looks (number INTEGER PRIMARY KEY, said TEXT NOT NULL UNIQUE);
INSERT INTO looks ("number", "said") VALUES (1, '[["quality","1",[]]]');
CREATE TABLE checked (position INTEGER PRIMARY KEY, look INTEGER NOT NULL, measures TEXT NOT NULL);
INSERT INTO checked ("position", "look", "measures") VALUES (1, 1, '[]');
CREATE TABLE tally (block INTEGER NOT NULL, source_id TEXT NOT NULL, kind TEXT NOT NULL, state TEXT NOT NULL, edited INTEGER NOT NULL, origin TEXT NOT NULL, n INTEGER NOT NULL, PRIMARY KEY (block, source_id, kind, state, edited, origin)) WITHOUT ROWID;
INSERT INTO tally ("block", "source_id", "kind", "state", "edited", "origin", "n") VALUES (-1, 'b2-e8643795980cade9c6901c3edba139ac', 'reflection', 'approved', 0, '', 1);
INSERT INTO tally ("block", "source_id", "kind", "state", "edited", "origin", "n") VALUES (-1, 'b2-e8643795980cade9c6901c3edba139ac', 'reflection', 'rejected', 0, '', 1);
INSERT INTO tally ("block", "source_id", "kind", "state", "edited", "origin", "n") VALUES (-1, 'b2-e8643795980cade9c6901c3edba139ac', 'reflection', 'skipped', 0, '', 1);
INSERT INTO tally ("block", "source_id", "kind", "state", "edited", "origin", "n") VALUES (-1, 'b2-e8643795980cade9c6901c3edba139ac', 'reflection', 'undecided', 0, '', 1);
INSERT INTO tally ("block", "source_id", "kind", "state", "edited", "origin", "n") VALUES (-1, 'b2-e8643795980cade9c6901c3edba139ac', 'reflection', 'undecided', 1, '', 1);
INSERT INTO tally ("block", "source_id", "kind", "state", "edited", "origin", "n") VALUES (0, 'b2-e8643795980cade9c6901c3edba139ac', 'reflection', 'approved', 0, '', 1);
INSERT INTO tally ("block", "source_id", "kind", "state", "edited", "origin", "n") VALUES (0, 'b2-e8643795980cade9c6901c3edba139ac', 'reflection', 'rejected', 0, '', 1);
INSERT INTO tally ("block", "source_id", "kind", "state", "edited", "origin", "n") VALUES (0, 'b2-e8643795980cade9c6901c3edba139ac', 'reflection', 'skipped', 0, '', 1);
INSERT INTO tally ("block", "source_id", "kind", "state", "edited", "origin", "n") VALUES (0, 'b2-e8643795980cade9c6901c3edba139ac', 'reflection', 'undecided', 0, '', 1);
INSERT INTO tally ("block", "source_id", "kind", "state", "edited", "origin", "n") VALUES (0, 'b2-e8643795980cade9c6901c3edba139ac', 'reflection', 'undecided', 1, '', 1);
DELETE FROM sqlite_sequence WHERE name = 'journal';
INSERT INTO sqlite_sequence (name, seq) VALUES ('journal', 6);
DELETE FROM sqlite_sequence WHERE name = 'queue';
INSERT INTO sqlite_sequence (name, seq) VALUES ('queue', 5);
CREATE INDEX idx_examples_follows ON examples (follows) WHERE follows != '';
CREATE INDEX "idx_flags_kind_code_position"
    ON "flags" ("kind", "code", "position");
CREATE INDEX "idx_flags_position"
    ON "flags" ("position");
CREATE INDEX idx_journal_at ON journal (at);
CREATE INDEX idx_journal_decisions ON journal (seq) WHERE action IN ('approve', 'reject', 'skip', 'edit');
CREATE INDEX "idx_journal_example_id"
    ON "journal" ("example_id");
CREATE INDEX idx_journal_operation ON journal (operation) WHERE operation != '';
CREATE INDEX idx_journal_session ON journal (session) WHERE action IN ('approve', 'reject', 'skip', 'edit');
CREATE INDEX "idx_linked_position"
    ON "linked" ("position");
CREATE INDEX idx_queue_conflict ON queue (position) WHERE conflict = 1;
CREATE INDEX idx_queue_edited ON queue (edited) WHERE edited = 1;
CREATE INDEX idx_queue_flagged ON queue (position) WHERE flagged > 0;
CREATE INDEX idx_queue_language ON queue (language) WHERE language != '';
CREATE INDEX idx_queue_origin ON queue (origin) WHERE origin != '';
CREATE INDEX idx_sightings_position ON sightings (position);
CREATE INDEX "idx_skips_source_id"
    ON "skips" ("source_id");
CREATE INDEX "idx_tags_position"
    ON "tags" ("position");
CREATE INDEX "idx_undone_undo_seq"
    ON "undone" ("undo_seq");
CREATE INDEX "idx_votes_run_id"
    ON "votes" ("run_id");
CREATE TRIGGER findings_of_edited AFTER UPDATE OF turns, edited_turns ON examples WHEN coalesce(OLD.edited_turns, OLD.turns) IS NOT coalesce(NEW.edited_turns, NEW.turns) BEGIN DELETE FROM flags WHERE position = OLD.position; DELETE FROM checked WHERE position = OLD.position;  UPDATE queue SET flagged = 0, language = '', quality = NULL WHERE position = OLD.position; UPDATE linked SET key = '!' || key WHERE position = OLD.position AND key NOT LIKE '!%'; END;
CREATE TRIGGER findings_of_gone AFTER DELETE ON queue BEGIN DELETE FROM flags WHERE position = OLD.position; DELETE FROM checked WHERE position = OLD.position;  END;
CREATE TRIGGER journal_no_delete BEFORE DELETE ON journal BEGIN SELECT RAISE(ABORT, 'the journal is only appended to'); END;
CREATE TRIGGER journal_no_update BEFORE UPDATE ON journal BEGIN SELECT RAISE(ABORT, 'the journal is only appended to'); END;
CREATE TRIGGER tally_of_changed AFTER UPDATE OF source_id, kind, state, edited, origin ON queue WHEN OLD.source_id IS NOT NEW.source_id OR OLD.kind IS NOT NEW.kind OR OLD.state IS NOT NEW.state OR OLD.edited IS NOT NEW.edited OR OLD.origin IS NOT NEW.origin BEGIN UPDATE tally SET n = n + -1 WHERE block IN (OLD.position >> 10, -1) AND source_id = OLD.source_id AND kind = OLD.kind AND state = OLD.state AND edited = OLD.edited AND origin = OLD.origin; INSERT OR IGNORE INTO tally VALUES (NEW.position >> 10, NEW.source_id, NEW.kind, NEW.state, NEW.edited, NEW.origin, 0); INSERT OR IGNORE INTO tally VALUES (-1, NEW.source_id, NEW.kind, NEW.state, NEW.edited, NEW.origin, 0); UPDATE tally SET n = n + 1 WHERE block IN (NEW.position >> 10, -1) AND source_id = NEW.source_id AND kind = NEW.kind AND state = NEW.state AND edited = NEW.edited AND origin = NEW.origin; END;
CREATE TRIGGER tally_of_gone AFTER DELETE ON queue BEGIN UPDATE tally SET n = n + -1 WHERE block IN (OLD.position >> 10, -1) AND source_id = OLD.source_id AND kind = OLD.kind AND state = OLD.state AND edited = OLD.edited AND origin = OLD.origin; END;
CREATE TRIGGER tally_of_new AFTER INSERT ON queue BEGIN INSERT OR IGNORE INTO tally VALUES (NEW.position >> 10, NEW.source_id, NEW.kind, NEW.state, NEW.edited, NEW.origin, 0); INSERT OR IGNORE INTO tally VALUES (-1, NEW.source_id, NEW.kind, NEW.state, NEW.edited, NEW.origin, 0); UPDATE tally SET n = n + 1 WHERE block IN (NEW.position >> 10, -1) AND source_id = NEW.source_id AND kind = NEW.kind AND state = NEW.state AND edited = NEW.edited AND origin = NEW.origin; END;
CREATE TRIGGER votes_no_delete BEFORE DELETE ON votes BEGIN SELECT RAISE(ABORT, 'votes is only appended to'); END;
CREATE TRIGGER votes_no_update BEFORE UPDATE ON votes BEGIN SELECT RAISE(ABORT, 'votes is only appended to'); END;
CREATE TRIGGER votes_taken_back_no_delete BEFORE DELETE ON votes_taken_back BEGIN SELECT RAISE(ABORT, 'votes_taken_back is only appended to'); END;
CREATE TRIGGER votes_taken_back_no_update BEFORE UPDATE ON votes_taken_back BEGIN SELECT RAISE(ABORT, 'votes_taken_back is only appended to'); END;
