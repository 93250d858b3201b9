package rsmf

import (
	"mime"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"
)

// read is a manifest as the rules look at it. Members that are not as the schema wants them stay zero.
type read struct {
	Version       string
	Participants  []struct{ ID, Display, Avatar string }
	Conversations []readConversation
	Events        []readEvent
}

type readConversation struct {
	ID, Type, Custodian, Icon string
	Participants              []string
}

type readEvent struct {
	ID, Type, Parent, Participant, Conversation, Timestamp string
	Reactions                                              []struct{ Participants []string }
	Attachments                                            []struct{ ID string }
	Edits                                                  []struct{ Participant, Timestamp string }
	ReadReceipts                                           []struct{ Participant string } `json:"read_receipts"`
}

// manifest checks rsmf_manifest.json and tells whether it is as the schema wants it: only then the other rules say
// anything.
func (c *checker) manifest(content []byte) bool {
	text, _, err := transform.Bytes(unicode.BOMOverride(transform.Nop), content) // UTF-16 is accepted
	if err != nil {
		c.fail("ManifestUnreadable", "%v", err)
		return false
	}
	var tree any
	if err := json.Unmarshal(text, &tree, jsontext.AllowInvalidUTF8(true)); err != nil {
		c.fail("ManifestUnreadable", "%v", err)
		return false
	}
	version := versionOf(tree)
	if version != Version1 && version != Version2 {
		c.fail("ManifestVersion", "version %q is not supported", version)
	}
	before := len(c.findings)
	c.check(manifestShape(version), tree, "")
	if slices.ContainsFunc(c.findings[before:], func(f Finding) bool { return f.Severity == Error }) {
		return false
	}
	var m read
	if err := json.Unmarshal(text, &m, jsontext.AllowInvalidUTF8(true), json.MatchCaseInsensitiveNames(true)); err != nil {
		c.fail("ManifestUnreadable", "%v", err)
		return false
	}
	c.headers(&m)
	c.lists(&m)
	c.conversations(&m)
	newEventRules(c, &m).check()
	return true
}

func versionOf(tree any) string {
	object, _ := tree.(map[string]any)
	version, _ := object["version"].(string)
	return version
}

// lists checks ids and lengths.
func (c *checker) lists(m *read) {
	var people, conversations, events []string
	for _, p := range m.Participants {
		people = append(people, p.ID)
		c.refer("ZipAvatarMissing", p.Avatar)
	}
	for _, v := range m.Conversations {
		conversations = append(conversations, v.ID)
		c.refer("ZipAvatarMissing", v.Icon)
	}
	for _, e := range m.Events {
		events = append(events, e.ID)
	}
	c.unique("participants", people, MaxParticipants)
	c.unique("conversations", conversations, 0)
	c.unique("events", events, MaxEvents)
}

// unique checks the ids of a list. Above limit, if there is one, the validator warns.
func (c *checker) unique(list string, ids []string, limit int) {
	if len(ids) == 0 {
		c.warn("ManifestEmptyList", "%s", list)
	}
	if limit > 0 && len(ids) > limit {
		c.warn("ManifestTooMany", "%d %s", len(ids), list)
	}
	seen := make(map[string]bool, len(ids))
	for _, id := range ids {
		if seen[id] && id != "" {
			c.fail("DuplicateId", "%s: %q", list, id)
		}
		seen[id] = true
	}
}

// refer notes that something refers to a file of rsmf.zip.
func (c *checker) refer(rule, name string) {
	if name == "" {
		return
	}
	if _, has := c.files[name]; !has {
		c.warn(rule, "%q", name)
		return
	}
	c.files[name] = true
}

func (c *checker) conversations(m *read) {
	people := map[string]bool{}
	for _, p := range m.Participants {
		people[p.ID] = true
	}
	for _, v := range m.Conversations {
		has := func(e readEvent) bool { return e.Conversation == v.ID }
		if v.Type == Direct && !slices.ContainsFunc(m.Events, has) {
			c.warn("ManifestConversationWithoutEvents", "%q", v.ID)
		}
		for _, id := range v.Participants {
			if !people[id] {
				c.warn("ManifestParticipantUndefined", "conversation %q: participant %q", v.ID, id)
			}
		}
		if v.Custodian != "" && !slices.Contains(v.Participants, v.Custodian) {
			c.warn("ManifestCustodian", "%q is no member of conversation %q", v.Custodian, v.ID)
		}
	}
}

// headers compares the headers with the manifest.
func (c *checker) headers(m *read) {
	if v := c.header.Get("X-RSMF-Version"); v != "" && v != m.Version {
		c.warn("RSMFHeaderVersionMismatch", "header %q, manifest %q", v, m.Version)
	}
	if v := c.header.Get("X-RSMF-EventCount"); v != "" {
		if n, err := strconv.Atoi(v); err != nil || n != len(m.Events) {
			c.warn("RSMFHeaderEventCountMismatch", "header %q, %d events", v, len(m.Events))
		}
	}
	if v := c.header.Get("X-RSMF-AttachmentCount"); v != "" {
		if n, err := strconv.Atoi(v); err != nil || n < 0 {
			c.warn("RSMFInvalidHeaderValue", "X-RSMF-AttachmentCount %q", v)
		}
	}
	first, last := bounds(m.Events)
	c.headerTime("X-RSMF-BeginDate", "RSMFHeaderBeginDateMismatch", first)
	c.headerTime("X-RSMF-EndDate", "RSMFHeaderEndDateMismatch", last)
	if v := c.header.Get("X-RSMF-Participants"); v != "" {
		c.headerParticipants(v, m)
	}
}

func bounds(events []readEvent) (first, last time.Time) {
	for _, e := range events {
		t, ok := parseTime(e.Timestamp)
		if !ok {
			continue
		}
		if first.IsZero() || t.Before(first) {
			first = t
		}
		if t.After(last) {
			last = t
		}
	}
	return first, last
}

// parseTime reads a timestamp; one without an offset is taken as UTC.
func parseTime(s string) (time.Time, bool) {
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05"} {
		if t, err := time.Parse(layout, s); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}

func (c *checker) headerTime(name, rule string, want time.Time) {
	v := c.header.Get(name)
	if v == "" {
		return
	}
	t, err := time.Parse(time.RFC3339, v)
	switch {
	case err != nil:
		c.warn("RSMFInvalidHeaderValue", "%s %q is no time with an offset", name, v)
	case !t.Equal(want):
		c.warn(rule, "header %s, manifest %s", v, want.Format(time.RFC3339Nano))
	}
}

// headerParticipants compares names. The validator decodes no encoded words before it compares, so that they never fit.
func (c *checker) headerParticipants(v string, m *read) {
	var want, got []string
	for _, p := range m.Participants {
		want = append(want, p.Display)
	}
	for name := range strings.SplitSeq(v, ",") {
		got = append(got, strings.TrimSpace(name))
	}
	slices.Sort(want)
	slices.Sort(got)
	if slices.Equal(slices.Compact(want), slices.Compact(got)) {
		return
	}
	detail := "they are not those of the manifest"
	if decoded, err := new(mime.WordDecoder).DecodeHeader(v); err == nil && decoded != v {
		detail = "encoded words"
	}
	c.warn("RSMFHeaderParticipantsMismatch", "%s", detail)
}
