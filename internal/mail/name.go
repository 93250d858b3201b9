package mail

import (
	"path"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxName is the longest name of an attachment in bytes; file systems take 255.
const maxName = 200

// reservedNames are no names of files on Windows, whatever the extension.
var reservedNames = map[string]bool{
	"con": true, "prn": true, "aux": true, "nul": true,
	"com1": true, "com2": true, "com3": true, "com4": true, "com5": true, "com6": true, "com7": true, "com8": true, "com9": true,
	"lpt1": true, "lpt2": true, "lpt3": true, "lpt4": true, "lpt5": true, "lpt6": true, "lpt7": true, "lpt8": true, "lpt9": true,
}

// SafeName makes a name one that every system can save a file under, and that leads to no other folder: what means
// something to a file system, controls and what turns the direction of writing become "_", and a long name loses its
// middle. A name of which nothing is left is "attachment".
func SafeName(name string) string {
	name = strings.Map(func(r rune) rune {
		if strings.ContainsRune(`/\:*?"<>|`, r) || unicode.IsControl(r) || unicode.Is(unicode.Cf, r) ||
			r == 0x2028 || r == 0x2029 || r == utf8.RuneError {
			return '_'
		}
		return r
	}, name)
	name = shortened(strings.Trim(name, " ."))
	base, _, _ := strings.Cut(name, ".")
	switch {
	case name == "":
		return "attachment"
	case reservedNames[strings.ToLower(strings.TrimSpace(base))]:
		return "_" + name
	}
	return name
}

func shortened(name string) string {
	if len(name) <= maxName {
		return name
	}
	ext := path.Ext(name)
	if len(ext) > maxName/10 {
		ext = ""
	}
	n := maxName - len(ext)
	for !utf8.RuneStart(name[n]) {
		n--
	}
	return strings.TrimRight(name[:n], " .") + ext
}

// mediaTypes are those of attachments by their extension. Text is not among them: nobody knows its character set, and
// readers would change it.
var mediaTypes = map[string]string{
	".gif": "image/gif", ".jpeg": "image/jpeg", ".jpg": "image/jpeg", ".png": "image/png", ".webp": "image/webp",
	".pdf": "application/pdf", ".zip": "application/zip", ".mp3": "audio/mpeg", ".mp4": "video/mp4",
	".doc": "application/msword", ".xls": "application/vnd.ms-excel", ".ppt": "application/vnd.ms-powerpoint",
	".docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
	".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
	".pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
	".odt":  "application/vnd.oasis.opendocument.text",
	".ods":  "application/vnd.oasis.opendocument.spreadsheet",
	".odp":  "application/vnd.oasis.opendocument.presentation",
}

// MediaType gives the type of an attachment by its name. Unlike package mime it asks nothing of the system.
func MediaType(name string) string {
	if t := mediaTypes[strings.ToLower(path.Ext(name))]; t != "" {
		return t
	}
	return "application/octet-stream"
}
