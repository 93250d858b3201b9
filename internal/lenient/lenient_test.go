package lenient

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

type object struct {
	S String
	N Int
	B Bool
	L List
	R Raw
}

func TestUnmarshal(t *testing.T) {
	list := func(s ...string) (l List) {
		for _, v := range s {
			l = append(l, []byte(v))
		}
		return l
	}
	tests := []struct {
		in   string
		want object
	}{
		{`{"S":"a","N":1,"B":true,"L":[1,{"x":2}],"R":{"y": 1}}`, object{"a", 1, true, list("1", `{"x":2}`), Raw(`{"y": 1}`)}},
		{`{"S":1.50,"N":"12","B":"true","L":{"x":1}}`, object{S: "1.50", N: 12, B: true, L: list(`{"x":1}`)}},
		{`{"S":true,"N":"12.9","B":1}`, object{S: "true", N: 12, B: true}},
		{`{"S":null,"N":null,"B":null,"L":null,"R":null}`, object{}},
		{`{"S":{},"N":[1],"B":"no","L":7}`, object{}},
		{`{"N":"many","B":"TRUE"}`, object{B: true}},
		{`{"N":1e3,"S":9007199254740993}`, object{N: 1000, S: "9007199254740993"}},
		{`{"S":"a","S":"b","s":"c"}`, object{S: "b"}},
		{"{\"S\":\"\xff\"}", object{S: "\ufffd"}},
	}
	for _, tt := range tests {
		var got object
		if err := Unmarshal([]byte(tt.in), &got); err != nil {
			t.Errorf("Unmarshal(%s): %v", tt.in, err)
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("Unmarshal(%s): %s", tt.in, diff)
		}
	}
	for _, bad := range []string{``, `{`, `{"L":[1,`, `[]`, `{"S":"a"} x`} {
		if err := Unmarshal([]byte(bad), &object{}); err == nil {
			t.Errorf("Unmarshal(%s) gives no error", bad)
		}
	}
}
