package main

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/google/go-cmp/cmp"
)

const examplePath = "../../configs/archiver.example.yaml"

// TestExampleConfig loads the example strictly. It shows the defaults, so it must say what Default says.
func TestExampleConfig(t *testing.T) {
	got, err := Load(examplePath)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(Default(), got); diff != "" {
		t.Errorf("the example is not the default (-default +example):\n%s", diff)
	}
	if err := got.Validate(); err != nil {
		t.Error(err)
	}
}

// TestExampleNamesEveryKey finds keys that Config has and the example does not document.
func TestExampleNamesEveryKey(t *testing.T) {
	data, err := os.ReadFile(examplePath)
	if err != nil {
		t.Fatal(err)
	}
	var example map[string]map[string]any
	if err := yaml.Unmarshal(data, &example); err != nil {
		t.Fatal(err)
	}
	sections := reflect.TypeFor[Config]()
	for i := range sections.NumField() {
		section := sections.Field(i)
		for j := range section.Type.NumField() {
			name, key := strings.ToLower(section.Name), section.Type.Field(j).Tag.Get("yaml")
			if _, ok := example[name][key]; !ok {
				t.Errorf("%s.%s is not in the example", name, key)
			}
		}
	}
}

func TestLoad(t *testing.T) {
	for _, test := range []struct {
		name, text string
		want       func(*Config)
		err        string // what the error says after the path
	}{
		{name: "empty", want: func(*Config) {}},
		{name: "comment alone", text: "# nothing\n", want: func(*Config) {}},
		{name: "section without keys", text: "sync:\n", want: func(*Config) {}},
		{name: "key without value", text: "sync:\n  page_size:\n", want: func(*Config) {}},
		{name: "duration", text: "sync:\n  max_wait: 1h30m\n", want: func(c *Config) { c.Sync.MaxWait = 90 * time.Minute }},
		{name: "list", text: "sync:\n  exclude_channels: [a, 'b c']\n", want: func(c *Config) { c.Sync.ExcludeChannels = []string{"a", "b c"} }},
		{name: "rest keeps defaults", text: "server:\n  url: https://x\n", want: func(c *Config) { c.Server.URL = "https://x" }},
		{name: "unknown key", text: "sync:\n\n  pages: 3\n", err: `:3: unknown field "pages"`},
		{name: "unknown section", text: "sink:\n  a: 1\n", err: `:1: unknown field "sink"`},
		{name: "duplicate key", text: "search:\n  time_zone: UTC\n  time_zone: UTC\n", err: ":3: "},
		{name: "no duration", text: "sync:\n  max_wait: 5\n", err: ":2: "},
		{name: "no YAML", text: "sync: {\n", err: ":"},
		{name: "no map", text: "hello\n", err: ":1: "},
	} {
		t.Run(test.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "archiver.yaml")
			if err := os.WriteFile(path, []byte(test.text), 0o600); err != nil {
				t.Fatal(err)
			}
			got, err := Load(path)
			if test.err != "" {
				var config *configError
				if !errors.As(err, &config) || !strings.HasPrefix(err.Error(), path+test.err) || strings.Contains(err.Error(), "\n") {
					t.Errorf("error %q, want one line that begins with %q", err, path+test.err)
				}
				return
			}
			want := Default()
			test.want(&want)
			if diff := cmp.Diff(want, got); err != nil || diff != "" {
				t.Errorf("error %v, (-want +got):\n%s", err, diff)
			}
		})
	}
}

func TestValidateRefusesNonsense(t *testing.T) {
	for name, spoil := range map[string]func(*Config){
		"server.auth":                func(c *Config) { c.Server.Auth = "basic" },
		"exclude each other":         func(c *Config) { c.Server.PasswordFile, c.Server.PasswordCommand = "a", "b" },
		"server.requests_per_second": func(c *Config) { c.Server.RequestsPerSecond = -1 },
		"sync.concurrency":           func(c *Config) { c.Sync.Concurrency = 0 },
		"sync.page_size":             func(c *Config) { c.Sync.PageSize = 1001 },
		"sync.recent_window":         func(c *Config) { c.Sync.RecentWindow = -1 },
		"sync.audit_days":            func(c *Config) { c.Sync.AuditDays = -1 },
		"sync.give_up_after":         func(c *Config) { c.Sync.GiveUpAfter = 0 },
		"sync.max_wait":              func(c *Config) { c.Sync.MaxWait = 0 },
		"sync.max_file_size":         func(c *Config) { c.Sync.MaxFileSize = -1 },
		"search.time_zone":           func(c *Config) { c.Search.TimeZone = "Prague" },
	} {
		c := Default()
		spoil(&c)
		if err := c.Validate(); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: error %v", name, err)
		}
	}
}

func TestPassword(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for _, test := range []struct {
		name   string
		config ServerConfig
		env    string
		want   string // "" is an error
	}{
		{name: "environment first", config: ServerConfig{PasswordFile: write("a", "file")}, env: "env", want: "env"},
		{name: "first line of a file", config: ServerConfig{PasswordFile: write("b", "pass word \r\nmore\n")}, want: "pass word "},
		{name: "command", config: ServerConfig{PasswordCommand: "echo from command"}, want: "from command"},
		{name: "failing command", config: ServerConfig{PasswordCommand: "false"}},
		{name: "empty file", config: ServerConfig{PasswordFile: write("c", "\n")}},
		{name: "no file", config: ServerConfig{PasswordFile: filepath.Join(dir, "none")}},
		{name: "nothing"},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := test.config.password(t.Context(), func(string) string { return test.env })
			if got != test.want || (err == nil) != (test.want != "") {
				t.Errorf("password %q, error %v, want %q", got, err, test.want)
			}
		})
	}
}
