package export

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"archiver/internal/record"

	"github.com/google/go-cmp/cmp"
)

func TestDetails(t *testing.T) {
	at := func(seconds int64) time.Time { return time.Unix(seconds, 0).UTC() }
	for raw, want := range map[string]details{
		`{"text":"plain"}`: {},
		`{"text":"x","edited":{"user":"bob@x","ts":"1516117700.000003"}}`: {edited: editDetail{at(1516117700), "bob@x"}},
		`{"text":"x","edited":{"ts":1516117700}}`:                         {edited: editDetail{at: at(1516117700)}},
		`{"text":"x","edited":true}`:                                      {},
		`{"text":"x","edited":{"user":7,"ts":"soon"}}`:                    {edited: editDetail{by: "7"}},
		`{"text":"x","reactions":[{"name":"ok","count":"2","users":["a@x",{"id":"b@x"},{"name":"c@x"},[],null]},7,{"name":""}]}`: {
			reactions: []reactionDetail{{"ok", 2, []string{"a@x", "b@x", "c@x"}}, {}},
		},
		`{"text":"f()","subtype":"code_block","language":"go"}`: {language: "go"},
		`{"subtype":"event","ts":"1.0","event":{"id":"5a5f4de4000a","title":"Review","start":"1516117587","end":null}}`: {
			event: &eventDetail{id: "5a5f4de4000a", title: "Review", start: at(1516117587)},
		},
		`{"subtype":"event","event":[]}`: {},
		`{"subtype":"conference","conference":{"meeting_id":"584355239@h","title":"Call","organizer":{"name":"Ann"},` +
			`"start_date_time":1516117587,"password":"secret"}}`: {
			conference: &conferenceDetail{id: "584355239", title: "Call", organizer: "Ann", start: at(1516117587)},
		},
		`{"subtype":"conference","conference":{"title":"Call"}}`:                                 {conference: &conferenceDetail{title: "Call"}},
		`{"subtype":"pinned_item","item":{"type":"message","ts":"1516117587.1"},"user":"ann@x"}`: {pinned: "1516117587.100000"},
		`{"subtype":"pinned_item","item":"1516117587.1"}`:                                        {},
		`{"subtype":"code_block","language":`:                                                    {},
	} {
		got := detailsOf(message("chan-a", "1500000000.000000", "", raw).Message)
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(details{}, editDetail{}, reactionDetail{}, eventDetail{}, conferenceDetail{})); diff != "" {
			t.Errorf("%s: %s", raw, diff)
		}
		if strings.Contains(fmt.Sprint(got, got.conference), "secret") {
			t.Errorf("%s: a password is shown", raw)
		}
	}
}

func TestMessagesWithoutDetailsAreNotRead(t *testing.T) {
	m := message("chan-a", "1500000000.000000", "", `{"text":"x","language":"go"}`).Message
	if hasDetails(m) || detailsOf(m).language != "" {
		t.Error("a plain message was read")
	}
	m.Kind = record.KindCode
	if detailsOf(m).language != "go" {
		t.Error("code was not read")
	}
}
