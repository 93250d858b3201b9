package index

import (
	"slices"
)

// calendar knows the documents of a set by their months.
type calendar struct {
	months []string // of the index, in order
	count  func(month string) (uint64, error)
	docs   func(month string) (docset, error)
}

// calendar makes that of a set: from the column of months where columns are kept, else from the index, month by month.
func (s *session) calendar(found docset) (c *calendar, err error) {
	if s.view.documents > s.columns.limit {
		return s.calendarOfTerms(found)
	}
	var months *column
	err = guard(func() error { months, err = s.columns.column(s.view, fieldMonth); return err })
	if err != nil {
		return nil, err
	}
	counts, numbers := months.count(found), map[string]int{}
	for n, month := range months.terms {
		numbers[month] = n
	}
	return &calendar{
		months: slices.Sorted(slices.Values(months.terms)),
		count:  func(month string) (uint64, error) { return counts[numbers[month]], nil },
		docs:   func(month string) (docset, error) { return months.with(found, numbers[month]), nil },
	}, nil
}

func (s *session) calendarOfTerms(found docset) (*calendar, error) {
	months, err := s.months()
	in := func(month string) (docs docset, err error) {
		err = guard(func() error { docs, err = s.view.any(fieldMonth, []string{month}); return err })
		return docs, err
	}
	return &calendar{
		months: months,
		count: func(month string) (uint64, error) {
			docs, err := in(month)
			if err != nil {
				return 0, err
			}
			return docs.common(found), nil
		},
		docs: func(month string) (docset, error) {
			docs, err := in(month)
			if err != nil {
				return nil, err
			}
			return docs.and(found), nil
		},
	}, err
}
