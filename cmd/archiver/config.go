package main

import (
	"bytes"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/goccy/go-yaml"
)

// Config is what the configuration file says. configs/archiver.example.yaml documents every key.
type Config struct {
	Server  ServerConfig
	Archive ArchiveConfig
	Signing SigningConfig
	Sync    SyncConfig
	Search  SearchConfig
	Export  ExportConfig
}

// ServerConfig says which server is archived, and as whom.
type ServerConfig struct {
	URL               string  `yaml:"url"`                 // the API is at <url>/teamchatapi/
	AllowHTTP         bool    `yaml:"allow_http"`          // http:// beyond loopback
	Username          string  `yaml:"username"`            //
	PasswordFile      string  `yaml:"password_file"`       // its first line is the password
	PasswordCommand   string  `yaml:"password_command"`    // run by the shell, prints the password
	Auth              string  `yaml:"auth"`                // plain or digest
	CAFile            string  `yaml:"ca_file"`             // PEM; "" means the system's authorities
	RequestsPerSecond float64 `yaml:"requests_per_second"` // 0 means no limit
}

// ArchiveConfig says where the archive lies.
type ArchiveConfig struct {
	Dir        string `yaml:"dir"`
	VerifyDays int    `yaml:"verify_days"` // all data is to be verified within so many days; 0 is no aim
}

// SigningConfig says where the key lies that signs checkpoints, and where checkpoints are copied to.
type SigningConfig struct {
	KeyFile           string `yaml:"key_file"`           // "" means <archive.dir>.key
	CheckpointFile    string `yaml:"checkpoint_file"`    // replaced at the end of each run
	CheckpointCommand string `yaml:"checkpoint_command"` // gets the checkpoint as its input
}

// SyncConfig says how sync works.
type SyncConfig struct {
	Schedule        string        `yaml:"schedule"`         // five cron fields, for serve
	Concurrency     int           `yaml:"concurrency"`      // channels at once
	PageSize        int           `yaml:"page_size"`        // items of a page, 1 to 1000
	RecentWindow    time.Duration `yaml:"recent_window"`    // re-read in each run
	AuditDays       int           `yaml:"audit_days"`       // everything is re-read within so many days
	TrustLatest     bool          `yaml:"trust_latest"`     // no new activity listed: history and files are not read
	SkipQuiet       bool          `yaml:"skip_quiet"`       // no new activity listed: nothing is read
	QuietMaxAge     time.Duration `yaml:"quiet_max_age"`    // for how long skip_quiet may leave a channel out
	GiveUpAfter     time.Duration `yaml:"give_up_after"`    // without any success
	MaxWait         time.Duration `yaml:"max_wait"`         // longest wait that the server may ask for
	MaxFileSize     int64         `yaml:"max_file_size"`    // bytes; 0 means no limit
	ExcludeChannels []string      `yaml:"exclude_channels"` // ids or names
}

// SearchConfig says how search reads and prints times, and what of files it covers.
type SearchConfig struct {
	TimeZone       string        `yaml:"time_zone"`        // IANA name
	Extract        bool          `yaml:"extract"`          // search the text inside files
	MaxExtractSize int64         `yaml:"max_extract_size"` // bytes of a file whose text is read
	ExtractTimeout time.Duration `yaml:"extract_timeout"`  // for one file
}

// ExportConfig says who vouches for bundles.
type ExportConfig struct {
	TimestampURL       string `yaml:"timestamp_url"`        // RFC 3161; "" asks nobody
	CertificateFile    string `yaml:"certificate_file"`     // PEM, with those above it; "" makes no CMS signature
	CertificateKeyFile string `yaml:"certificate_key_file"` // PEM, not encrypted
}

// Default is the configuration without a file.
func Default() Config {
	return Config{
		Server:  ServerConfig{Auth: "plain"},
		Archive: ArchiveConfig{VerifyDays: 30},
		Sync: SyncConfig{
			Schedule: "0 2 * * *", Concurrency: 4, PageSize: 1000, RecentWindow: 720 * time.Hour, AuditDays: 7, QuietMaxAge: 24 * time.Hour,
			GiveUpAfter: 10 * time.Minute, MaxWait: time.Hour, ExcludeChannels: []string{},
		},
		Search: SearchConfig{TimeZone: "UTC", Extract: true, MaxExtractSize: 64 << 20, ExtractTimeout: 30 * time.Second},
	}
}

