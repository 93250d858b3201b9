package doctor

import (
	"bytes"
	"context"
	"fmt"
	"strings"

	"archiver/internal/lenient"
	"archiver/internal/record"

	"github.com/go-json-experiment/json/jsontext"
)

// The methods that are asked more than once.
const (
	methodHistory  = "channels.historyNoComments"
	methodThreads  = "threads.list"
	methodComments = "threads.comments"
	methodItem     = "items.info"
)

// answer is what a call gave, be it a refusal.
type answer struct {
	status   int
	object   map[string]lenient.Raw
	messages []item
	paging   *paging
}

// item is a message of a list.
type item struct {
	ts  record.TS
	raw []byte
}

// paging is what a list says of itself.
type paging struct {
	Count lenient.Int `json:"count"`
	Total lenient.Int `json:"total"`
	Page  lenient.Int `json:"page"`
	Pages lenient.Int `json:"pages"`
}

// ask calls a method once. Parameters are pairs of name and value.
func (s *server) ask(ctx context.Context, method string, parameters ...string) (*answer, error) {
	form := map[string]string{}
	for i := 0; i+1 < len(parameters); i += 2 {
		form[parameters[i]] = parameters[i+1]
	}
	s.o.Recorder.begin("POST", method, form)
	status, body, err := s.client.Probe(ctx, method, form)
	if err != nil {
		return nil, err
	}
	return parseAnswer(status, body), nil
}

// list is ask for a list of messages. A refusal is an error.
func (s *server) list(ctx context.Context, method string, parameters ...string) (*answer, error) {
	a, err := s.ask(ctx, method, parameters...)
	if err == nil && a.refused() {
		err = fmt.Errorf("%s: %s", method, a.verdict())
	}
	return a, err
}

func parseAnswer(status int, body []byte) *answer {
	a := &answer{status: status}
	body = bytes.TrimPrefix(body, []byte("\ufeff"))
	_ = lenient.Unmarshal(body, &a.object) // JSON, as Probe says; an array has no members
	if raw := a.object["paging"]; jsontext.Value(raw).Kind() == '{' {
		a.paging = new(paging)
		_ = lenient.Unmarshal(raw, a.paging) // an object that was read before
	}
	for _, raw := range elements(a.object["messages"]) {
		var w struct {
			TS lenient.String `json:"ts"`
		}
		if lenient.Unmarshal(raw, &w) != nil {
			continue
		}
		ts, _ := record.ParseTS(string(w.TS)) // "" is a message without a ts
		a.messages = append(a.messages, item{ts, raw})
	}
	return a
}

// elements gives the elements of an array, each as received.
func elements(raw []byte) lenient.List {
	var list lenient.List
	if len(raw) > 0 {
		_ = lenient.Unmarshal(raw, &list) // a value that was read before
	}
	return list
}

// text is a member of an object as text.
func text(raw []byte) string {
	var s lenient.String
	if len(raw) > 0 {
		_ = lenient.Unmarshal(raw, &s) // a value that was read before
	}
	return string(s)
}

// refused tells whether the answer is no success.
func (a *answer) refused() bool {
	var ok lenient.Bool
	if raw, said := a.object["ok"]; said && len(raw) > 0 {
		_ = lenient.Unmarshal(raw, &ok) // a value that was read before
		return !bool(ok)
	}
	return a.reason() != "" || a.status/100 != 2
}

// reason is the most telling code of a refusal.
func (a *answer) reason() string {
	code, details := text(a.object["error"]), text(a.object["error_details"])
	if details != "" && (code == "gw_error" || jsontext.Value(a.object["error"]).Kind() == '0') {
		return details
	}
	return code
}

// verdict is how the server answered, in a few words.
func (a *answer) verdict() string {
	what := "ok"
	if a.refused() {
		what = strings.TrimSpace(a.reason())
	}
	if what == "" {
		what = "a refusal without a reason"
	}
	if jsontext.Value(a.object["error"]).Kind() == '0' {
		what += " (as the number " + text(a.object["error"]) + ")"
	}
	if a.status != 200 {
		what += fmt.Sprintf(" with HTTP %d", a.status)
	}
	return what
}

// stamps are the ts of the messages, in the answer's order.
func (a *answer) stamps() []record.TS {
	list := make([]record.TS, 0, len(a.messages))
	for _, m := range a.messages {
		if m.ts != "" {
			list = append(list, m.ts)
		}
	}
	return list
}
