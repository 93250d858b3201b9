package main

import (
	"fmt"
	"io"
	"strings"
	"time"

	"archiver/internal/record"

	"github.com/jedib0t/go-pretty/v6/table"
)

// print shows a message for people.
func (s *shown) print(u *ui, loc *time.Location) error {
	err := writeAll(u.out, func(w io.Writer) {
		s.writeHead(w, loc)
		s.writeMessages(w, "before", s.before, loc)
		s.writeVersions(w, loc)
		s.writeFile(w)
		s.writeProof(w)
		s.writeMessages(w, "thread", s.thread, loc)
		s.writeMessages(w, "after", s.after, loc)
		fmt.Fprintf(w, "\ncustody, archive %s\n", s.archive)
	})
	if err != nil {
		return err
	}
	rows := make([]table.Row, 0, len(s.custody))
	for _, c := range s.custody {
		rows = append(rows, table.Row{c.Change, printable(c.What), c.Observed, c.Run, c.SHA256})
	}
	return u.table(table.Row{"change", "what", "observed", "run", "sha256 of the state"}, rows)
}

func (s *shown) writeHead(w io.Writer, loc *time.Location) {
	m := s.message
	fmt.Fprintf(w, "message  %s\nchannel  %s (%s)\nfrom     %s\ntime     %s\nkind     %s\n", m.ID(),
		printable(s.channel.Name), s.channel.State, s.person(m.User), m.TS.Time().In(loc).Format("2006-01-02 15:04:05 MST"), m.Kind)
	if m.Thread != "" {
		fmt.Fprintf(w, "comment  on %s/%s\n", m.Channel, m.Thread)
	}
	if m.Edited {
		fmt.Fprint(w, "edited   as the server marks it\n")
	}
	if d := m.Deleted; d != nil {
		fmt.Fprintf(w, "deleted  last seen %s, first missing %s\n", stampMillis(d.LastSeen), stampMillis(d.FirstMissing))
	}
}

// person is a user as people know them.
func (s *shown) person(id string) string {
	switch name := s.nameOf(id); {
	case id == "":
		return "(nobody)"
	case name != id:
		return fmt.Sprintf("%s <%s>", printable(name), printable(id))
	}
	return printable(id)
}

func (s *shown) writeVersions(w io.Writer, loc *time.Location) {
	for i, v := range s.message.Versions {
		switch {
		case len(s.message.Versions) == 1 && v.Text == "":
			return
		case len(s.message.Versions) == 1:
			fmt.Fprint(w, "\ntext\n")
		default:
			fmt.Fprintf(w, "\nversion %d of %d, read %s\n", i+1, len(s.message.Versions), v.Observed.In(loc).Format("2006-01-02 15:04:05 MST"))
		}
		fmt.Fprintf(w, "%s\n", printableText(v.Text, "    "))
	}
}

func (s *shown) writeFile(w io.Writer) {
	if s.message.FileID == "" {
		return
	}
	if s.file == nil {
		fmt.Fprintf(w, "\nfile %s, of which nothing else is known\n    %s\n", s.message.FileID, printable(s.message.FileName))
		return
	}
	fmt.Fprintf(w, "\nfile %s, %s\n    %s, %s%s\n", s.file.ID, s.file.State, printable(s.file.Name), size(s.file.Size), reason(s.file))
	for _, v := range s.file.Versions {
		fmt.Fprintf(w, "    sha256 %s, %s, read %s\n", v.SHA256, size(v.Size), stampMillis(v.Observed))
	}
}

func reason(f *record.File) string {
	if f.Reason == "" {
		return ""
	}
	return ": " + printable(f.Reason)
}

// writeMessages lists messages, a line each.
func (s *shown) writeMessages(w io.Writer, title string, messages []*record.Message, loc *time.Location) {
	if len(messages) == 0 {
		return
	}
	fmt.Fprintf(w, "\n%s\n", title)
	for _, m := range messages {
		here := "  "
		if m.TS == s.message.TS {
			here = "> "
		}
		var marks strings.Builder
		if m.Deleted != nil {
			marks.WriteString("[deleted] ")
		}
		if len(m.Versions) > 1 {
			fmt.Fprintf(&marks, "[%d versions] ", len(m.Versions))
		}
		fmt.Fprintf(w, "  %s%s  %s  %s: %s%s\n", here, m.TS.Time().In(loc).Format(time.DateTime), m.TS,
			printable(s.nameOf(m.User)), marks.String(), truncate(printable(firstNonEmpty(m.Text, m.FileName)), 100))
	}
}

// writeProof says what proves the message to be in the archive.
func (s *shown) writeProof(w io.Writer) {
	if s.proof == nil {
		return
	}
	fmt.Fprint(w, "\nproof, checked against the checkpoint below (--json has it whole)\n")
	for i, p := range s.proof.Entries {
		fmt.Fprintf(w, "    state %d: record %d of %d in commit %d of %d\n", i+1, p.Batch.Index+1, p.Batch.Size, p.Log.Index+1, p.Log.Size)
	}
	fmt.Fprintf(w, "    public key %s\n\n%s\n", s.proof.PublicKey, printableText(s.proof.Entries[0].Checkpoint, "    "))
}