// configError is a fault of the configuration.
type configError struct{ msg, hint string }

func (e *configError) Error() string { return e.msg }

// Load reads the configuration file at path over Default. Unknown keys and values of a wrong type are errors that
// name the file and the line.
func Load(path string) (Config, error) {
	cfg := Default()
	data, err := os.ReadFile(path)
	if err != nil {
		return cfg, &configError{"configuration: " + plainCause(err), "--config names the file to read"}
	}
	sections := struct {
		Server  *ServerConfig  `yaml:"server"`
		Archive *ArchiveConfig `yaml:"archive"`
		Signing *SigningConfig `yaml:"signing"`
		Sync    *SyncConfig    `yaml:"sync"`
		Search  *SearchConfig  `yaml:"search"`
		Export  *ExportConfig  `yaml:"export"`
	}{&cfg.Server, &cfg.Archive, &cfg.Signing, &cfg.Sync, &cfg.Search, &cfg.Export}
	err = yaml.NewDecoder(bytes.NewReader(data), yaml.Strict()).Decode(&sections)
	if err != nil && !errors.Is(err, io.EOF) {
		return cfg, &configError{atLine(path, err), "configs/archiver.example.yaml documents every key"}
	}
	take(&cfg.Server, sections.Server)
	take(&cfg.Archive, sections.Archive)
	take(&cfg.Signing, sections.Signing)
	take(&cfg.Sync, sections.Sync)
	take(&cfg.Search, sections.Search)
	take(&cfg.Export, sections.Export)
	return cfg, nil
}

// take sets a section to what the file says of it. One without a key in it is nil, and keeps its defaults.
func take[T any](section, read *T) {
	if read != nil {
		*section = *read
	}
}

// atLine gives a decoding error in one line: file, line, what is wrong there.
func atLine(path string, err error) string {
	var at yaml.Error
	if !errors.As(err, &at) || at.GetToken() == nil || at.GetToken().Position == nil {
		return fmt.Sprintf("%s: %s", path, firstLine(err.Error()))
	}
	return fmt.Sprintf("%s:%d: %s", path, at.GetToken().Position.Line, firstLine(at.GetMessage()))
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	return line
}

// plainCause is the error without the name of the system call.
func plainCause(err error) string {
	var at *fs.PathError
	if errors.As(err, &at) {
		return fmt.Sprintf("%s: %s", at.Path, at.Err)
	}
	return err.Error()
}

// localConfig is the configuration file that is looked for first.
const localConfig = "archiver.yaml"

// configPath gives the file to read: what the flag or the environment names, else the first of the usual ones that
// exists, else "".
func configPath(named string, getenv func(string) string) string {
	if named != "" {
		return named
	}
	usual := []string{localConfig}
	if dir := configHome(getenv); dir != "" {
		usual = append(usual, filepath.Join(dir, "archiver", "archiver.yaml"))
	}
	for _, path := range append(usual, "/etc/archiver/archiver.yaml") {
		if _, err := os.Stat(path); err == nil {
			return path
		}
	}
	return ""
}

func configHome(getenv func(string) string) string {
	if dir := getenv("XDG_CONFIG_HOME"); dir != "" {
		return dir
	}
	if home := getenv("HOME"); home != "" {
		return filepath.Join(home, ".config")
	}
	return ""
}

