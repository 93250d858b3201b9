package teamchat

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// Error is an answer that is no success, or the lack of an answer.
type Error struct {
	Method     string        // API method
	Code       string        // the member error, lower case; "" for answers that are no JSON
	Details    string        // the member error_details, lower case
	Status     int           // HTTP status, 0 when there was no answer
	RetryAfter time.Duration // the server asked for this wait; 0 is none
	Err        error         // the cause, when there was no answer or no JSON

	settled bool // the status of an answer without JSON is the API's word, since the API answered beside it
}

// Error is one line that names the method; it holds no secrets.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Method)
	b.WriteByte(':')
	if e.Status != 0 && e.Status != http.StatusOK {
		fmt.Fprintf(&b, " HTTP %d", e.Status)
	}
	if e.Code != "" {
		b.WriteByte(' ')
		b.WriteString(e.Code)
	}
	if e.Details != "" {
		fmt.Fprintf(&b, " (%s)", e.Details)
	}
	switch {
	case e.Err != nil:
		b.WriteByte(' ')
		b.WriteString(e.Err.Error())
	case e.Code == "":
		b.WriteString(" refused without a reason")
	}
	if e.RetryAfter > 0 {
		fmt.Fprintf(&b, ", asks to come back in %v", e.RetryAfter.Round(time.Second))
	}
	return b.String()
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// Temporary tells whether the same call may succeed later. An answer that is no JSON is temporary, since it comes
// from something in front of the API; so is a refusal without any reason, and a gw_error with unknown details. A
// refusal with an unknown code is not.
func (e *Error) Temporary() bool {
	if e.LoginRefused() || e.tokenRefused() || isHopeless(e.Err) {
		return false
	}
	switch c := e.class(); {
	case c != unknown:
		return c == transient
	case e.settled:
		return false
	case e.told() || e.Status >= 500 || e.Status == http.StatusRequestTimeout:
		return true
	case e.Code != "":
		return false
	}
	return !e.NotFound() && !e.Denied()
}

// NotFound tells whether the thing asked for does not exist (any more).
func (e *Error) NotFound() bool {
	if c := e.class(); c != unknown {
		noRecord := e.reason() == "e_parameters" && (e.Method == methodItem || e.Method == methodEvent)
		return c == missing || noRecord
	}
	return e.speaks() && (e.Status == http.StatusNotFound || e.Status == http.StatusGone)
}

// Denied tells whether the account may not have the thing asked for.
func (e *Error) Denied() bool {
	if c := e.class(); c != unknown {
		return c == denied
	}
	return e.speaks() && e.Status == http.StatusForbidden && !e.ofLogin()
}

// LoginRefused tells whether the server refused the account or its password, or the way to log in.
func (e *Error) LoginRefused() bool {
	c := e.class()
	if c == account || !e.ofLogin() {
		return c == account
	}
	if e.Status == http.StatusUnauthorized || e.Status == http.StatusForbidden {
		return c != transient
	}
	answered := e.Err == nil || errors.Is(e.Err, errNotAuthorized) || errors.Is(e.Err, errChallenge)
	return answered && c != transient && !e.told() && e.Status < 500
}

func (e *Error) ofLogin() bool { return e.Method == methodLogin || e.Method == methodDigest }

// tokenRefused tells whether the server does not know the token.
func (e *Error) tokenRefused() bool {
	c := e.class()
	return !e.ofLogin() && (c == token || c == unknown && e.Status == http.StatusUnauthorized)
}

// told tells whether the server asks for a wait, which uses up no try.
func (e *Error) told() bool {
	return e.Status == http.StatusTooManyRequests || e.RetryAfter > 0 || e.Code == "ratelimited" || e.Code == "rate_limited"
}

// overloaded tells whether the server has too much to do.
func (e *Error) overloaded() bool { return e.told() || e.Status == http.StatusServiceUnavailable }

// speaks tells whether the HTTP status is the API's own word.
func (e *Error) speaks() bool { return e.Status != 0 && (e.Err == nil || e.settled) }

// reason is the most telling code, with the numbers of the groupware store replaced by their names.
func (e *Error) reason() string {
	reason := e.Code
	if e.Code == "gw_error" && e.Details != "" {
		reason = e.Details
	}
	if name, ok := groupwareNumbers[reason]; ok {
		return name
	}
	return reason
}

func (e *Error) class() class {
	c := codes[e.reason()]
	if c == unknown && e.Code == "gw_error" {
		return transient
	}
	return c
}

// class is what a code means for the caller.
type class uint8

const (
	unknown   class = iota
	permanent       // for this call, whatever the time
	transient
	missing
	denied
	account // the account is of no use
	token   // another login may help
)

// codes are the known codes of the API, those of the groupware store, and those of early Slack, from which the API
// borrows.
var codes = map[string]class{
	"gw_error":                       transient, // without details
	"unexpected_error":               transient,
	"e_db":                           transient,
	"e_transaction":                  transient,
	"e_locked":                       transient,
	"e_fileaccess_locked":            transient,
	"e_fileaccess_another_locked":    transient,
	"e_glicense":                     transient, // no licence left: later perhaps
	"ratelimited":                    transient,
	"rate_limited":                   transient,
	"internal_error":                 transient,
	"fatal_error":                    transient,
	"service_unavailable":            transient,
	"request_timeout":                transient,
	"e_notfound":                     missing,
	"channel_not_found":              missing,
	"message_not_found":              missing,
	"thread_not_found":               missing,
	"user_not_found":                 missing,
	"file_not_found":                 missing,
	"file_deleted":                   missing,
	"no_permission":                  denied,
	"e_rights":                       denied,
	"e_access":                       denied,
	"not_in_channel":                 denied,
	"access_denied":                  denied,
	"restricted_action":              denied,
	"e_document_invite":              denied,
	"e_document_invite_password":     denied,
	"40":                             denied, // not shared
	"41":                             denied, // protected by a password
	"e_teamchat_accessmode":          account,
	"account_inactive":               account,
	"invalid_token":                  token,
	"not_authed":                     token,
	"invalid_auth":                   token,
	"token_expired":                  token,
	"token_revoked":                  token,
	"method_not_exist":               permanent,
	"unknown_method":                 permanent,
	"invalid_ts_latest":              permanent,
	"invalid_ts_oldest":              permanent,
	"e_parameters":                   permanent,
	"e_group":                        permanent,
	"e_toobig":                       permanent,
	"e_virus":                        permanent,
	"e_attachment_blocked_by_filter": permanent,
}

// groupwareNumbers are the codes of the groupware store, for servers that send them as numbers.
var groupwareNumbers = map[string]string{
	"1": "e_glicense", "2": "e_rights", "3": "e_access", "4": "e_db", "5": "e_parameters", "6": "e_group",
	"7": "e_notfound", "8": "e_toobig", "9": "e_virus", "10": "e_transaction", "12": "e_locked",
	"18": "e_fileaccess_locked", "19": "e_fileaccess_another_locked", "25": "e_teamchat_accessmode",
	"36": "e_attachment_blocked_by_filter",
}
