package index

// What a query costs, in nanoseconds of processor time, as measured over the chat corpus of 394,194 messages. The first
// page of hits is promised within 2 seconds, so what is estimated at more than maxCost is refused before it is run.
const (
	costPosting = 150        // a document with a word that is scored
	costPlace   = 150        // a document with a word whose positions are looked at
	costTerm    = 10_000     // a set of documents that is read: that of a term
	costWalk    = 300        // a term of the index that is compared with a pattern
	costEdit    = 10_000_000 // finding the terms that differ by a letter, for every letter
	maxCost     = 1_500_000_000
)

// costly is a word of the query and what it costs by itself.
type costly struct {
	pos  int
	cost uint64
}

// afford refuses a query that costs too much, at the word that costs most. Without a limit on hits everything goes.
func (c *compiler) afford(cost uint64) error {
	if cost <= maxCost || c.unlimited {
		return nil
	}
	var worst costly
	for _, w := range c.words {
		if w.cost > worst.cost {
			worst = w
		}
	}
	return c.errorAt(worst.pos, "the query would take longer than the 2 seconds that a page may take, and this word costs most: it is too frequent, or stands for "+
		"too many words; give more of its letters, leave it out, or ask for all hits at once, which may take its time")
}

// lookUp charges for finding the terms that a node stands for, before that is done.
func (c *compiler) lookUp(n *textNode) error {
	var cost uint64
	switch {
	case n.form == fuzzyForm:
		cost = uint64(n.edits) * costEdit
	case n.form == wildcardForm && (n.text[0] == '*' || n.text[0] == '?'):
		terms, err := c.view.cardinality(n.field)
		if err != nil {
			return err
		}
		cost = uint64(terms) * costWalk
	}
	c.looked += cost
	c.words = append(c.words, costly{n.pos, cost})
	return c.afford(c.looked + c.read)
}

// frequencies gives in how many documents those terms of a node are that stand alone, and charges for reading all.
func (c *compiler) frequencies(n *textNode, sets unit) (counts []uint64, err error) {
	var cost uint64
	for _, set := range sets {
		c.read += uint64(len(set)) * costTerm
		cost += uint64(len(set)) * costTerm
		if len(set) != 1 {
			continue
		}
		docs, err := c.view.term(n.field, set[0])
		if err != nil {
			return nil, err
		}
		counts = append(counts, docs.count())
		cost += docs.count() * costPosting
	}
	c.words = append(c.words, costly{n.pos, cost})
	return counts, c.afford(c.looked + c.read)
}

func (allClause) cost(bool) uint64  { return costTerm }
func (noneClause) cost(bool) uint64 { return 0 }

func (c termClause) cost(scored bool) uint64 {
	if !scored {
		return costTerm
	}
	return costTerm + c.frequency*costPosting
}

func (c anyClause) cost(bool) uint64     { return uint64(len(c.terms)) * costTerm }
func (c idsClause) cost(bool) uint64     { return uint64(len(c.ids)) * costTerm }
func (c betweenClause) cost(bool) uint64 { return c.inner.cost(false) }

func (c *orClause) cost(scored bool) uint64 { return sumCosts(c.kids, scored) }

func sumCosts(kids []clause, scored bool) (sum uint64) {
	for _, kid := range kids {
		sum += kid.cost(scored)
	}
	return sum
}

// cost takes into account that the rarest word leads: of the others no more documents are looked at.
func (c andClause) cost(scored bool) uint64 {
	sum := sumCosts(c.filter, false) + sumCosts(c.not, false)
	var terms uint64
	var rarest *termClause
	for _, kid := range c.must {
		term, ok := kid.(termClause)
		if !ok {
			sum += kid.cost(scored)
			continue
		}
		if terms++; rarest == nil || term.frequency < rarest.frequency {
			rarest = &term
		}
	}
	if rarest != nil {
		sum += terms * rarest.cost(scored)
	}
	return sum
}

func (c *phraseClause) cost(bool) (sum uint64) {
	for _, set := range c.sets() {
		sum += uint64(len(set)) * costTerm
	}
	for _, docs := range c.frequencies {
		sum += docs * costPlace
	}
	return sum
}