// Validate checks the values that any command relies on.
func (c Config) Validate() error {
	for _, check := range []struct {
		wrong bool
		msg   string
	}{
		{c.Server.Auth != "plain" && c.Server.Auth != "digest", "server.auth: want plain or digest"},
		{c.Server.PasswordFile != "" && c.Server.PasswordCommand != "", "server: password_file and password_command exclude each other"},
		{c.Server.RequestsPerSecond < 0, "server.requests_per_second: want 0 or more"},
		{c.Archive.VerifyDays < 0, "archive.verify_days: want 0 or more"},
		{c.Sync.Concurrency < 1 || c.Sync.Concurrency > 64, "sync.concurrency: want 1 to 64"},
		{c.Sync.PageSize < 1 || c.Sync.PageSize > 1000, "sync.page_size: want 1 to 1000"},
		{c.Sync.RecentWindow < 0, "sync.recent_window: want 0 or more"},
		{c.Sync.AuditDays < 0, "sync.audit_days: want 0 or more"},
		{c.Sync.QuietMaxAge <= 0, "sync.quiet_max_age: want more than 0"},
		{c.Sync.GiveUpAfter <= 0, "sync.give_up_after: want more than 0"},
		{c.Sync.MaxWait <= 0, "sync.max_wait: want more than 0"},
		{c.Sync.MaxFileSize < 0, "sync.max_file_size: want 0 or more"},
		{c.Search.MaxExtractSize < 1 || c.Search.MaxExtractSize > 1<<30, "search.max_extract_size: want 1 to 1073741824"},
		{c.Search.ExtractTimeout <= 0, "search.extract_timeout: want more than 0"},
	} {
		if check.wrong {
			return &configError{msg: "configuration: " + check.msg}
		}
	}
	if _, err := time.LoadLocation(c.Search.TimeZone); err != nil {
		return &configError{fmt.Sprintf("configuration: search.time_zone: %q is no time zone", c.Search.TimeZone), "a name as in Europe/Prague, or UTC"}
	}
	return nil
}

// check checks what a command needs that talks to the server.
func (c ServerConfig) check() error {
	if err := c.checkURL(); err != nil {
		return err
	}
	if c.Username == "" {
		return &configError{"no username given", "--username NAME, ARCHIVER_USERNAME or server.username in archiver.yaml"}
	}
	return nil
}

// checkURL checks the server's address.
func (c ServerConfig) checkURL() error {
	const where = "--server URL, ARCHIVER_SERVER or server.url in archiver.yaml"
	u, err := url.Parse(c.URL)
	switch {
	case c.URL == "":
		return &configError{"no server given", where}
	case err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http":
		return &configError{fmt.Sprintf("server %q: want https://host", redact(c.URL)), where}
	case u.User != nil:
		return &configError{"server: a URL with a name or a password in it is not accepted", "--username NAME and ARCHIVER_PASSWORD"}
	case u.Scheme == "http" && !c.AllowHTTP && !loopback(u.Hostname()):
		return &configError{fmt.Sprintf("server %s: http:// would show the password to the network", c.URL), "use https://, or set server.allow_http: true"}
	}
	return nil
}

// redact cuts what stands before the @ of a URL that could not be read.
func redact(u string) string {
	if i := strings.LastIndexByte(u, '@'); i >= 0 {
		return "...@" + u[i+1:]
	}
	return u
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// password gives the account's password: from the environment, else from the configured file or command.
func (c ServerConfig) password(ctx context.Context, getenv func(string) string) (string, error) {
	if p := getenv("ARCHIVER_PASSWORD"); p != "" {
		return p, nil
	}
	switch {
	case c.PasswordFile != "":
		return c.passwordFromFile()
	case c.PasswordCommand != "":
		return c.passwordFromCommand(ctx)
	}
	return "", &configError{"no password given", "ARCHIVER_PASSWORD, or server.password_file or password_command in archiver.yaml"}
}

func (c ServerConfig) passwordFromFile() (string, error) {
	data, err := os.ReadFile(c.PasswordFile)
	if err != nil {
		return "", &configError{msg: "server.password_file: " + plainCause(err)}
	}
	return passwordLine(data, "server.password_file: "+c.PasswordFile)
}

func (c ServerConfig) passwordFromCommand(ctx context.Context) (string, error) {
	data, err := exec.CommandContext(ctx, "/bin/sh", "-c", c.PasswordCommand).Output()
	if err != nil {
		return "", &configError{msg: fmt.Sprintf("server.password_command: %v", err)}
	}
	return passwordLine(data, "server.password_command")
}

func passwordLine(data []byte, from string) (string, error) {
	line, _, _ := strings.Cut(string(data), "\n")
	if line = strings.TrimSuffix(line, "\r"); line == "" {
		return "", &configError{msg: from + " gives an empty password"}
	}
	return line, nil
}

// authorities gives the certificates that the server's one must lead to; nil means the system's.
func (c ServerConfig) authorities() (*x509.CertPool, error) {
	if c.CAFile == "" {
		return nil, nil
	}
	pem, err := os.ReadFile(c.CAFile)
	if err != nil {
		return nil, &configError{msg: "server.ca_file: " + plainCause(err)}
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, &configError{msg: fmt.Sprintf("server.ca_file: %s holds no certificate in PEM form", c.CAFile)}
	}
	return pool, nil
}
