package export

import (
	_ "embed"
	"encoding/base64"
	"errors"

	"archiver/internal/lenient"
	"archiver/internal/record"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// ndjsonSchema is the JSON Schema of a line.
//
//go:embed ndjson.schema.json
var ndjsonSchema []byte

// ndjson writes the lossless form: the dump's record of each object with more beside it, one object a line, LF.
//
// A line is in the form of RFC 8785 (members sorted, nothing insignificant), so that the SHA-256 of a line stands for
// the record. Only the member raw is as it was received. Beyond the dump's members there are
//
//	seq     change number of the newest entry (all records)
//	raw     newest object as received, of channels without what moves by itself; null with raw_base64 beside it when
//	        it is no valid UTF-8 JSON (all records)
//	reason  why the message is in the export (messages)
//	email   (users)
//	paths   where the bundle has the content of each version, null where it has not (files)
//
// The bundle has the schema of all lines beside them.
type ndjson struct {
	frame                            *frame
	channels, users, messages, files lines
	line                             []byte // of a message
}

// lines is a file of records, one a line.
type lines struct {
	out     *output
	encoder *jsontext.Encoder
}

func newNDJSON(f *frame) (sink, error) {
	w := &ndjson{frame: f}
	return w, errors.Join(f.bundle.put("data/ndjson/schema.json", ndjsonSchema),
		w.channels.create(f.bundle, "channels"), w.users.create(f.bundle, "users"),
		w.messages.create(f.bundle, "messages"), w.files.create(f.bundle, "files"))
}

func (l *lines) create(b *bundle, name string) (err error) {
	l.out, err = b.create("data/ndjson/" + name + ".ndjson")
	if err != nil {
		return err
	}
	l.encoder = jsontext.NewEncoder(l.out, lenient.Options, jsontext.PreserveRawStrings(true))
	return nil
}

// write writes one line. The encoder ends it.
func (l *lines) write(line any) error { return json.MarshalEncode(l.encoder, line) }

func (w *ndjson) close() error {
	for _, l := range []lines{w.channels, w.users, w.messages, w.files} {
		if _, _, err := l.out.close(); err != nil {
			return err
		}
	}
	return nil
}

// The fields of the lines stand in the order of their names.

type channelLine struct {
	ID        string                 `json:"id"`
	Members   []string               `json:"members"`
	Name      string                 `json:"name"`
	Names     []string               `json:"names"`
	Raw       jsontext.Value         `json:"raw"`
	RawBase64 string                 `json:"raw_base64,omitzero"`
	Record    string                 `json:"record"`
	Seq       uint64                 `json:"seq"`
	State     record.ChannelPresence `json:"state"`
}

func (w *ndjson) channel(c *record.Channel) error {
	raw, coded := rawMembers(c.Raw)
	return w.channels.write(&channelLine{
		ID: c.ID, Members: c.Members, Name: c.Name, Names: c.Names, Raw: raw, RawBase64: coded, Record: "channel",
		Seq: c.Change, State: c.State,
	})
}

type userLine struct {
	Email     string         `json:"email"`
	ID        string         `json:"id"`
	Name      string         `json:"name"`
	Raw       jsontext.Value `json:"raw"`
	RawBase64 string         `json:"raw_base64,omitzero"`
	Record    string         `json:"record"`
	Seq       uint64         `json:"seq"`
}

func (w *ndjson) user(u *record.User) error {
	raw, coded := rawMembers(u.Raw)
	return w.users.write(&userLine{
		Email: u.Email, ID: u.ID, Name: u.Name, Raw: raw, RawBase64: coded, Record: "user", Seq: u.Change,
	})
}

func (w *ndjson) message(item Item) error {
	w.line = AppendMessageLine(w.line[:0], item)
	_, err := w.messages.out.Write(w.line)
	return err
}

type fileLine struct {
	Channel   string              `json:"channel"`
	ID        string              `json:"id"`
	Name      string              `json:"name"`
	Paths     []*string           `json:"paths"`
	Raw       jsontext.Value      `json:"raw"`
	RawBase64 string              `json:"raw_base64,omitzero"`
	Reason    string              `json:"reason"`
	Record    string              `json:"record"`
	Seq       uint64              `json:"seq"`
	Size      int64               `json:"size"`
	State     record.FilePresence `json:"state"`
	Versions  []revisionPart      `json:"versions"`
}

type revisionPart struct {
	Observed string `json:"observed"`
	SHA256   string `json:"sha256"`
	Size     int64  `json:"size"`
}

func (w *ndjson) file(f *record.File) error {
	raw, coded := rawMembers(f.Raw)
	line := fileLine{
		Channel: f.Channel, ID: f.ID, Name: f.Name, Raw: raw, RawBase64: coded, Reason: f.Reason, Record: "file",
		Seq: f.Change, Size: f.Size, State: f.State,
	}
	for _, v := range f.Versions {
		line.Versions = append(line.Versions, revisionPart{formatTime(v.Observed), v.SHA256, v.Size})
		line.Paths = append(line.Paths, nil)
		if path := w.frame.contents.path(v.SHA256); path != "" {
			line.Paths[len(line.Paths)-1] = &path
		}
	}
	return w.files.write(&line)
}

// rawMembers gives an object as received, or null and its bytes in base64 where a line cannot hold it.
func rawMembers(raw []byte) (value jsontext.Value, coded string) {
	switch {
	case record.ValidJSON(raw):
		return raw, ""
	case len(raw) == 0:
		return jsontext.Value("null"), ""
	default:
		return jsontext.Value("null"), base64.StdEncoding.EncodeToString(raw)
	}
}
