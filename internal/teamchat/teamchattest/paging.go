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
	count := c.intParam("count")
	if count <= 0 {
		count = defaultCount
	}
	win := window{count: min(count, c.v.largestPage()), page: max(c.intParam("page"), 1), total: total}
	if c.v.PageBase0 {
		win.page = max(c.intParam("page"), 0) + 1
	}
	served := win.page
	if c.v.PageIgnored {
		served = 1
	}
	for p := 1; p <= served && win.from <= total; p++ {
		win.from, win.to = win.to, win.to+c.pageSize(win.count, p)
	}
	win.from, win.to = min(win.from, total), min(win.to, total)
	return win
}

// pageSize is how many items the server puts on page p.
func (c *call) pageSize(count, p int) int {
	if c.v.ShortPages && p%2 == 1 {
		return (count + 1) / 2
	}
	return count
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

// list appends the elements of a page as the first member of the answer.
func (c *call) list(name string, win window, element func(i int)) {
	c.raw(`{"` + name + `":`)
	if win.from >= win.to && c.v.NullLists {
		c.raw("null")
		return
	}
	c.raw("[")
	for i := win.from; i < win.to; i++ {
		c.comma(i - win.from)
		element(i)
	}
	c.raw("]")
}

// page answers with a page of a list.
func (c *call) page(name string, total int, element func(i int)) error {
	win := c.window(total)
	c.list(name, win, element)
	c.paging(win)
	c.ok()
	return nil
}

// all answers with a whole list at once, without paging.
func (c *call) all(name string, total int, element func(i int)) {
	c.list(name, window{to: total}, element)
}
