package rsmf

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestRules breaks one rule after the other.
func TestRules(t *testing.T) {
	for _, tt := range []struct {
		want   string // severity and rule, several with commas
		change func(*Document)
	}{
		{"ERROR DuplicateId", func(d *Document) {
			d.Manifest.Participants[1].ID, d.Manifest.Participants[2].ID = "bob", "bob"
			cut(d, 1)
		}},
		{"ERROR DuplicateId", func(d *Document) {
			d.Manifest.Conversations = append(d.Manifest.Conversations, d.Manifest.Conversations[0])
		}},
		{"ERROR DuplicateId", func(d *Document) { d.Manifest.Events[4].ID = "h1" }},
		{"ERROR ManifestVersion", func(d *Document) { d.Manifest.Version = "2.0.1" }},
		{"ERROR SchemaViolation", func(d *Document) { d.Manifest.Participants[0].ID = "" }},
		{"ERROR SchemaViolation", func(d *Document) { d.Manifest.Participants[0].Email = "nobody" }},
		{"ERROR SchemaViolation", func(d *Document) { d.Manifest.Conversations[0].Platform = "" }},
		{"ERROR SchemaViolation", func(d *Document) { d.Manifest.Conversations[0].Type = "group" }},
		{"ERROR SchemaViolation", func(d *Document) { d.Manifest.Events[0].Type = "Message" }},
		{"ERROR SchemaViolation", func(d *Document) { d.Manifest.Events[0].Reactions[0].Value = "" }},
		{"ERROR SchemaViolation", func(d *Document) { d.Manifest.Events[0].Custom = []Custom{{"a", ""}} }},
		{"ERROR SchemaViolation", func(d *Document) { d.Manifest.Events = nil; d.Manifest.Participants[0].Email = "x" }},
		{"WARN ManifestEmptyList", func(d *Document) {
			d.Manifest.Events = []Event{}
			d.Attachments = nil
			d.Manifest.Conversations[0].Type = Channel
		}},
		{"WARN ManifestConversationWithoutEvents", func(d *Document) {
			d.Manifest.Conversations = append(d.Manifest.Conversations, Conversation{ID: "43", Platform: "x", Type: Direct, Participants: []string{"ada"}})
		}},
		{"WARN ManifestDirectConversation", func(d *Document) { d.Manifest.Conversations[0].Type = Direct }},
		{"WARN ManifestCustodian", func(d *Document) { d.Manifest.Conversations[0].Custodian = "cy" }},
		{"WARN ManifestConversationUndefined", func(d *Document) { d.Manifest.Events[0].Conversation = "44"; d.Manifest.Events[2].Parent = "" }},
		{"WARN ManifestParticipantUndefined", func(d *Document) { d.Manifest.Events[0].Participant = "eve" }},
		{"WARN ManifestParticipantUndefined", func(d *Document) { d.Manifest.Events[3].Participant = "" }},
		{"WARN ManifestParticipantUndefined", func(d *Document) { d.Manifest.Events[0].Edits[0].Participant = "eve" }},
		{"WARN ManifestParticipantUndefined", func(d *Document) { d.Manifest.Events[0].Reactions[0].Participants[0] = "eve" }},
		{"WARN ManifestParticipantUndefined", func(d *Document) {
			d.Manifest.Conversations[0].Participants = append(d.Manifest.Conversations[0].Participants, "eve")
		}},
		{"WARN ManifestParticipantNotMember", func(d *Document) { d.Manifest.Events[0].Participant = "cy" }},
		{"WARN ManifestParticipantNotMember", func(d *Document) { d.Manifest.Events[0].Reactions[0].Participants[0] = "cy" }},
		{"WARN ManifestParticipantNotMember", func(d *Document) { d.Manifest.Events[0].Edits[0].Participant = "cy" }},
		{"WARN ManifestParticipantNotMember", func(d *Document) { d.Manifest.Events[2].Timestamp = stamp(6); d.Manifest.Events[2].Participant = "cy" }},
		{"WARN ManifestEditTime", func(d *Document) { d.Manifest.Events[0].Edits[0].Timestamp = stamp(-1) }},
		{"WARN ManifestParentIdInvalid", func(d *Document) { d.Manifest.Events[2].Parent = "m0" }},
		{"WARN ManifestParentIdInvalid", func(d *Document) { d.Manifest.Events[2].Parent = "m2" }},
		{"WARN ManifestParentLater", func(d *Document) { d.Manifest.Events[2].Parent = "l1" }},
		{"WARN ZipAttachmentMissing", func(d *Document) { d.Manifest.Events[2].Attachments[0].ID = "att00001.TXT" }},
		{"WARN ZipUnreferencedFiles", func(d *Document) { d.Attachments = append(d.Attachments, Attachment{"ATT00003", content("x")}) }},
		{"ERROR ZipIntegrity", func(d *Document) { d.Attachments = append(d.Attachments, Attachment{"a/ATT00003", content("x")}) }},
		{"WARN RSMFMissingBody", func(d *Document) { d.Text = []byte(" \n") }},
		{"WARN RSMFHeaderParticipantsMismatch", func(d *Document) { d.Manifest.Participants[1].Display = "Novak, Bob" }},
		{"WARN RSMFHeaderParticipantsMismatch", func(d *Document) { d.Manifest.Participants[1].Display = "Žofie" }},
		{"", func(d *Document) { d.Manifest.Participants[1].Display = "Žofie"; d.UTF8Headers = true }},
		{"WARN ManifestTooMany", func(d *Document) {
			for i := len(d.Manifest.Events); i <= MaxEvents; i++ {
				d.Manifest.Events = append(d.Manifest.Events, Event{ID: fmt.Sprint(i), Type: Message, Participant: "ada", Conversation: "42", Timestamp: stamp(9)})
			}
		}},
	} {
		d := full()
		tt.change(d)
		if got := strings.Join(rules(Check(strings.NewReader(write(t, d)))), ","); got != tt.want {
			t.Errorf("%q, want %q", got, tt.want)
		}
	}
}

