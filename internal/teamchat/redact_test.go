package teamchat

import (
	"bytes"
	"strings"
	"testing"

	"archiver/internal/lenient"

	"github.com/go-json-experiment/json/jsontext"
)

const longTicket = "eJxLzs8tyM9LzSspBgAX4QSnabcdefghijklmnop,qrstuvw.xyz_"

func TestRedact(t *testing.T) {
	tests := []struct{ name, in, want string }{
		{"nothing secret", `{ "text" : "a\/\u0062 \ud800" ,"n":[1.50,null,true] , "ok":true }`, `{ "text" : "a\/\u0062 \ud800" ,"n":[1.50,null,true] , "ok":true }`},
		{"members", `{"token":"a","Ticket":"b","password":123,"x":{"access_token": "c" }}`, `{"token":"","Ticket":"","password":0,"x":{"access_token": "" }}`},
		{"kinds that tell nothing stay", `{"has_password":true,"token":null,"ticket":""}`, `{"has_password":true,"token":null,"ticket":""}`},
		{"escaped name", `{"\u0074oken":"a"}`, `{"\u0074oken":""}`},
		{"in lists and objects", `{"tokens":["a",["b"],{"value":"c","n":7}],"z":"c"}`, `{"tokens":["",[""],{"value":"","n":0}],"z":"c"}`},
		{"same name twice", `{"token":"a","token":"b"}`, `{"token":"","token":""}`},
		{"in a URL", `{"url_private":"https:\/\/h\/files.download?ticket=a%2Cb&x=1#f"}`, `{"url_private":"https://h/files.download?ticket=&x=1#f"}`},
		{"in a URL in a URL", `["?link=https%3A%2F%2Fh%3Fticket%3Dabc%26x&a=b"]`, `["?link=https%3A%2F%2Fh%3Fticket%3D&a=b"]`},
		{"twice encoded", `["?link=token%253Dabc&a=b"]`, `["?link=token%253D&a=b"]`},
		{"path", `["/webdav/ticket/abc/report.pdf"]`, `["/webdav/ticket//report.pdf"]`},
		{"calendar", `["BEGIN:VEVENT\r\nX-PASSWORD:abc\r\nUID:1"]`, `["BEGIN:VEVENT\r\nX-PASSWORD:\r\nUID:1"]`},
		{"token in text", `["see xoxp-0123abc."]`, `["see xoxp-."]`},
		{"ticket in text", `["see ` + longTicket + `!","` + longTicket + `"]`, `["see !",""]`},
		{"channel id", `["cHVibGljLWZvbGRlcnMlNDBeJxhbXBsZS5jb20mVGVhbUNoYXQlNUM2NzI4OGFlMTA4YTY="]`, `["cHVibGljLWZvbGRlcnMlNDBeJxhbXBsZS5jb20mVGVhbUNoYXQlNUM2NzI4OGFlMTA4YTY="]`},
		{"known", `{"a":"is Planted here","b":"not","planted":1,"n":9988}`, `{"a":"","b":"not","":1,"n":0}`},
		{"known, escaped", `["pl\u0061nted"]`, `[""]`},
		{"invalid UTF-8", "[\"\xff\",\"\xff token=a\"]", "[\"\xff\",\"\ufffd token=\"]"},
		{"byte order mark", "\ufeff\n{\"token\":\"a\"}", "\ufeff\n{\"token\":\"\"}"},
		{"what follows is cut off", `{"ok":true} token=a`, `{"ok":true}`},
		{"array", ` [ ] `, ` [ ]`},
		{"text", `"token"`, ""},
		{"number", `7`, ""},
		{"HTML", `<html>`, ""},
		{"empty", ``, ""},
		{"cut", `{"token":"a`, ""},
		{"cut behind a secret", `{"token":"a"`, ""},
		{"nonsense", `{"a":1,}`, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := redact([]byte(test.in), []string{"planted", "9988"})
			if string(got) != test.want || (err != nil) != (test.want == "") {
				t.Errorf("got %q, %v", got, err)
			}
		})
	}
}

func FuzzRedact(f *testing.F) {
	f.Add([]byte(`{"token":"pl\u0061nted","x":{"url":"?a=planted"},"n":[1,"planted"],"planted":null}`))
	f.Add([]byte("\ufeff[\"\xff\", {\"a\":-1e9}]planted"))
	f.Fuzz(func(t *testing.T, body []byte) {
		original := bytes.Clone(body)
		got, err := redact(body, []string{"planted"})
		if !bytes.Equal(original, body) {
			t.Fatal("the body was changed")
		}
		if err != nil {
			if got != nil {
				t.Fatalf("got %q with %v", got, err)
			}
			return
		}
		value := jsontext.Value(trimStart(got))
		if !value.IsValid(lenient.Options) {
			t.Fatalf("got %q", got)
		}
		_ = value.Compact(lenient.Options)
		if strings.Contains(strings.ToLower(string(value)), "planted") {
			t.Fatalf("got %q", got)
		}
	})
}
