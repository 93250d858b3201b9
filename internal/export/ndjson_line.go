package export

import (
	"encoding/base64"
	"strconv"
	"time"

	"archiver/internal/record"
)

// AppendMessageLine appends the line of a message in messages.ndjson, which whoever has the message's records can
// compare. Members stand in the order of their names.
func AppendMessageLine(dst []byte, item Item) []byte {
	dst = appendAnnotations(append(dst, `{"annotations":`...), item.Annotations)
	dst = appendQuoted(append(dst, `,"channel":`...), item.Channel)
	dst = appendDeletion(append(dst, `,"deleted":`...), item.Deleted)
	if dst = append(dst, `,"file":`...); item.FileID != "" {
		dst = appendQuoted(dst, item.FileID)
	} else {
		dst = append(dst, "null"...)
	}
	dst = appendQuoted(append(dst, `,"kind":`...), string(item.Kind))
	dst = appendRaw(append(dst, `,"raw":`...), item.Raw)
	dst = appendQuoted(append(dst, `,"reason":`...), string(item.Reason))
	dst = strconv.AppendUint(append(dst, `,"record":"message","seq":`...), item.Change, 10)
	dst = appendQuoted(append(dst, `,"text":`...), item.Text)
	dst = appendQuoted(append(dst, `,"thread_ts":`...), string(item.Thread))
	dst = appendQuoted(append(dst, `,"ts":`...), string(item.TS))
	dst = appendQuoted(append(dst, `,"user":`...), item.User)
	dst = appendVersions(append(dst, `,"versions":`...), item.Versions)
	return append(dst, "}\n"...)
}

func appendAnnotations(dst []byte, list []record.Annotation) []byte {
	return appendList(dst, list, func(dst []byte, a record.Annotation) []byte {
		dst = appendQuotedTime(append(dst, `{"observed":`...), a.Observed)
		return append(appendList(append(dst, `,"what":`...), a.What, appendQuoted), '}')
	})
}

func appendDeletion(dst []byte, d *record.Deletion) []byte {
	if d == nil {
		return append(dst, "null"...)
	}
	dst = appendQuotedTime(append(dst, `{"first_missing":`...), d.FirstMissing)
	return append(appendQuotedTime(append(dst, `,"last_seen":`...), d.LastSeen), '}')
}

func appendVersions(dst []byte, list []record.Version) []byte {
	return appendList(dst, list, func(dst []byte, v record.Version) []byte {
		dst = appendQuotedTime(append(dst, `{"observed":`...), v.Observed)
		dst = appendQuoted(append(dst, `,"sha256":`...), v.SHA256)
		return append(appendQuoted(append(dst, `,"text":`...), v.Text), '}')
	})
}

func appendList[T any](dst []byte, list []T, appendOne func([]byte, T) []byte) []byte {
	dst = append(dst, '[')
	for i, v := range list {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendOne(dst, v)
	}
	return append(dst, ']')
}

func appendQuotedTime(dst []byte, t time.Time) []byte {
	return append(t.UTC().AppendFormat(append(dst, '"'), timeFormat), '"')
}

// appendRaw appends an object as it is kept, which is without whitespace (record.Clean), or null and its bytes in base64
// where a line cannot hold it.
func appendRaw(dst, raw []byte) []byte {
	switch {
	case record.ValidJSON(raw):
		return append(dst, raw...)
	case len(raw) == 0:
		return append(dst, "null"...)
	}
	dst = append(dst, `null,"raw_base64":"`...)
	return append(base64.StdEncoding.AppendEncode(dst, raw), '"')
}
