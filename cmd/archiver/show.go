package main

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"

	"archiver/internal/merkle"
	"archiver/internal/record"
	"archiver/internal/storage"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/urfave/cli/v2"
)

func showCommand() command {
	return command{
		name: "show", args: "CHANNEL_ID/TS", reader: true, run: runShow,
		summary: "show one message with all that is known of it",
		about: `
Shows every version of a message that was read, the thread it belongs to, its file, and its custody record: which entry
of the archive holds it, when and in which run it was read. A channel's name does as well, where only one has it. With
--proof it also shows that these entries are in the log of the archive's newest signed checkpoint; with --json the proof
is complete, and docs/verify.md tells how to check it without archiver.`,
		examples: []string{
			"archiver show general/1516195206.000463",
			"archiver show --context 5 general/1516195206.000463",
			"archiver show --json general/1516195206.000463 | jq .custody",
			"archiver show --json --proof general/1516195206.000463 | jq .proof",
		},
		exits: readerExits,
		flags: []cli.Flag{
			&cli.IntFlag{Name: "context", Usage: "show `N` messages before and after"},
			&cli.StringFlag{Name: "tz", Usage: "time `ZONE` of the times shown", DefaultText: "search.time_zone"},
			boolFlag("proof", "prove that each state is in the archive's log"),
		},
	}
}

func runShow(ctx context.Context, e *env, c *cli.Context) (err error) {
	loc, err := e.location(c)
	if err != nil {
		return err
	}
	arg, err := oneArgument(c, "message", "archiver show general/1516195206.000463")
	if err != nil {
		return err
	}
	channel, ts, err := splitMessageID(arg)
	if err != nil {
		return err
	}
	if c.Int("context") < 0 {
		return &usageError{"--context: want 0 or more", ""}
	}
	a, err := e.openArchive(ctx, c)
	if err != nil {
		return err
	}
	defer closing(&err, a.Close)
	s, err := gatherShown(ctx, a, channel, ts, c.Int("context"))
	if err != nil {
		return err
	}
	if c.Bool("proof") {
		if err := s.addProof(ctx, a); err != nil {
			return err
		}
	}
	if e.ui.json {
		return s.printJSON(e.ui)
	}
	return s.print(e.ui, loc)
}

// splitMessageID splits at the last slash; ids of channels may hold others.
func splitMessageID(s string) (channel string, ts record.TS, err error) {
	i := strings.LastIndexByte(s, '/')
	if i <= 0 {
		return "", "", &usageError{fmt.Sprintf("%q: want CHANNEL_ID/TS", s), "as in: archiver show general/1516195206.000463"}
	}
	ts, err = record.ParseTS(s[i+1:])
	if err != nil {
		return "", "", &usageError{err.Error(), "as in: archiver show general/1516195206.000463"}
	}
	return record.ChannelID(s[:i]), ts, nil
}

// shown is all that show shows.
type shown struct {
	archive  string // id
	channel  *record.Channel
	message  *record.Message
	thread   []*record.Message // the parent and its comments, when there are comments
	file     *record.File
	before   []*record.Message
	after    []*record.Message
	custody  []custody
	userName map[string]string
	proof    *proofJSON // when it was asked for
}

// proofJSON proves the entries of a message, oldest first. docs/verify.md tells how to check them without archiver.
type proofJSON struct {
	PublicKey string         `json:"public_key"`
	Entries   []merkle.Proof `json:"entries"`
}

func (s *shown) addProof(ctx context.Context, a *storage.Archive) (err error) {
	s.proof = &proofJSON{}
	if s.proof.PublicKey, err = a.PublicKey(ctx); err != nil {
		return err
	}
	s.proof.Entries, err = a.Prove(ctx, s.channel.ID, s.message.TS)
	if errors.Is(err, storage.ErrUnsigned) {
		return withHint(err, "archiver sync ends with a signed checkpoint; is its key missing?")
	}
	return err
}

// custody says which entry of the archive holds a state of the message, and how it came there.
type custody struct {
	What     string `json:"what"` // version, annotation
	Change   uint64 `json:"change"`
	Observed string `json:"observed"`
	Run      uint64 `json:"run"` // 0 when no kept record of a run covers the time
	SHA256   string `json:"sha256,omitzero"`
}

func gatherShown(ctx context.Context, a *storage.Archive, channel string, ts record.TS, context int) (*shown, error) {
	c, err := findChannel(ctx, a, channel)
	if err != nil {
		return nil, err
	}
	s := &shown{archive: a.ID(), channel: c}
	s.message, err = a.Message(ctx, c.ID, ts)
	if err != nil {
		return nil, explainMissing(err, c, ts)
	}
	if s.message.FileID != "" {
		s.file, err = a.File(ctx, c.ID, s.message.FileID, 0)
		if err != nil && !errors.Is(err, storage.ErrNotFound) {
			return nil, err
		}
	}
	return s, errors.Join(s.addThread(ctx, a), s.addContext(ctx, a, context), s.addCustody(ctx, a), s.addUsers(ctx, a))
}

// findChannel gives the channel with an id, or the only one with a name.
func findChannel(ctx context.Context, a *storage.Archive, idOrName string) (*record.Channel, error) {
	c, err := a.Channel(ctx, idOrName)
	if !errors.Is(err, storage.ErrNotFound) {
		return c, err
	}
	var found []*record.Channel
	for c, err := range a.Channels(ctx, 0) {
		if err != nil {
			return nil, err
		}
		if c.Name == idOrName {
			found = append(found, c)
		}
	}
	switch len(found) {
	case 0:
		return nil, withHint(fmt.Errorf("channel %s: %w", idOrName, storage.ErrNotFound), "archiver status lists the channels with their ids")
	case 1:
		return found[0], nil
	}
	return nil, &usageError{fmt.Sprintf("channel %s: %d channels have that name", idOrName, len(found)), "use the id, as archiver status lists it"}
}

