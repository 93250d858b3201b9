package teamchat

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"archiver/internal/lenient"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"
)

// judgeBody reads a body as the answer of a request.
func judgeBody(t *testing.T, r *request, body string) (*reply, error) {
	t.Helper()
	res := &http.Response{StatusCode: http.StatusOK, Header: http.Header{}}
	e, err := judge(res, []byte(body), r)
	return &reply{envelope: e}, err
}

func messagesRequest() *request { return newRequest(methodHistory).wants(list, "messages") }

// brief is a message in one line: ts, parent, comments, file.
func brief(messages []Message) []string {
	lines := []string{}
	for _, m := range messages {
		line := fmt.Sprintf("%s|%s|%d", m.TS, m.Parent, m.CommentsCount)
		if f := m.File; f != nil {
			line += fmt.Sprintf("|%s %s %d %s %s %s", f.ID, f.Name, f.Size, f.Modified, f.Created, f.Ticket)
		}
		lines = append(lines, line)
	}
	return lines
}

func TestPageVariants(t *testing.T) {
	tests := []struct {
		name, body string
		want       []string
	}{
		{"plain", `{"messages":[{"ts":"1.000001","text":"x"},{"ts":"2.000001"}],"ok":true}`, []string{"1.000001||-1", "2.000001||-1"}},
		{"null list", `{"messages":null,"ok":true}`, []string{}},
		{"empty list", `{"messages":[],"ok":true}`, []string{}},
		{"empty object for an empty list", `{"messages":{},"ok":true}`, []string{}},
		{"object for a list", `{"messages":{"ts":"1.000001"},"ok":true}`, []string{"1.000001||-1"}},
		{"null elements", `{"messages":[null,{"ts":"1.000001"}],"ok":true}`, []string{"1.000001||-1"}},
		{"ok as text", `{"messages":[],"ok":"true"}`, []string{}},
		{"ok as number", `{"ok":1,"messages":[]}`, []string{}},
		{"ok missing", `{"messages":[{"ts":"1.000001"}]}`, []string{"1.000001||-1"}},
		{"ok missing, no error", `{"messages":[],"error":""}`, []string{}},
		{"ok missing, error 0", `{"messages":[],"error":0}`, []string{}},
		{"ok beside an error", `{"messages":[],"error":"x","ok":true}`, []string{}},
		{"byte order mark", "\ufeff" + `{"messages":[],"ok":true}`, []string{}},
		{"white space around", " \r\n{\"messages\" : [ ] ,\t\"ok\" : true } \n\n", []string{}},
		{"bytes after it", `{"messages":[],"ok":true}` + "\x00</html>{", []string{}},
		{"unknown members", `{"x":{"ok":false},"messages":[{"ts":"1.000001","new":[{}]}],"y":[1],"ok":true}`, []string{"1.000001||-1"}},
		{"twice the same name", `{"messages":[{"ts":"1.000001"}],"messages":[],"ok":true}`, []string{}},
		{"number as ts", `{"messages":[{"ts":1516195206.000460}],"ok":true}`, []string{"1516195206.000460||-1"}},
		{"count", `{"messages":[{"ts":"1.000001","comments_count":3}],"ok":true}`, []string{"1.000001||3"}},
		{"count as text", `{"messages":[{"ts":"1.000001","comments_count":"3"}],"ok":true}`, []string{"1.000001||3"}},
		{"count null", `{"messages":[{"ts":"1.000001","comments_count":null}],"ok":true}`, []string{"1.000001||-1"}},
		{"count of nonsense", `{"messages":[{"ts":"1.000001","comments_count":{"n":1}}],"ok":true}`, []string{"1.000001||-1"}},
		{"parent", `{"messages":[{"ts":"2.000001","message":{"type":"message","ts":"1.000001"}}],"ok":true}`, []string{"2.000001|1.000001|-1"}},
		{"parent as number", `{"messages":[{"ts":"2.000001","message":{"ts":1.000001}}],"ok":true}`, []string{"2.000001|1.000001|-1"}},
		{"message of another type", `{"messages":[{"ts":"2.000001","message":"hi","file":"x"}],"ok":true}`, []string{"2.000001||-1"}},
		{"element that is no object", `{"messages":["x",7],"ok":true}`, []string{"||-1", "||-1"}},
		{
			"file", `{"messages":[{"ts":"1.000001","file":{"id":"5a","name":"a.pdf","size":7,"modified":9,"created":8,"ticket":"eJ.x"}}],"ok":true}`,
			[]string{"1.000001||-1|5a a.pdf 7 9 8 eJ.x"},
		},
		{
			"file as texts", `{"messages":[{"ts":"1.000001","file":{"id":5,"title":"a","size":"7","modified":"9","timestamp":"8","ticket":""}}],"ok":true}`,
			[]string{"1.000001||-1|5 a 7 9 8 "},
		},
		{
			"ticket in a URL", `{"messages":[{"file":{"id":"5a","url_private":"https://evil.example/x?a=b&ticket=eJ%2Cx.y%3D&resize=1","thumb_url":"?ticket=no"}}],"ok":true}`,
			[]string{"||-1|5a  -1   eJ,x.y="},
		},
		{
			"ticket in the second URL, with a plus", `{"messages":[{"file":{"url_a":"https://h/","url_b":"?ticket=a+b#f"}}],"ok":true}`,
			[]string{"||-1|  -1   a+b"},
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			answer, err := judgeBody(t, messagesRequest(), test.body)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, brief(answer.page().Messages)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestPagingVariants(t *testing.T) {
	tests := []struct {
		paging string
		want   Paging
	}{
		{`{"count":100,"total":295,"page":1,"pages":3}`, Paging{100, 295, 1, 3, true}},
		{`{"count":"100","total":"295","page":"1","pages":"3"}`, Paging{100, 295, 1, 3, true}},
		{`{"page":0}`, Paging{Present: true}},
		{`null`, Paging{}},
		{`[]`, Paging{}},
		{`"none"`, Paging{}},
	}
	for _, test := range tests {
		answer, err := judgeBody(t, messagesRequest(), `{"messages":[],"paging":`+test.paging+`,"ok":true}`)
		if err != nil || answer.page().Paging != test.want {
			t.Errorf("%s: %+v, %v", test.paging, answer.page().Paging, err)
		}
	}
}

func TestObjectsKeepTheirBytes(t *testing.T) {
	items := []string{
		`{ "ts" : "1.000001" , "text":"\u00e9\ud83d\ude00 \/ \u0000" }`,
		"{\"ts\":\"2.000001\",\"text\":\"\xff\xfe broken \xc3\"}",
		`{"ts":"3.000001","text":"\ud800 lone"}`,
		`{"ts":"4.000001","n":1.10,"big":123456789012345678901234567890,"e":1E+2,"ts2":null}`,
		"{\"ts\":\"5.000001\",\n\t\"text\":\"a\u2028b\"}",
		`{"ts":"6.000001","text":"a","text":"b"}`,
		`{"ts":"7.000001","file":{ "id":"x", "name":"\u0041" }}`,
	}
	body := `{"messages":[ ` + strings.Join(items, " ,\n ") + `],"ok":true}`
	answer, err := judgeBody(t, messagesRequest(), body)
	if err != nil {
		t.Fatal(err)
	}
	page := answer.page()
	if len(page.Messages) != len(items) {
		t.Fatalf("%d messages", len(page.Messages))
	}
	for i, m := range page.Messages {
		if string(m.Raw) != items[i] || m.TS != fmt.Sprintf("%d.000001", i+1) {
			t.Errorf("item %d: %q %q", i, m.TS, m.Raw)
		}
	}
	if got := string(page.Messages[6].File.Raw); got != `{ "id":"x", "name":"\u0041" }` {
		t.Errorf("file: %s", got)
	}
}

func TestItemsDoNotShareRoom(t *testing.T) {
	answer, err := judgeBody(t, messagesRequest(), `{"messages":[{"ts":"1"},{"ts":"2"}],"ok":true}`)
	if err != nil {
		t.Fatal(err)
	}
	page := answer.page()
	_ = append(page.Messages[0].Raw, "overwritten"...)
	if string(page.Messages[1].Raw) != `{"ts":"2"}` {
		t.Errorf("second item: %s", page.Messages[1].Raw)
	}
}

func TestChannelVariants(t *testing.T) {
	tests := []struct {
		name, raw string
		want      Channel
	}{
		{
			"default", `{"id":"cHU=","name":"general","latest":17,"num_members":2,"members":[{"name":"ann@x"},{"name":"b&o@x"}],"permissions":{"items_read":true}}`,
			Channel{ID: "cHU=", Name: "general", Latest: 17, NumMembers: 2, Members: []string{"ann@x", "b&o@x"}, Readable: true},
		},
		{
			"texts", `{"id":"cHU","name":7,"latest":"17","num_members":"2","members":["ann@x","bob@x"],"permissions":{"items_read":"true"}}`,
			Channel{ID: "cHU", Name: "7", Latest: 17, NumMembers: 2, Members: []string{"ann@x", "bob@x"}, Readable: true},
		},
		{
			"members by id", `{"id":"c","members":[{"id":"ann@x","name":"Ann"},{"email":"bob@x","name":"Bob"},null,7]}`,
			Channel{ID: "c", NumMembers: -1, Members: []string{"ann@x", "bob@x"}, Readable: true},
		},
		{"one member as an object", `{"id":"c","members":{"name":"ann@x"}}`, Channel{ID: "c", NumMembers: -1, Members: []string{"ann@x"}, Readable: true}},
		{"members absent", `{"id":"c"}`, Channel{ID: "c", NumMembers: -1, Readable: true}},
		{"members null", `{"id":"c","members":null,"num_members":0}`, Channel{ID: "c", Readable: true}},
		{"cut short by its word", `{"id":"c","members":["a"],"num_members":1,"warning":"member_list_truncated"}`, Channel{ID: "c", Members: []string{"a"}, NumMembers: 1, Truncated: true, Readable: true}},
		{"cut short by its number", `{"id":"c","members":["a"],"num_members":301}`, Channel{ID: "c", Members: []string{"a"}, NumMembers: 301, Truncated: true, Readable: true}},
		{"forbidden", `{"id":"c","permissions":{"items_read":false}}`, Channel{ID: "c", NumMembers: -1}},
		{"forbidden as number", `{"id":"c","permissions":{"items_read":0}}`, Channel{ID: "c", NumMembers: -1}},
		{"permissions without reading", `{"id":"c","permissions":{"items_write":false}}`, Channel{ID: "c", NumMembers: -1, Readable: true}},
		{"permissions of another type", `{"id":"c","permissions":[]}`, Channel{ID: "c", NumMembers: -1, Readable: true}},
		{"no object", `"c"`, Channel{NumMembers: -1, Readable: true}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			test.want.Raw = []byte(test.raw)
			if diff := cmp.Diff(test.want, parseChannel([]byte(test.raw))); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestDiffShapes(t *testing.T) {
	tests := []struct{ name, body, want string }{
		{"channel inside", `{"channels_diff":[{"status":"added","channel":{"id":"c1=","name":"a"}},{"status":"DELETED","channel":{"id":"c2","name":"b"}}],"ok":true}`, "added c1= a,deleted c2 b"},
		{"inline", `{"channels_diff":[{"status":"renamed","id":"c1","name":"a","created":7}],"ok":true}`, "renamed c1 a"},
		{"old name", `{"channels_diff":[{"status":"renamed","id":"c1","name":"a","old_name":"z"}],"ok":true}`, "renamed c1 a"},
		{"one status for all", `{"channels_diff":[{"id":"c1","name":"a"},{"id":"c2","name":"b"}],"status":"added","ok":true}`, "added c1 a,added c2 b"},
		{"id alone", `{"channels_diff":[{"status":"deleted","channel":"c1=","name":"a"}],"ok":true}`, "deleted c1= a"},
		{"one as an object", `{"channels_diff":{"status":"deleted","id":"c1","name":"a"},"ok":true}`, "deleted c1 a"},
		{"nothing", `{"channels_diff":null,"ok":true}`, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c := newTestClient(t, methods{methodChannelsDiff: answers(test.body)})
			_, changes, raw, err := c.ChannelsDiff(t.Context())
			if err != nil || string(raw) != test.body {
				t.Fatalf("%s, %v", raw, err)
			}
			kept, err := ParseChannelsDiff(raw)
			if err != nil || !cmp.Equal(kept, changes) {
				t.Errorf("kept answer reads as %+v, %v", kept, err)
			}
			var got []string
			for _, change := range changes {
				got = append(got, change.Status+" "+change.Channel.ID+" "+change.Channel.Name)
			}
			if strings.Join(got, ",") != test.want {
				t.Errorf("got %q", got)
			}
		})
	}
}

func TestAnswersThatAreNoSuccess(t *testing.T) {
	type flags struct{ Temporary, NotFound, Denied bool }
	temporary := flags{Temporary: true}
	tests := []struct {
		name, body string
		status     int
		want       flags
		text       string // of the error, after the method
	}{
		{"empty", "", 200, temporary, "empty answer"},
		{"white space", " \n", 200, temporary, "empty answer"},
		{"HTML", "<!DOCTYPE html><html>down</html>", 200, temporary, "answer is a page of HTML, 32 bytes"},
		{"HTML with 404", "<html>", 404, temporary, "HTTP 404 answer is a page of HTML, 6 bytes"},
		{"HTML with 403", "<html>", 403, temporary, "HTTP 403 answer is a page of HTML, 6 bytes"},
		{"HTML with 502", "<html>", 502, temporary, "HTTP 502 answer is a page of HTML, 6 bytes"},
		{"cut", `{"messages":[{"ts":"1.0`, 200, temporary, "answer is cut short after 23 bytes: unexpected EOF"},
		{"cut before the end", `{"messages":[],"ok":true`, 200, temporary, "answer is cut short after 24 bytes: unexpected EOF"},
		{"cut after a comma", `{"messages":[],`, 200, temporary, "answer is cut short after 15 bytes: unexpected EOF"},
		{"array", `[]`, 200, temporary, "answer is no JSON object, 2 bytes"},
		{"text", `"ok"`, 200, temporary, "answer is no JSON object, 4 bytes"},
		{"nonsense", `{nonsense}`, 200, temporary, "answer is no JSON object, 10 bytes"},
		{"another API", `{"message":"hello"}`, 200, temporary, "answer is no TeamChat answer"},
		{"list missing", `{"ok":true}`, 200, temporary, "answer has no messages"},
		{"list of the wrong type", `{"messages":"none","ok":true}`, 200, temporary, "answer has a messages of the wrong type"},
		{"list as false", `{"messages":false,"ok":true}`, 200, temporary, "answer has a messages of the wrong type"},
		{"success with 500", `{"messages":[],"ok":true}`, 500, temporary, "HTTP 500 refused without a reason"},
		{"no reason", `{"ok":false}`, 200, temporary, "refused without a reason"},
		{"no reason, 403", `{"ok":false}`, 403, flags{Denied: true}, "HTTP 403 refused without a reason"},
		{"no reason, 404", `{"ok":false}`, 404, flags{NotFound: true}, "HTTP 404 refused without a reason"},
		{"error without ok", `{"error":"no_permission","messages":[]}`, 200, flags{Denied: true}, "no_permission"},
		{"error as an object", `{"error":{"code":1},"messages":[]}`, 200, temporary, "refused without a reason"},
		{"null ok, error", `{"ok":null,"error":"no_permission"}`, 200, flags{Denied: true}, "no_permission"},
		{"unknown code", `{"error":"odd","ok":false}`, 200, flags{}, "odd"},
		{"unknown code with 500", `{"error":"odd","ok":false}`, 500, temporary, "HTTP 500 odd"},
		{"upper case", `{"error":"GW_ERROR","error_details":"E_RIGHTS","ok":false}`, 200, flags{Denied: true}, "gw_error (e_rights)"},
		{"not found", `{"error":"gw_error","error_details":"e_notfound","ok":false}`, 200, flags{NotFound: true}, "gw_error (e_notfound)"},
		{"not found with 500", `{"error":"gw_error","error_details":"e_notfound","ok":false}`, 500, flags{NotFound: true}, "HTTP 500 gw_error (e_notfound)"},
		{"not found by itself", `{"error":"e_notfound","ok":false}`, 200, flags{NotFound: true}, "e_notfound"},
		{"not found as number", `{"error":7,"ok":false}`, 200, flags{NotFound: true}, "7"},
		{"not shared", `{"error":40,"ok":false}`, 200, flags{Denied: true}, "40"},
		{"Slack's", `{"error":"channel_not_found","ok":false}`, 200, flags{NotFound: true}, "channel_not_found"},
		{"database", `{"error":"gw_error","error_details":"e_db","ok":false}`, 200, temporary, "gw_error (e_db)"},
		{"unknown details", `{"error":"gw_error","error_details":"e_new","ok":false}`, 200, temporary, "gw_error (e_new)"},
		{"no details", `{"error":"gw_error","error_details":null,"ok":false}`, 200, temporary, "gw_error"},
		{"unexpected", `{"error":"unexpected_error","error_details":"Out of\r\nluck","ok":false}`, 200, temporary, "unexpected_error (out of  luck)"},
		{"unknown method", `{"error":"method_not_exist","error_details":"","ok":false}`, 200, flags{}, "method_not_exist"},
		{"no account for it", `{"error":"gw_error","error_details":"e_teamchat_accessmode","ok":false}`, 200, flags{}, "gw_error (e_teamchat_accessmode)"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c := newTestClient(t, methods{methodHistory: status(test.status, "", test.body)})
			_, err := c.attempt(t.Context(), messagesRequest())
			e, ok := err.(*Error)
			if !ok {
				t.Fatalf("got %#v", err)
			}
			if got := (flags{e.Temporary(), e.NotFound(), e.Denied()}); got != test.want {
				t.Errorf("got %+v", got)
			}
			if want := methodHistory + ": " + test.text; e.Error() != want {
				t.Errorf("got  %q\nwant %q", e.Error(), want)
			}
			if e.Method != methodHistory || e.Status != test.status {
				t.Errorf("got %+v", e)
			}
		})
	}
}

func TestItemThatNoRecordIsFoundFor(t *testing.T) {
	body := `{"error":"gw_error","error_details":"e_parameters","ok":false}`
	c := newTestClient(t, methods{methodItem: answers(body), methodHistory: answers(body)})
	if _, _, err := c.Item(t.Context(), "c", "1.000001"); !err.(*Error).NotFound() {
		t.Error(err)
	}
	if err := history(t.Context(), c); err.(*Error).NotFound() || err.(*Error).Temporary() {
		t.Error(err)
	}
}

func FuzzPage(f *testing.F) {
	f.Add([]byte(`{"messages":[{"ts":"1.000001","comments_count":"3","message":{"ts":1},"file":{"id":1,"url_x":"?ticket=%zz"}}],"paging":{"count":"1"},"ok":1}`))
	f.Add([]byte("\ufeff{\"messages\":{\"ts\":\"\xff\"},\"error\":0}trailing"))
	f.Add([]byte(`{"messages":null,"messages":[null,[],7],"ok":"false","error":{}}`))
	f.Add([]byte(`{"channels_diff":[{"status":1,"channel":"x"}],"status":"added","ok":true,"members":[{}]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		for _, name := range []string{"messages", "channels_diff", "members", "channels"} {
			fuzzAnswer(t, body, name)
		}
	})
}

func fuzzAnswer(t *testing.T, body []byte, name string) {
	original := bytes.Clone(body)
	r := newRequest(methodHistory).wants(list, name)
	recorder := httptest.ResponseRecorder{Code: 200}
	e, err := judge(recorder.Result(), body, r)
	if err != nil {
		_ = err.Error()
		return
	}
	answer := &reply{envelope: e}
	for i, m := range answer.page().Messages {
		if !jsontext.Value(m.Raw).IsValid(lenient.Options) || !bytes.Contains(original, m.Raw) {
			t.Fatalf("item %d is not as received: %q", i, m.Raw)
		}
		parseChannel(m.Raw)
		userID(m.Raw)
	}
	if !bytes.Contains(original, e.object) || !bytes.Equal(original, body) {
		t.Fatal("answer is not as received")
	}
	if changes := parseChanges(&e); len(changes) != len(e.items) {
		t.Fatalf("%d changes of %d", len(changes), len(e.items))
	}
	answer.isWhole()
}
