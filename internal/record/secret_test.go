package record

import (
	"strings"
	"testing"
)

func TestPasswordsLeaveConferences(t *testing.T) {
	tests := []struct{ name, raw, want string }{
		{"the member itself", `{"meeting_id":"58","password":"s3cret"}`, `{"meeting_id":"58","password":""}`},
		{"links and descriptions",
			`{"password":"s3cret","dynamic_link":"https://x/58?link=58&pwd=other#p","meeting_url":"https://x/s3cret","description":"code: s3cret."}`,
			`{"password":"","dynamic_link":"https://x/58?link=58&pwd=#p","meeting_url":"https://x/","description":"code: ."}`},
		{"what people wrote stays", `{"title":"the s3cret talk","name":"s3cret","text":"s3cret","password":"s3cret"}`,
			`{"title":"the s3cret talk","name":"s3cret","text":"s3cret","password":""}`},
		{"escaped in links", `{"password":"a b&c","meeting_url":"https://x/?k=a+b%26c","other":"a%20b&c"}`,
			`{"password":"","meeting_url":"https://x/?k=","other":""}`},
		{"a number", `{"password":123456,"description":"dial 123456#"}`, `{"password":"","description":"dial #"}`},
		{"a short one only as a word", `{"password":"58","description":"584 or 58"}`, `{"password":"","description":"584 or "}`},
		{"nested", `{"password":"s3cret","dial":[{"hint":"s3cret"}]}`, `{"password":"","dial":[{"hint":""}]}`},
		{"escapes in JSON", `{"password":"s\u0033cret","link":"https:\/\/x?a=1\u0026password=zz"}`,
			`{"password":"","link":"https://x?a=1&password="}`},
		{"nothing to remove", `{"password":"","link":"https:\/\/x?a=1\u0026b=2"}`, `{"password":"","link":"https:\/\/x?a=1\u0026b=2"}`},
		{"no JSON", `{"password":"s3cret`, `{"password":"s3cret`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := string(CleanConference([]byte(test.raw))); got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
		})
	}
}

func TestCleanBlanksConferencesOfMessages(t *testing.T) {
	const raw = `{"text":"s3cret ?pwd=1","conference":{"title":"s3cret","dynamic_link":"https://x?pwd=s3cret","password":"s3cret"},"note":"s3cret"}`
	const want = `{"text":"s3cret ?pwd=1","conference":{"title":"s3cret","dynamic_link":"https://x?pwd=","password":""},"note":"s3cret"}`
	if got := string(Clean([]byte(raw))); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestPasswordsLeaveCalendars(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"links", "URL:https://x/?pwd=abc\r\nX:1\r\n", "URL:https://x/?pwd=\r\nX:1\r\n"},
		{"an escaped line break ends a link", `DESCRIPTION:https://x/?a=1&password=abc\nJoin`, `DESCRIPTION:https://x/?a=1&password=\nJoin`},
		{"folded", "D:https://x/?pw\r\n d=a\r\n bc def\r\n", "D:https://x/?pw\r\n d=\r\n  def\r\n"},
		{"folded by a bare line feed", "D:se\n same\n\tXY\n", "D:\n \n\tXY\n"},
		{"known and escaped", `D:a\,b\;c`, `D:`},
		{"HTML", `X-ALT:<a href="https://x?pwd=1">x</a>`, `X-ALT:<a href="https://x?pwd=">x</a>`},
		{"nothing", "BEGIN:VCALENDAR\r\n ,x\r\n", "BEGIN:VCALENDAR\r\n ,x\r\n"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := BlankCalendar(test.text, []string{"sesame", "a,b;c"}); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func FuzzBlankCalendar(f *testing.F) {
	f.Add("D:https://x/?pw\r\n d=a\r\n bc def\r\nses\r\n ame", "sesame")
	f.Add("?pwd=?pwd=?pwd=", "pwd")
	f.Add("aaaa", "aa")
	f.Fuzz(func(t *testing.T, text, password string) {
		blank := BlankCalendar(text, []string{password})
		if len(blank) > len(text) {
			t.Errorf("%q became %q", text, blank)
		}
		if len(password) >= shortPassword && !strings.Contains(text, password) && !strings.Contains(Unfold(text), password) {
			return
		}
		if len(password) >= shortPassword && len(blank) == len(text) {
			t.Errorf("%q still holds %q", blank, password)
		}
	})
}