// cut leaves the first n events only.
func cut(d *Document, n int) { d.Manifest.Events = d.Manifest.Events[:n] }

// TestRulesOfTheWrapper changes files as they are written.
func TestRulesOfTheWrapper(t *testing.T) {
	file := write(t, full())
	for _, tt := range []struct{ want, old, new string }{
		{"ERROR RSMFMissingVersion", "X-RSMF-Version: 2.0.0", "X-Other: 2"},
		{"WARN RSMFHeaderVersionMismatch", "X-RSMF-Version: 2.0.0", "X-RSMF-Version: 1.0.0"},
		{"WARN RSMFHeaderEventCountMismatch", "EventCount: 5", "EventCount: 6"},
		{"WARN RSMFHeaderEventCountMismatch", "EventCount: 5", "EventCount: five"},
		{"WARN RSMFHeaderBeginDateMismatch", "BeginDate: 2024-01-15T12:00", "BeginDate: 2024-01-15T12:01"},
		{"WARN RSMFHeaderEndDateMismatch", "EndDate: 2024-01-15T12:05", "EndDate: 2024-01-15T12:06"},
		{"WARN RSMFInvalidHeaderValue", "BeginDate: 2024-01-15T12:00:00.000Z", "BeginDate: 2024-01-15T12:00:00.000"},
		{"", "BeginDate: 2024-01-15T12:00:00.000Z", "BeginDate: 2024-01-15T13:00:00+01:00"},
		{"WARN RSMFInvalidHeaderValue", "AttachmentCount: 3", "AttachmentCount: many"},
		{"", "AttachmentCount: 3", "AttachmentCount: 4"},
		{"WARN RSMFHeaderParticipantsMismatch", "Participants: Ada", "Participants: Eda"},
		{"", "Participants: Ada Novak, Bob, Cy, system", "Participants: system,Bob,\r\n Cy, Ada Novak"},
		{"ERROR RSMFMissingZip", `filename="rsmf.zip"`, `filename="other.zip"`},
		{"ERROR RSMFMissingZip", "multipart/mixed", "text/plain"},
		{"ERROR RSMFMissingZip", "Content-Disposition: attachment", "Content-Disposition: inline"},
		{"ERROR RSMFAttachmentCount", "--" + boundary + "--", "--" + boundary + "\r\nContent-Disposition: attachment; filename=x\r\n\r\nx\r\n--" + boundary + "--"},
		{"ERROR ZipUnreadable", "\r\n\r\nUEsDB", "\r\n\r\nUEsDA=====\r\nUEsDB"},
		{"ERROR RSMFUnreadable", "From: ", "From "},
	} {
		changed := strings.Replace(file, tt.old, tt.new, 1)
		if changed == file {
			t.Errorf("%q is not in the file", tt.old)
		}
		if diff := cmp.Diff(tt.want, strings.Join(rules(Check(strings.NewReader(changed))), ",")); diff != "" {
			t.Errorf("%q: %s", tt.new, diff)
		}
	}
}

func TestRulesOfManifestText(t *testing.T) {
	valid := `{"version":"2.0.0","participants":[{"id":"a"}],"conversations":[{"id":"c","platform":"p","participants":["a"]}],` +
		`"events":[{"type":"message","participant":"a","conversation":"c","timestamp":"2024-01-15T12:00:00.1234567"}]}`
	for _, tt := range []struct{ want, old, new string }{
		{"", "", ""},
		{"", `{"version"`, "\ufeff" + `{"version"`},
		{"ERROR ManifestUnreadable", "}]}", "},]}"},
		{"ERROR SchemaViolation", ".1234567", ".12345678"},
		{"ERROR SchemaViolation", `"2024-01-15T`, `"2024-01-15 `},
		{"", ".1234567", ".1+01:00"},
		{"ERROR SchemaViolation", `"id":"a"`, `"id":"a","email":null`},
		{"ERROR SchemaViolation", `"id":"a"`, `"id":"a","email":""`},
		{"ERROR SchemaViolation", `"id":"a"`, `"id":7`},
		{"ERROR SchemaViolation", `"id":"a"`, `"id":"a","custom":[{"name":"x","value":1}]`},
		{"WARN ManifestUndefinedProperty", `"id":"a"`, `"id":"a","nick":"x"`},
		{"ERROR SchemaViolation", `"events":[`, `"event":[],"events":[7,`},
		{"WARN ZipAvatarMissing", `"id":"a"`, `"id":"a","avatar":"a.png"`},
		{"WARN ManifestParticipantNotMember", `"type":"message"`, `"type":"message","read_receipts":[{"participant":"b"}]`},
	} {
		c := &checker{files: map[string]bool{}}
		c.manifest([]byte(strings.Replace(valid, tt.old, tt.new, 1)))
		got := strings.Join(rules(c.findings), ",")
		if got != tt.want && !(tt.new == `"event":[],"events":[7,` && strings.HasPrefix(got, "WARN ManifestUndefinedProperty,"+tt.want)) {
			t.Errorf("%s: %q, want %q", tt.new, got, tt.want)
		}
	}
}
