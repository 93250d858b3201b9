//go:build linux

package main

import (
	"cmp"
	"database/sql"
	"os"
	"strings"
	"time"

	_ "github.com/mattn/go-sqlite3" // the driver
)

// sqlite is a table of messages with three B-trees, and a full-text index of their texts that does not repeat them.
type sqlite struct {
	*world
	keys bool // answers are keys, without rows and snippets
}

const sqliteTransaction = 1000

const schema = `
CREATE TABLE rows (id INTEGER PRIMARY KEY, channel TEXT, user TEXT, kind TEXT, time INTEGER, text TEXT);
CREATE INDEX by_user ON rows (user, time);
CREATE INDEX by_channel ON rows (channel, time);
CREATE INDEX by_time ON rows (time);
CREATE VIRTUAL TABLE words USING fts5 (text, content = 'rows', content_rowid = 'id',
	tokenize = 'unicode61 remove_diacritics 2');
`

func (c *sqlite) dir() string { return c.of("sqlite") }

func (c *sqlite) connect() (*sql.DB, error) {
	db, err := sql.Open("sqlite3", "file:"+c.dir()+"/messages.db?_journal_mode=WAL&_cache_size=-65536&_mmap_size=4294967296")
	if err == nil {
		db.SetMaxOpenConns(1)
	}
	return db, err
}

func (c *sqlite) build() (built, error) {
	if err := cmp.Or(os.RemoveAll(c.dir()), os.Mkdir(c.dir(), 0o700)); err != nil {
		return built{}, err
	}
	return timed(c.dir(), func() (func() error, error) {
		db, err := c.connect()
		if err != nil {
			return nil, err
		}
		if _, err := db.Exec(schema); err != nil {
			return nil, err
		}
		return db.Close, c.load(db)
	})
}

// load inserts the messages in the order of time, so that rowids are in that order, too.
func (c *sqlite) load(db *sql.DB) error {
	var tx *sql.Tx
	var row, words *sql.Stmt
	n := 0
	begin := func() (err error) {
		if tx, err = db.Begin(); err != nil {
			return err
		}
		if row, err = tx.Prepare("INSERT INTO rows VALUES (?, ?, ?, ?, ?, ?)"); err != nil {
			return err
		}
		words, err = tx.Prepare("INSERT INTO words (rowid, text) VALUES (?, ?)")
		return err
	}
	if err := begin(); err != nil {
		return err
	}
	err := eachMessage(c.byTime(), func(m *message) error {
		n++
		if _, err := row.Exec(n, m.channel, m.user, m.kind, m.ts.Second(), m.text); err != nil {
			return err
		}
		if _, err := words.Exec(n, m.text); err != nil {
			return err
		}
		if n%sqliteTransaction > 0 {
			return nil
		}
		return cmp.Or(tx.Commit(), begin())
	})
	if err != nil {
		return err
	}
	return tx.Commit()
}

func (c *sqlite) open() (func(query) (uint64, error), error) {
	db, err := c.connect()
	if err != nil {
		return nil, err
	}
	statements := map[string]*sql.Stmt{}
	prepare := func(text string) (*sql.Stmt, error) {
		if s := statements[text]; s != nil {
			return s, nil
		}
		s, err := db.Prepare(text)
		statements[text] = s
		return s, err
	}
	return func(q query) (total uint64, err error) {
		if q.Kind == fuzzyKind || q.Deep {
			return 0, errUnable
		}
		s := c.sql(&q)
		count, err := prepare("SELECT count(*) FROM " + s.counted(&q) + s.where)
		if err != nil {
			return 0, err
		}
		if err := count.QueryRow(s.args...).Scan(&total); err != nil {
			return 0, err
		}
		if err := c.page(prepare, s); err != nil {
			return 0, err
		}
		if q.Facets {
			return total, c.facets(prepare, s)
		}
		return total, nil
	}, nil
}

// selection is a question in SQL.
type selection struct {
	columns, from, where, order string
	args, page                  []any
}

func (c *sqlite) sql(q *query) selection {
	s := selection{columns: "rows.id", from: "rows", order: " ORDER BY rows.time DESC", page: []any{q.Limit, q.Offset}}
	var conditions []string
	add := func(condition string, value any) {
		conditions = append(conditions, condition)
		s.args = append(s.args, value)
	}
	if len(q.Words) > 0 {
		add("words MATCH ?", match(q))
		s.columns, s.from, s.order = "words.rowid", "words", " ORDER BY words.rowid DESC"
		if q.Sort == "" {
			s.order = " ORDER BY rank"
		}
	}
	if !c.keys {
		s.columns = "channel, user, kind, time, rows.text"
		if len(q.Words) > 0 {
			s.columns = "channel, user, kind, time, snippet(words, 0, '<mark>', '</mark>', '...', 32)"
		}
	}
	if len(q.Words) > 0 && (!c.keys || q.Since != "" || q.Facets) {
		s.from = "words JOIN rows ON rows.id = words.rowid"
	}
	if q.User != "" {
		add("user = ?", q.User)
	}
	if q.Channel != "" {
		add("channel = ?", q.Channel)
	}
	if q.Since != "" {
		add("time >= ?", seconds(q.Since))
		add("time < ?", seconds(q.Until))
	}
	if len(conditions) > 0 {
		s.where = " WHERE " + strings.Join(conditions, " AND ")
	}
	return s
}

// counted is what a count has to look at.
func (s *selection) counted(q *query) string {
	if len(q.Words) > 0 && q.Since == "" {
		return "words"
	}
	return s.from
}

// match gives words in the language of FTS5.
func match(q *query) string {
	switch q.Kind {
	case phraseKind:
		return `"` + strings.Join(q.Words, " ") + `"`
	case prefixKind:
		return `"` + q.Words[0] + `"*`
	default:
		return `"` + strings.Join(q.Words, `" AND "`) + `"`
	}
}

func seconds(day string) int64 {
	t, _ := time.Parse(time.DateOnly, day) // the days were formatted by this program
	return t.Unix()
}

type preparer func(text string) (*sql.Stmt, error)

func (c *sqlite) page(prepare preparer, s selection) error {
	stmt, err := prepare("SELECT " + s.columns + " FROM " + s.from + s.where + s.order + " LIMIT ? OFFSET ?")
	if err != nil {
		return err
	}
	rows, err := stmt.Query(append(s.args, s.page...)...)
	if err != nil {
		return err
	}
	return drain(rows)
}

// drain reads rows to their end.
func drain(rows *sql.Rows) error {
	defer rows.Close()
	names, err := rows.Columns()
	if err != nil {
		return err
	}
	values, places := make([]sql.RawBytes, len(names)), make([]any, len(names))
	for i := range values {
		places[i] = &values[i]
	}
	for rows.Next() {
		if err := rows.Scan(places...); err != nil {
			return err
		}
	}
	return rows.Err()
}

// facets counts by channel and by user.
func (c *sqlite) facets(prepare preparer, s selection) error {
	for _, by := range []string{"channel", "user"} {
		stmt, err := prepare("SELECT " + by + ", count(*) AS n FROM " + s.from + s.where + " GROUP BY " + by + " ORDER BY n DESC LIMIT 10")
		if err != nil {
			return err
		}
		rows, err := stmt.Query(s.args...)
		if err != nil {
			return err
		}
		if err := drain(rows); err != nil {
			return err
		}
	}
	return nil
}
