package extract

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/klippa-app/go-pdfium"
	pdfiumErrors "github.com/klippa-app/go-pdfium/errors"
	"github.com/klippa-app/go-pdfium/references"
	"github.com/klippa-app/go-pdfium/requests"
	"github.com/klippa-app/go-pdfium/webassembly"
	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"
)

// pdfReader is PDFium in its sandbox: without a file system, with bounded memory. It is started by the first PDF.
type pdfReader struct {
	cache  string // directory, "" for none
	memory int64  // bytes
	pool   pdfium.Pool
	lib    pdfium.Pdfium
}

const wasmPage = 64 << 10 // bytes

func (p *pdfReader) start() error {
	if p.lib != nil {
		return nil
	}
	config := wazero.NewRuntimeConfig().
		WithCoreFeatures(api.CoreFeaturesV2 | experimental.CoreFeaturesExceptionHandling).
		WithMemoryLimitPages(uint32(max(p.memory/wasmPage, 1024)))
	if p.cache != "" {
		cache, err := wazero.NewCompilationCacheWithDir(p.cache)
		if err != nil {
			return fmt.Errorf("cache of PDFium: %w", err)
		}
		config = config.WithCompilationCache(cache)
	}
	pool, err := webassembly.Init(webassembly.Config{Context: context.Background(), MinIdle: 1, MaxIdle: 1, MaxTotal: 1,
		RuntimeConfig: config, FSConfig: wazero.NewFSConfig(), Stdout: io.Discard, Stderr: io.Discard})
	if err != nil {
		return fmt.Errorf("PDFium: %w", err)
	}
	lib, err := pool.GetInstance(time.Minute)
	if err != nil {
		return fmt.Errorf("PDFium: %w", errors.Join(err, pool.Close()))
	}
	p.pool, p.lib = pool, lib
	return nil
}

func (p *pdfReader) close() error {
	if p.lib == nil {
		return nil
	}
	err := errors.Join(p.lib.Close(), p.pool.Close())
	p.pool, p.lib = nil, nil
	return err
}

// readPDF reads the pages of a document, then what lies beside them.
func (j *job) readPDF(d document) (err error) {
	if err := j.pdf.start(); err != nil {
		return &panicError{err}
	}
	lib := j.pdf.lib
	doc, err := lib.OpenDocument(&requests.OpenDocument{File: &d.data})
	switch {
	case errors.Is(err, pdfiumErrors.ErrPassword):
		return errEncrypted
	case err != nil:
		return fmt.Errorf("PDF: %w", err)
	}
	defer func() {
		_, cerr := lib.FPDF_CloseDocument(&requests.FPDF_CloseDocument{Document: doc.Document})
		err = errors.Join(err, cerr)
	}()
	pages, err := lib.FPDF_GetPageCount(&requests.FPDF_GetPageCount{Document: doc.Document})
	if err != nil {
		return fmt.Errorf("PDF: %w", err)
	}
	for n := range pages.PageCount {
		if err := j.pdfPage(doc.Document, n); err != nil {
			return err
		}
	}
	return j.pdfBeside(d, doc.Document)
}

func (j *job) pdfPage(doc references.FPDF_DOCUMENT, n int) (err error) {
	if err := j.ctx.Err(); err != nil {
		return err
	}
	lib, name := j.pdf.lib, fmt.Sprintf("page %d", n+1)
	loaded, err := lib.FPDF_LoadPage(&requests.FPDF_LoadPage{Document: doc, Index: n})
	if err != nil {
		return j.leave(name, err)
	}
	defer func() {
		_, cerr := lib.FPDF_ClosePage(&requests.FPDF_ClosePage{Page: loaded.Page})
		err = errors.Join(err, cerr)
	}()
	page := requests.Page{ByReference: &loaded.Page}
	text, err := lib.GetPageText(&requests.GetPageText{Page: page})
	if err != nil {
		return j.leave(name, err)
	}
	if err := j.line(pdfText(text.Text)); err != nil {
		return err
	}
	return j.pdfNotes(page)
}

// pdfText is the text of a page as PDFium gives it, with words together that a hyphen divides at the end of a line:
// PDFium marks those with U+0002, or U+FFFE.
func pdfText(s string) string {
	s = strings.NewReplacer("\x02\r\n", "", "\x02\n", "", "\x02", "", "\ufffe\r\n", "", "\ufffe", "", "\r\n", "\n").Replace(s)
	return clean(s)
}

// maxNotes bounds how many notes and form fields of a page are looked at.
const maxNotes = 1000

// pdfNotes reads what notes say and what form fields hold.
func (j *job) pdfNotes(page requests.Page) error {
	lib := j.pdf.lib
	count, err := lib.FPDFPage_GetAnnotCount(&requests.FPDFPage_GetAnnotCount{Page: page})
	if err != nil {
		return nil // none to be had
	}
	for i := range min(count.Count, maxNotes) {
		note, err := lib.FPDFPage_GetAnnot(&requests.FPDFPage_GetAnnot{Page: page, Index: i})
		if err != nil {
			continue
		}
		for _, key := range []string{"Contents", "V"} {
			value, err := lib.FPDFAnnot_GetStringValue(&requests.FPDFAnnot_GetStringValue{Annotation: note.Annotation, Key: key})
			if err == nil && strings.TrimSpace(value.Value) != "" {
				if err := j.line(clean(value.Value)); err != nil {
					return err
				}
			}
		}
		if _, err := lib.FPDFPage_CloseAnnot(&requests.FPDFPage_CloseAnnot{Annotation: note.Annotation}); err != nil {
			return err
		}
	}
	return nil
}

// pdfBeside reads title, author, subject and keywords, and the files that a document holds.
func (j *job) pdfBeside(d document, doc references.FPDF_DOCUMENT) error {
	lib := j.pdf.lib
	meta, err := lib.GetMetaData(&requests.GetMetaData{Document: doc, Tags: &[]string{"Title", "Author", "Subject", "Keywords"}})
	if err == nil {
		for _, tag := range meta.Tags {
			if strings.TrimSpace(tag.Value) == "" {
				continue
			}
			if err := j.line(clean(tag.Value)); err != nil {
				return err
			}
		}
	}
	files, err := lib.GetAttachments(&requests.GetAttachments{Document: doc})
	if err != nil {
		return j.leave("embedded files", err)
	}
	for _, f := range files.Attachments {
		if j.entries--; j.entries < 0 {
			return j.leave(f.Name, &unsupportedError{"more entries than the limit"})
		}
		if err := j.line(clean(f.Name)); err != nil {
			return err
		}
		if j.budget -= int64(len(f.Content)); j.budget < 0 {
			return &sizeError{"it unpacks to more than the limit"}
		}
		if err := j.nested(d, f.Name, f.Content); err != nil {
			return err
		}
	}
	return nil
}
