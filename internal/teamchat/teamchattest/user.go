package teamchattest

import "strings"

type user struct {
	id, name string
	quoted   string // id as a JSON string
	deleted  bool
	guest    bool
}

func newUser(id, name string) *user {
	return &user{id: id, name: name, quoted: string(appendQuoted(nil, id))}
}

// AddUser adds an account, or changes the name of one that is there.
func (w *World) AddUser(id, name string) {
	defer w.change()()
	w.users[w.user(id)].name = name
}

// SetUserDeleted marks an account as deleted; it stays in the lists.
func (w *World) SetUserDeleted(id string, deleted bool) {
	defer w.change()()
	w.users[w.user(id)].deleted = deleted
}

// user gives the number of an account and adds it when it is not there. "" is number 0.
func (w *World) user(id string) int32 {
	if n, ok := w.userNum[id]; ok {
		return n
	}
	name, _, _ := strings.Cut(id, "@")
	n := int32(len(w.users))
	w.users = append(w.users, newUser(id, name))
	w.userNum[id] = n
	return n
}
