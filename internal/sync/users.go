package sync

import (
	"context"
	"errors"
	"maps"
	"slices"

	"archiver/internal/record"
	"archiver/internal/storage"
	"archiver/internal/teamchat"
)

const (
	changesAtOnce = 2000 // entries read at a time when authors are looked for
	maxAsked      = 5000 // users asked for one by one in a run
)

// syncUsers reads the server's users. Where the list is cut short or refused, the authors and members that the archive
// does not know are asked for one by one.
func (r *run) syncUsers(ctx context.Context) {
	if r.isFresh(r.progress.Users) {
		return
	}
	began := r.Now().UTC()
	answer, users, complete, err := r.Client.Users(ctx, "")
	if err != nil && r.halts(ctx, err) {
		return
	}
	if err == nil {
		if r.putUsers(ctx, answer, users) != nil {
			return
		}
		if complete {
			r.progress.Users = began
			return
		}
	}
	asked, failed := r.askForUsers(teamchat.Begun(ctx))
	if failed != nil && !r.halts(ctx, failed) {
		r.problem("", "users: "+errors.Join(err, failed).Error())
		return
	}
	if failed == nil {
		r.progress.Users = began
	}
	r.Logger.Info("users asked for one by one", "users", asked, "err", err)
}

func (r *run) putUsers(ctx context.Context, a teamchat.Answer, users []teamchat.User) error {
	p := &storage.Page{Observed: a.Received, Users: make([]record.Seen, 0, len(users))}
	for _, u := range users {
		if u.ID != "" {
			p.Users = append(p.Users, record.Seen{Key: u.ID, Raw: record.Clean(u.Raw)})
		}
	}
	if len(p.Users) == 0 {
		return nil
	}
	return r.put(ctx, p)
}

// askForUsers asks for each user that is seen in the archive and not known there.
func (r *run) askForUsers(ctx context.Context) (asked int, err error) {
	missing, err := r.missingUsers(ctx)
	if err != nil {
		return 0, r.broken("look for users", err)
	}
	for _, id := range slices.Sorted(maps.Keys(missing)) {
		if asked == maxAsked || r.over(ctx) {
			return asked, errHalt
		}
		asked++
		answer, user, err := r.Client.UserInfo(ctx, id)
		var refusal *teamchat.Error
		switch {
		case errors.As(err, &refusal) && refusal.NotFound():
		case err != nil:
			return asked, err
		default:
			if err := r.putUsers(ctx, answer, []teamchat.User{user}); err != nil {
				return asked, err
			}
		}
	}
	return asked, nil
}

// missingUsers are the members of channels and the authors of what this run added, and the runs of few requests before
// it, without the users of the archive.
func (r *run) missingUsers(ctx context.Context) (map[string]bool, error) {
	if err := r.flush(context.WithoutCancel(ctx)); err != nil {
		return nil, err
	}
	missing := make(map[string]bool)
	for c, err := range r.Archive.Channels(ctx, 0) {
		if err != nil {
			return nil, err
		}
		for _, id := range c.Members {
			missing[id] = true
		}
	}
	if err := r.addAuthors(ctx, missing); err != nil {
		return nil, err
	}
	for u, err := range r.Archive.Users(ctx, 0) {
		if err != nil {
			return nil, err
		}
		delete(missing, u.ID)
	}
	delete(missing, "")
	return missing, nil
}

func (r *run) addAuthors(ctx context.Context, users map[string]bool) error {
	for after := r.progress.Since; ; {
		changes, err := r.Archive.Changes(ctx, after, changesAtOnce)
		if err != nil || len(changes) == 0 {
			return err
		}
		for _, c := range changes {
			if c.Class == storage.ClassMessage && c.Op != record.OpDeleted {
				users[record.ParseMessage(c.Body).User] = true
			}
		}
		after = changes[len(changes)-1].Change
	}
}

// listMembers completes the channel's state where the list of channels cuts its members short.
func (c *room) listMembers(ctx context.Context) error {
	if c.members == nil {
		return nil
	}
	answer, users, complete, err := c.run.Client.Users(ctx, c.call)
	if err != nil {
		return err
	}
	if !complete {
		c.run.Logger.Warn("members cut short", "channel", c.id, "members", len(users))
	}
	members := c.members.Members
	if complete {
		members = nil
	}
	for _, u := range users {
		members = append(members, u.ID)
	}
	c.members.Members = sorted(members)
	return c.run.put(ctx, &storage.Page{Observed: answer.Received, Channels: []record.ChannelState{*c.members}})
}
