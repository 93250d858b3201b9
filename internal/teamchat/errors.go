package teamchat

import "time"

// Error is an answer that is no success.
type Error struct {
	Method     string        // API method
	Code       string        // the member error, lower case; "" for answers that are no JSON
	Details    string        // the member error_details, lower case
	Status     int           // HTTP status, 0 when there was no answer
	RetryAfter time.Duration // the server asked for this wait; 0 is none
	Err        error         // the cause, when there was no answer or no JSON
}

func (e *Error) Error() string { return "" }

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// Temporary tells whether the same call may succeed later.
func (e *Error) Temporary() bool { return false }

// NotFound tells whether the thing asked for does not exist (any more).
func (e *Error) NotFound() bool { return false }

// Denied tells whether the account may not have the thing asked for.
func (e *Error) Denied() bool { return false }

// LoginRefused tells whether the server refused the account or its password.
func (e *Error) LoginRefused() bool { return false }
