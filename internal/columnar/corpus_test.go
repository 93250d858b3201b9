package columnar

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"
)

// wholeFile is what a message of the corpus takes when zstd -19 --long=27 sees all of them at once (zstd 1.5.4, the
// same lines as below).
const wholeFile = 31.21

func TestCorpusPacksWell(t *testing.T) {
	if testing.Short() {
		t.Skip("packs the whole corpus")
	}
	z, err := zstd.NewWriter(nil, zstd.WithEncoderCRC(false))
	if err != nil {
		t.Fatal(err)
	}
	var messages, lines, packed float64
	for _, rows := range corpusChannels(t) {
		messages += float64(len(rows))
		for block := range slices.Chunk(rows, 512) {
			data := checkRoundTrip(t, block)
			text := TextStart(data)
			packed += float64(len(z.EncodeAll(data[text:], z.EncodeAll(data[:text], nil))))
			lines += float64(len(z.EncodeAll(bytes.Join(block, []byte("\n")), nil)))
		}
	}
	ratio := packed / messages / wholeFile
	t.Logf("%.2f bytes a message as lines, %.2f packed: %.3f times zstd -19 --long=27", lines/messages, packed/messages, ratio)
	if ratio > 1.18 {
		t.Errorf("packed to %.3f times zstd -19 --long=27, want at most 1.18", ratio)
	}
}

// corpusChannels gives the messages of the corpus as a server would write them, by channel.
func corpusChannels(t *testing.T) [][][]byte {
	slugs := corpusSlugs(t)
	var channels [][][]byte
	channel, counter, lastSecond := "", 0, int64(0)
	for line := range bytes.Lines(unpack(t, corpusFile(t, "messages.ndjson.zst"))) {
		var m struct {
			Channel, User, Text string
			Time                time.Time
		}
		if err := json.Unmarshal(line, &m); err != nil {
			t.Fatal(err)
		}
		if m.Channel != channel {
			channels, channel = append(channels, nil), m.Channel
		}
		if counter++; m.Time.Unix() != lastSecond {
			lastSecond, counter = m.Time.Unix(), 1
		}
		last := &channels[len(channels)-1]
		*last = append(*last, wireMessage(t, slugs[m.User], m.Text, lastSecond, counter))
	}
	return channels
}

func wireMessage(t *testing.T, user, text string, second int64, counter int) []byte {
	var quoted bytes.Buffer
	e := json.NewEncoder(&quoted)
	e.SetEscapeHTML(false)
	if err := e.Encode(text); err != nil {
		t.Fatal(err)
	}
	return fmt.Appendf(nil, `{"type":"message","user":"%s@corpus.invalid","text":%s,"ts":"%010d.%06d","created":%d,"is_stared":false}`,
		user, bytes.TrimSpace(quoted.Bytes()), second, counter, second)
}

// corpusSlugs gives each user of the corpus a name fit for a mail address.
func corpusSlugs(t *testing.T) map[string]string {
	var users []struct{ ID, Name string }
	if err := json.Unmarshal(corpusFile(t, "users.json"), &users); err != nil {
		t.Fatal(err)
	}
	slugs, taken := make(map[string]string), make(map[string]int)
	for _, u := range users {
		slug := strings.Map(slugRune, strings.ToLower(u.Name))
		if taken[slug]++; slug == "" || taken[slug] > 1 {
			slug = fmt.Sprint(slug, ".", taken[slug])
		}
		slugs[u.ID] = slug
	}
	return slugs
}

func slugRune(r rune) rune {
	if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '-' || r == '_' {
		return r
	}
	return -1
}

func unpack(t *testing.T, data []byte) []byte {
	d, err := zstd.NewReader(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if data, err = d.DecodeAll(data, nil); err != nil {
		t.Fatal(err)
	}
	return data
}

// corpusFile reads a file of the chat corpus, which lies beside the module. Without it the test is skipped.
func corpusFile(t *testing.T, name string) []byte {
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for ; dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			break
		}
	}
	data, err := os.ReadFile(filepath.Join(dir, "..", "shared", "corpus", "chat", name))
	if err != nil {
		t.Skip(err)
	}
	return data
}
