package record

import (
	"encoding/base64"
	"time"

	"archiver/internal/lenient"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// The dump's records: one line of JSON an object. A stable line leaves out all that depends on when runs happened, so
// that two archives that saw the same states give the same bytes.

type channelLine struct {
	Record    string          `json:"record"`
	ID        string          `json:"id"`
	Name      string          `json:"name"`
	Names     []string        `json:"names"`
	State     ChannelPresence `json:"state"`
	Members   []string        `json:"members"`
	MovedTo   string          `json:"moved_to,omitzero"`
	MovedFrom string          `json:"moved_from,omitzero"`
}

type userLine struct {
	Record string `json:"record"`
	ID     string `json:"id"`
	Name   string `json:"name"`
}

type messageLine struct {
	Record      string            `json:"record"`
	Channel     string            `json:"channel"`
	TS          TS                `json:"ts"`
	Thread      TS                `json:"thread_ts"`
	User        string            `json:"user"`
	Kind        Kind              `json:"kind"`
	Text        string            `json:"text"`
	Versions    []versionLine     `json:"versions"`
	Annotations *[]annotationLine `json:"annotations,omitzero"`
	Deleted     any               `json:"deleted"`
	File        *string           `json:"file"`
	Raw         jsontext.Value    `json:"raw,omitzero"`
	RawBase64   string            `json:"raw_base64,omitzero"`
}

type versionLine struct {
	Text     string `json:"text"`
	SHA256   string `json:"sha256"`
	Observed string `json:"observed,omitzero"`
}

type annotationLine struct {
	What     []string `json:"what"`
	Observed string   `json:"observed"`
	Pinned   *bool    `json:"pinned,omitzero"` // for "pins"
	By       string   `json:"by,omitzero"`     // who pinned, where the server says so
}

type deletionLine struct {
	LastSeen     string `json:"last_seen"`
	FirstMissing string `json:"first_missing"`
}

type fileLine struct {
	Record   string         `json:"record"`
	Channel  string         `json:"channel"`
	ID       string         `json:"id"`
	Name     string         `json:"name"`
	Size     int64          `json:"size"`
	Versions []revisionLine `json:"versions"`
	State    FilePresence   `json:"state"`
	Reason   string         `json:"reason"`
}

type revisionLine struct {
	SHA256   string `json:"sha256"`
	Size     int64  `json:"size"`
	Observed string `json:"observed,omitzero"`
}

func formatTime(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

func observed(t time.Time, stable bool) string {
	if stable {
		return ""
	}
	return formatTime(t)
}

// verbatim writes raw values with the escapes they came with.
var verbatim = json.JoinOptions(lenient.Options, jsontext.PreserveRawStrings(true))

func line(v any) ([]byte, error) { return json.Marshal(v, verbatim) }

// Dump is the channel's line of the dump, without a line end.
func (c *Channel) Dump() ([]byte, error) {
	return line(channelLine{"channel", c.ID, c.Name, c.Names, c.State, c.Members, c.MovedTo, c.MovedFrom})
}

// Dump is the user's line of the dump, without a line end.
func (u *User) Dump() ([]byte, error) { return line(userLine{"user", u.ID, u.Name}) }

// Dump is the message's line of the dump, without a line end.
func (m *Message) Dump(stable bool) ([]byte, error) {
	l := messageLine{
		Record: "message", Channel: m.Channel, TS: m.TS, Thread: m.Thread, User: m.User, Kind: m.Kind, Text: m.Text,
		Versions: make([]versionLine, 0, len(m.Versions)), Deleted: m.deletion(stable),
	}
	for _, v := range m.Versions {
		l.Versions = append(l.Versions, versionLine{v.Text, v.SHA256, observed(v.Observed, stable)})
	}
	if m.FileID != "" {
		l.File = &m.FileID
	}
	if !stable {
		m.addEvidence(&l)
	}
	return line(l)
}

func (m *Message) deletion(stable bool) any {
	switch {
	case m.Deleted == nil:
		return nil
	case stable:
		return true
	default:
		return deletionLine{formatTime(m.Deleted.LastSeen), formatTime(m.Deleted.FirstMissing)}
	}
}

// addEvidence fills in what a stable line leaves out.
func (m *Message) addEvidence(l *messageLine) {
	annotations := make([]annotationLine, 0, len(m.Annotations))
	for _, a := range m.Annotations {
		l := annotationLine{What: a.What, Observed: formatTime(a.Observed)}
		if a.Pin != nil {
			l.Pinned, l.By = &a.Pin.Pinned, a.Pin.User
		}
		annotations = append(annotations, l)
	}
	l.Annotations = &annotations
	if ValidJSON(m.Raw) {
		l.Raw = m.Raw
		return
	}
	l.Raw = jsontext.Value("null")
	l.RawBase64 = base64.StdEncoding.EncodeToString(m.Raw)
}

// Dump is the file's line of the dump, without a line end.
func (f *File) Dump(stable bool) ([]byte, error) {
	l := fileLine{
		Record: "file", Channel: f.Channel, ID: f.ID, Name: f.Name, Size: f.Size,
		Versions: make([]revisionLine, 0, len(f.Versions)), State: f.State, Reason: f.Reason,
	}
	for _, r := range f.Versions {
		l.Versions = append(l.Versions, revisionLine{r.SHA256, r.Size, observed(r.Observed, stable)})
	}
	return line(l)
}