func explainMissing(err error, c *record.Channel, ts record.TS) error {
	if !errors.Is(err, storage.ErrNotFound) {
		return err
	}
	return withHint(fmt.Errorf("message %s/%s: %w", c.ID, ts, storage.ErrNotFound), "archiver search finds messages; archiver status says what is archived of %s", c.Name)
}

// addThread reads the message's thread. The registry of threads says whether there is one at all.
func (s *shown) addThread(ctx context.Context, a *storage.Archive) error {
	root := s.message.Thread
	if root == "" {
		threads, err := a.Threads(ctx, s.channel.ID)
		if err != nil {
			return err
		}
		if _, ok := threads[s.message.TS]; !ok {
			return nil
		}
		root = s.message.TS
	}
	for m, err := range a.Messages(ctx, s.channel.ID, storage.Range{From: root}) {
		if err != nil {
			return err
		}
		if m.TS == root || m.Thread == root {
			s.thread = append(s.thread, m)
		}
	}
	return nil
}

// addContext reads n main messages before the message (or its thread) and n after.
func (s *shown) addContext(ctx context.Context, a *storage.Archive, n int) error {
	if n == 0 {
		return nil
	}
	at := s.message.TS
	if s.message.Thread != "" {
		at = s.message.Thread
	}
	totals, err := a.Totals(ctx, s.channel.ID)
	if err != nil {
		return err
	}
	for span := int64(3600); len(s.before) < n; span *= 8 {
		from := max(at.Second()-span, 0)
		r := storage.Range{From: record.MakeTS(from, 0), To: at}
		if s.before, err = mainMessages(a.Messages(ctx, s.channel.ID, r), at, -n); err != nil {
			return err
		}
		if from <= totals.First.Second() {
			break
		}
	}
	s.after, err = mainMessages(a.Messages(ctx, s.channel.ID, storage.Range{From: at}), at, n)
	return err
}

// mainMessages gives the first n main messages but the one at, or the last -n.
func mainMessages(messages iter.Seq2[*record.Message, error], at record.TS, n int) ([]*record.Message, error) {
	var found []*record.Message
	for m, err := range messages {
		if err != nil {
			return nil, err
		}
		if m.Thread != "" || m.TS == at {
			continue
		}
		found = append(found, m)
		switch {
		case n > 0 && len(found) == n:
			return found, nil
		case n < 0 && len(found) > -n:
			found = slices.Delete(found, 0, 1)
		}
	}
	return found, nil
}

func (s *shown) addCustody(ctx context.Context, a *storage.Archive) error {
	runs, err := a.Runs(ctx, 100_000)
	if err != nil {
		return err
	}
	for _, v := range s.message.Versions {
		s.custody = append(s.custody, custody{"version", v.Change, stampMillis(v.Observed), runAt(runs, v.Observed), v.SHA256})
	}
	for _, n := range s.message.Annotations {
		what := "annotation: " + strings.Join(n.What, ", ")
		s.custody = append(s.custody, custody{what, n.Change, stampMillis(n.Observed), runAt(runs, n.Observed), ""})
	}
	slices.SortFunc(s.custody, func(a, b custody) int { return int(int64(a.Change) - int64(b.Change)) })
	return nil
}

func stampMillis(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

// runAt gives the run that was under way at a time. runs are newest first.
func runAt(runs []storage.Run, at time.Time) uint64 {
	for _, r := range runs {
		if !r.Started.Truncate(time.Millisecond).After(at) {
			return r.ID
		}
	}
	return 0
}

func (s *shown) addUsers(ctx context.Context, a *storage.Archive) error {
	s.userName = map[string]string{}
	for u, err := range a.Users(ctx, 0) {
		if err != nil {
			return err
		}
		s.userName[u.ID] = u.Name
	}
	return nil
}

// shownJSON is `show --json`. Messages and the file are as dump prints them.
type shownJSON struct {
	Message     jsontext.Value   `json:"message"`
	ChannelName string           `json:"channel_name"`
	UserName    string           `json:"user_name"`
	Time        string           `json:"time"`
	Thread      []jsontext.Value `json:"thread"` // the parent first
	File        jsontext.Value   `json:"file"`
	Before      []jsontext.Value `json:"before"`
	After       []jsontext.Value `json:"after"`
	Custody     custodyJSON      `json:"custody"`
	Proof       *proofJSON       `json:"proof,omitzero"` // with --proof
}

type custodyJSON struct {
	Archive string    `json:"archive"` // id
	Entries []custody `json:"entries"`
}

func (s *shown) printJSON(u *ui) error {
	o := shownJSON{
		ChannelName: s.channel.Name, UserName: s.nameOf(s.message.User), Time: stamp(s.message.TS.Time()),
		File: jsontext.Value("null"), Custody: custodyJSON{s.archive, s.custody}, Proof: s.proof,
	}
	var err error
	if o.Message, err = s.message.Dump(false); err != nil {
		return err
	}
	if s.file != nil {
		if o.File, err = s.file.Dump(false); err != nil {
			return err
		}
	}
	for _, list := range []struct {
		from []*record.Message
		to   *[]jsontext.Value
	}{{s.thread, &o.Thread}, {s.before, &o.Before}, {s.after, &o.After}} {
		for _, m := range list.from {
			line, err := m.Dump(false)
			if err != nil {
				return err
			}
			*list.to = append(*list.to, line)
		}
	}
	return u.object(o)
}

func (s *shown) nameOf(user string) string { return firstNonEmpty(s.userName[user], user) }
