package export

import (
	"embed"
	"fmt"
	"html/template"
	"io"
	"strings"
	texttemplate "text/template"
	"time"

	"archiver/internal/bag"
	"archiver/internal/record"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Custody says who made an export, of what and for whom. What is not known stays empty.
type Custody struct {
	Matter       string `json:"matter"`       // case or request number
	Description  string `json:"description"`  //
	RequestedBy  string `json:"requested_by"` //
	ApprovedBy   string `json:"approved_by"`  // a second person
	Organization string `json:"organization"` // that hands over
	Contact      string `json:"contact"`      //
	RunBy        string `json:"run_by"`       // account on the computer
	Host         string `json:"host"`         // the computer
	Source       Origin `json:"source"`
	Tool         Tool   `json:"tool"`
}

// Origin is the system that the records were collected from.
type Origin struct {
	Product string `json:"product"`
	Server  string `json:"server"` // URL, "" if it is not configured any more
	API     string `json:"api"`
	Account string `json:"account"` // that reads
}

// Tool is the program that made an export.
type Tool struct {
	Name    string `json:"name"`
	Version string `json:"version"`
	Commit  string `json:"commit"`
	Go      string `json:"go"`
}

// State is what an archive was when it was exported from. It is told, not proven.
type State struct {
	Size         int64             `json:"size"`          // leaves of the log
	Root         string            `json:"root"`          // of the log, base64; "" if there is none
	Signed       int64             `json:"signed"`        // size of the log at the newest checkpoint
	PublicKey    string            `json:"public_key"`    // that checkpoints are checked with
	FirstRun     string            `json:"first_sync"`    // begin of the earliest run that is recorded, RFC 3339 UTC
	LastRun      string            `json:"last_sync"`     // end of the latest
	LastComplete string            `json:"last_complete"` // end of the latest that was complete
	Coverage     []ChannelCoverage `json:"coverage"`      // of the channels in scope
}

// ChannelCoverage says how much of a channel is in the archive.
type ChannelCoverage struct {
	ID      string                 `json:"id"`
	Name    string                 `json:"name"`
	State   record.ChannelPresence `json:"state"`
	First   record.TS              `json:"first"` // of the earliest main message
	Last    record.TS              `json:"last"`
	Audited string                 `json:"audited"` // when all of it had been read again
	Gaps    []record.Interval      `json:"gaps"`
	Debts   int                    `json:"debts"` // threads, files and lists that are still to be read
}

// custodyVersion is raised when a reader of custody.json must know of a change.
const custodyVersion = 1

// custodyRecord is custody.json.
type custodyRecord struct {
	Version     int              `json:"version"`
	ID          string           `json:"export_id"`
	Custody     Custody          `json:"custody"`
	Selection   Selection        `json:"selection"`
	QuerySHA256 string           `json:"query_sha256"`
	Formats     []string         `json:"formats"`
	Rendering   Rendering        `json:"rendering"`
	Archive     State            `json:"archive"`
	Counts      Counts           `json:"counts"`
	First       string           `json:"first"`
	Last        string           `json:"last"`
	Channels    []ChannelCount   `json:"channels"`
	Custodians  []UserCount      `json:"custodians"`
	Duplicates  *DuplicateCounts `json:"duplicates,omitzero"`
	Notes       []Note           `json:"notes"`
	Exceptions  []Note           `json:"exceptions"`
	Payload     payloadRecord    `json:"payload"`
	Times       timesRecord      `json:"times"`
	Signature   signatureInfo    `json:"signature"`
	Proofs      *ProofSummary    `json:"proofs"`
	Transfers   []transfer       `json:"transfers"`
}

// payloadRecord describes everything below data/ but data/custody.
type payloadRecord struct {
	Files  int    `json:"files"`
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"` // see contentDigest
}

type timesRecord struct {
	Started  string `json:"started"`
	Finished string `json:"finished"`
	Clock    string `json:"clock"`
}

type signatureInfo struct {
	Algorithm string `json:"algorithm"` // "" if the export is not signed
	PublicKey string `json:"public_key"`
	File      string `json:"file"`
	Signs     string `json:"signs"`
}

// transfer is a row to be filled in by hand whenever the export goes from one to another.
type transfer struct {
	When     string `json:"when"`
	From     string `json:"from"`
	To       string `json:"to"`
	Medium   string `json:"medium"`
	Seal     string `json:"seal"`
	Reason   string `json:"reason"`
	Verified string `json:"hash_verified"`
}

// emptyTransfers is how many rows there are to fill in.
const emptyTransfers = 5

// timeFormat is how the bundle writes moments: RFC 3339 UTC, milliseconds.
const timeFormat = "2006-01-02T15:04:05.000Z"

//go:embed templates
var templates embed.FS

// writeTexts writes what tells people what the bundle is and how to check it.
func (b *bundle) writeTexts(s *Summary) error {
	for _, name := range []string{"README.txt", "VERIFY.txt"} {
		t, err := texttemplate.ParseFS(templates, "templates/"+name)
		if err == nil {
			err = b.render("data/"+name, func(w io.Writer) error { return t.Execute(w, s) })
		}
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

// render writes a file with what execute writes.
func (b *bundle) render(path string, execute func(io.Writer) error) error {
	out, err := b.create(path)
	if err != nil {
		return err
	}
	if err := execute(out); err != nil {
		return err
	}
	_, _, err = out.close()
	return err
}

// writeCustody writes the custody record, for machines and for people, and the draft of a certification. All else of the
// payload must be there.
func (b *bundle) writeCustody(o Options, s *Summary) error {
	r := newCustodyRecord(o, s, b.written)
	s.Content = r.Payload.SHA256
	if err := b.putJSON(custodyFolder+"custody.json", r); err != nil {
		return err
	}
	pages, err := template.New("").Funcs(template.FuncMap{"join": strings.Join}).ParseFS(templates, "templates/*.html")
	if err != nil {
		return err
	}
	for _, name := range []string{"custody.html", "certification-902-14.html"} {
		err := b.render(custodyFolder+name, func(w io.Writer) error { return pages.ExecuteTemplate(w, name, r) })
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

// putJSON writes a file with the JSON of a value, for people to read as well.
func (b *bundle) putJSON(path string, value any) error {
	return b.render(path, func(w io.Writer) error {
		if err := json.MarshalWrite(w, value, jsontext.WithIndent("  "), jsontext.AllowInvalidUTF8(true)); err != nil {
			return err
		}
		_, err := io.WriteString(w, "\n")
		return err
	})
}

func newCustodyRecord(o Options, s *Summary, written []bag.File) *custodyRecord {
	r := &custodyRecord{
		Version: custodyVersion, ID: s.ID, Custody: o.Custody, Selection: s.Selection, QuerySHA256: queryDigest(s.Selection),
		Formats: s.Formats, Rendering: o.Rendering, Archive: o.State, Counts: s.Counts, First: s.First, Last: s.Last,
		Channels: s.Channels, Custodians: s.Custodians, Duplicates: s.Duplicates, Notes: s.Notes, Exceptions: s.Exceptions, Proofs: s.Proofs,
		Times:     timesRecord{s.Started.Format(timeFormat), s.Finished.Format(timeFormat), "of the computer that ran the export"},
		Transfers: make([]transfer, emptyTransfers),
	}
	bag.Sort(written)
	r.Payload.SHA256 = contentDigest(written)
	for i := range written {
		if written[i].IsPayload() && !strings.HasPrefix(written[i].Path, custodyFolder) {
			r.Payload.Files, r.Payload.Bytes = r.Payload.Files+1, r.Payload.Bytes+written[i].Bytes
		}
	}
	if o.Key != nil {
		r.Signature = signatureInfo{"minisign: Ed25519 over BLAKE2b-512", o.Key.Public(), SignatureFile, SignedFile}
	}
	return r
}

func formatTime(t time.Time) string { return t.UTC().Format(timeFormat) }
