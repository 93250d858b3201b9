package index

import (
	"github.com/blevesearch/bleve/v2"
	"github.com/blevesearch/bleve/v2/mapping"
)

// mappingVersion counts the meanings that an index's documents had. Whoever changes a field, the tokenizer or the
// key raises it; an index of another version is not opened but rebuilt.
//
// 1: the first.
// 2: single digits are parts of words: v2.6.3 is found by 2.6.3.
// 3: the text inside files, and the ids of files.
// 4: where words stand is told by their frequencies, see standing.go.
const mappingVersion = 4

// The fields of a document. All are written by document.go, without bleve's analysis; the mapping only tells bleve's
// own tools what they are.
const (
	fieldText     = "text"     // terms of the text, with positions
	fieldFilename = "filename" // terms of the file's name, with positions, and the whole name folded
	fieldChannel  = "channel"  // the channel's id
	fieldUser     = "user"     // the author's id, folded
	fieldKind     = "kind"     // record.Kind
	fieldDay      = "day"      // 20180117, in UTC
	fieldMonth    = "month"    // 201801, in UTC
	fieldThread   = "thread"   // of a comment: its parent's ts
	fieldMentions = "mentions" // what stands behind an @, folded
	fieldFlags    = "flags"    // the flag constants
	fieldFile     = "file"     // id of the file that a message shows, or whose text this is
	fieldID       = "_id"      // bleve's name of the key
)

// The terms of the field flags.
const (
	flagOld      = "old"      // not the current version
	flagDeleted  = "deleted"  //
	flagEdited   = "edited"   //
	flagFile     = "file"     // has a file
	flagLink     = "link"     // the text holds a web address
	flagReaction = "reaction" //
	flagThread   = "thread"   // is a comment or has comments
	flagComment  = "comment"  // is a comment
	flagContent  = "content"  // is the text inside a file
)

// newMapping is what bleve stores beside the index.
func newMapping() mapping.IndexMapping {
	fields := bleve.NewDocumentStaticMapping()
	for _, name := range []string{fieldText, fieldFilename, fieldChannel, fieldUser, fieldKind, fieldDay, fieldMonth,
		fieldThread, fieldMentions, fieldFlags, fieldFile} {
		f := bleve.NewKeywordFieldMapping()
		f.Store, f.DocValues, f.IncludeInAll, f.IncludeTermVectors = false, false, false, positions(name)
		fields.AddFieldMappingsAt(name, f)
	}
	m := bleve.NewIndexMapping()
	m.DefaultMapping = fields
	m.StoreDynamic, m.IndexDynamic, m.DocValuesDynamic = false, false, false
	return m
}

// positions tells whether a field keeps where its terms stand, for phrases.
func positions(field string) bool { return field == fieldText || field == fieldFilename }
