package export

// The frame of pages, around what each has to say. It is appended, not a template: small pages are many.

const frameHead = `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src 'self' file:; style-src 'self' file:;`

const frameMeta = ` base-uri 'none'; form-action 'none'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<title>`

const frameFoot = `</p>
<p>Addresses in messages are no links, so that reading tells nobody; <b class="u">U+202E</b> and the like stand for characters that do not show.</p>
</footer>
</body>
</html>
`

// appendTop appends what stands above the content of a page.
func (h *pageHead) appendTop(dst []byte) []byte {
	dst = append(dst, frameHead...)
	if h.Script {
		dst = append(dst, " script-src 'self' file:;"...)
	}
	dst = appendAttribute(append(dst, frameMeta...), h.Title)
	dst = appendAttribute(append(dst, " · "...), h.Export)
	dst = append(append(dst, "</title>\n<link rel=\"stylesheet\" href=\""...), h.Root...)
	dst = append(dst, "style.css\">\n</head>\n<body>\n<a class=\"skip\" href=\"#content\">Skip to content</a>\n<div class=\"top\">\n"...)
	dst = h.appendPlaces(h.appendTrail(dst))
	dst = append(h.appendTurn(append(dst, `<nav aria-label="Pages">`...)), "</nav>\n<main id=\"content\""...)
	if h.Channel != "" {
		dst = append(appendAttribute(append(dst, ` data-channel="`...), h.Channel), '"')
	}
	return append(dst, ">\n"...)
}

// appendTrail leads to what the page is part of.
func (h *pageHead) appendTrail(dst []byte) []byte {
	const separator = `<span class="sep" aria-hidden="true">›</span>`
	dst = append(append(dst, "<nav class=\"trail\" aria-label=\"Where this is\">\n<a class=\"export\" href=\""...), h.Root...)
	dst = append(appendText(append(dst, `index.html">`...), h.Export), "</a>"...)
	for _, l := range h.Trail {
		dst = append(append(append(dst, separator+`<a href="`...), l.Href...), `">`...)
		dst = append(appendText(dst, l.Name), "</a>"...)
	}
	if len(h.Trail) > 0 {
		dst = append(appendText(append(dst, separator+"<b>"...), h.Here), "</b>"...)
	}
	return append(dst, "\n</nav>\n"...)
}

func (h *pageHead) appendPlaces(dst []byte) []byte {
	dst = append(dst, `<nav class="places" aria-label="Lists">`...)
	for _, l := range []link{{"search.html", "Search"}, {"people.html", "People"}, {"files.html", "Files"}} {
		dst = append(append(append(dst, `<a href="`...), h.Root...), l.Href...)
		dst = append(append(append(dst, `">`...), l.Name...), "</a>"...)
	}
	return append(dst, "</nav>\n</div>\n"...)
}

// appendTurn leads to the pages before and after.
func (h *pageHead) appendTurn(dst []byte) []byte {
	if h.Previous.Href == "" && h.Next.Href == "" && h.Place == "" {
		return dst
	}
	dst = append(dst, "<div class=\"turn\">\n<span>"...)
	if l := h.Previous; l.Href != "" {
		dst = append(append(append(dst, `<a rel="prev" href="`...), l.Href...), `">← `...)
		dst = append(append(dst, l.Name...), "</a>"...)
	}
	dst = append(append(append(dst, "</span>\n<span class=\"place\">"...), h.Place...), "</span>\n<span>"...)
	if l := h.Next; l.Href != "" {
		dst = append(append(append(dst, `<a rel="next" href="`...), l.Href...), `">`...)
		dst = append(append(dst, l.Name...), " →</a>"...)
	}
	return append(dst, "</span>\n</div>"...)
}

// appendBottom appends what stands below the content of a page.
func (h *pageHead) appendBottom(dst []byte) []byte {
	dst = append(h.appendTurn(append(dst, "</main>\n"...)), "\n<footer>\n<p><b>"...)
	dst = append(appendText(dst, h.Export), "</b> · "...)
	dst = appendText(dst, h.Title)
	if h.Place != "" {
		dst = append(append(dst, " · "...), h.Place...)
	}
	dst = appendAttribute(append(dst, " · times in "...), h.Zone)
	return append(dst, frameFoot...)
}
