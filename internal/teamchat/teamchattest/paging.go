package teamchattest

// window is the part of a list that a page holds.
type window struct {
	from, to    int // indexes in the order of the answer
	count, page int
	total       int
}

const defaultCount = 100

// window gives the page of a list of total items that the call asks for.
func (c *call) window(total int) window {
	win := window{count: c.pageCount(), page: max(c.intParam("page"), 1), total: total}
	if c.v.PageBase0 {
		win.page = max(c.intParam("page"), 0) + 1
	}
	served := win.page
	if c.v.PageIgnored {
		served = 1
	}
	last := 0 // where the last page that was passed begins
	for p := 1; p <= served && win.from <= total; p++ {
		if win.from = win.to; win.from < total {
			last = win.from
		}
		win.to += c.pageSize(win.count, p)
	}
	if win.from >= total {
		c.pastEnd(&win, last)
	}
	win.from, win.to = min(win.from, total), min(win.to, total)
	return win
}

// pageCount is how many items a page has.
func (c *call) pageCount() int {
	count := c.intParam("count")
	if count <= 0 {
		count = defaultCount
	}
	if c.v.CountFixed > 0 {
		return c.v.CountFixed
	}
	return min(count, c.v.largestPage())
}

// pageSize is how many items the server puts on page p.
func (c *call) pageSize(count, p int) int {
	switch {
	case c.v.EmptyPages && p%3 == 2:
		return 0
	case c.v.ShortPages && p%2 == 1:
		return (count + 1) / 2
	}
	return count
}

// pastEnd chooses what is served in place of a page that is not there.
func (c *call) pastEnd(win *window, last int) {
	switch c.v.PastEnd {
	case "last":
		win.from, win.to = last, win.total
	case "first":
		win.from, win.to = 0, c.pageSize(win.count, 1)
	}
}

// paging appends what the answer says of the list.
func (c *call) paging(win window) {
	if c.v.PagingAbsent {
		return
	}
	total, pages := win.total, (win.total+win.count-1)/win.count
	if c.v.PagingWrong {
		total, pages = 1, 1
	}
	page := win.page
	if c.v.PageBase0 {
		page--
	}
	c.raw(`,"paging":{"count":`)
	c.b = c.v.appendNumber(c.b, int64(win.count))
	c.number("total", int64(total))
	c.number("page", int64(page))
	c.number("pages", int64(pages))
	c.raw("}")
}

// list appends the elements of a page as the first member of the answer. An element that appends nothing is left out.
func (c *call) list(name string, win window, element func(i int)) {
	c.raw(`{"` + name + `":`)
	if win.from >= win.to && c.v.NullLists {
		c.raw("null")
		return
	}
	c.raw("[")
	first := len(c.b)
	for i := win.from; i < win.to; i++ {
		before := len(c.b)
		if before > first {
			c.raw(",")
		}
		begun := len(c.b)
		if element(i); len(c.b) == begun {
			c.b = c.b[:before]
		}
	}
	c.raw("]")
}

// page answers with a page of a list.
func (c *call) page(name string, total int, element func(i int)) error {
	win := c.window(total)
	c.list(name, win, func(i int) {
		if c.v.Reversed {
			i = total - 1 - i
		}
		element(i)
	})
	c.paging(win)
	c.ok()
	return nil
}

// all answers with a whole list at once, without paging.
func (c *call) all(name string, total int, element func(i int)) {
	c.list(name, window{to: total}, element)
}
