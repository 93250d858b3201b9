package bundle

import (
	"bytes"
	"crypto/x509"

	"archiver/internal/export"
	"archiver/internal/seal"
)

// vouched checks what others say of the bundle: an authority's time stamp and an X.509 signature, where they lie there.
func (v *verifier) vouched() {
	if !v.has(export.TimestampFile) && !v.has(export.SealFile) {
		return
	}
	signed, there := v.read(export.SignedFile)
	if !there {
		return
	}
	if v.o.Roots == nil {
		v.warn("nothing shows that the certificates of the time stamp or the X.509 signature are to be trusted: --ca names the authorities")
	}
	if v.has(export.TimestampFile) {
		v.timestamp(signed, v.o.Roots)
	}
	if v.has(export.SealFile) {
		v.sealed(signed, v.o.Roots)
	}
}

func (v *verifier) timestamp(signed []byte, roots *x509.CertPool) {
	answer, ok := v.read(export.TimestampFile)
	if !ok {
		return
	}
	stamp, err := seal.CheckTimestamp(answer, bytes.NewReader(signed), roots)
	if err != nil {
		v.find(export.TimestampFile, "%v", err)
		return
	}
	v.report.Timestamp = stamp
	v.report.Checked["time stamps"]++
}

func (v *verifier) sealed(signed []byte, roots *x509.CertPool) {
	signature, ok := v.read(export.SealFile)
	if !ok {
		return
	}
	subject, err := seal.CheckSignature(signature, signed, roots)
	if err != nil {
		v.find(export.SealFile, "%v", err)
		return
	}
	v.report.SealedBy = subject
	v.report.Checked["X.509 signatures"]++
}
