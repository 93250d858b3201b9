// Package extract reads the text inside files. It owns which formats are read and how, what each file's outcome is
// called, and the processes in which hostile files are read.
//
// It promises
//
//   - that every file has an outcome: its text, or a [Status] with the reason why there is none, or why not all;
//   - that whatever the bytes are, the caller comes to no harm: size, what is unpacked, entries, nesting, text and time
//     are bounded ([Limits]), and a [Pool] reads in processes of its own, which may crash, hang or run out of memory;
//   - that it is a function of the bytes and the name, as long as time does not run out: [Version] counts the functions.
//
// It does not keep anything, and knows nothing of archives, channels and search. Pictures are not looked at (no OCR).
//
// # Formats
//
// What a file is, its bytes tell; its name decides only between kinds of plain text.
//
//	pdf         PDFium, compiled to WebAssembly, in a sandbox: text of the pages, notes, form fields, title and author,
//	            embedded files
//	docx        ECMA-376: body, headers, footers, notes, comments, text boxes, diagrams, charts, also deleted text
//	pptx        slides, speaker's notes, comments, diagrams, charts
//	xlsx        names of sheets, cells as they are stored, dates as 2016-01-31, comments, drawings, charts, headers
//	odt ods odp ODF 1.3: text, cells, notes, headers and footers
//	epub        its XHTML in the order of the spine
//	eml         RFC 5322 and MIME: all headers, text and HTML parts, attachments each as what it is
//	html        text, title, alternative texts, descriptions, addresses of links behind it
//	rtf         RTF 1.9 with code pages; no pictures and no objects
//	svg, xml    text, names of elements, names and values of attributes
//	text        txt, csv, md, json and everything else that is text
//	zip         names and contents of entries; an archive inside an archive is named and not opened
//	gz          one file
//
// Embedded documents and links of Office files are read too. The old binary formats (doc, xls, ppt, msg) are not.
// Text is UTF-8, UTF-16 with or without a byte order mark, what the file declares, or else a guess between the code
// pages of Windows, ISO 8859 and KOI8-R.
package extract
